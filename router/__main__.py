"""`python -m router` is the command `meritorder`."""

from router.cli import main

if __name__ == "__main__":
    main()
