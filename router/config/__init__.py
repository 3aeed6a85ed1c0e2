"""What the operator says: settings, endpoints and policies, read strictly and told apart early.

``load`` reads file, environment and flags; ``resolve`` makes the fleet the proxy serves from.
"""

from router.config.fleet import Fleet, needs_sandbox, resolve
from router.config.mistake import ConfigError, Mistake
from router.config.place import SHIPPED, find_config, write_starting_files
from router.config.settings import Settings, load

__all__ = [
    "SHIPPED",
    "ConfigError",
    "Fleet",
    "Mistake",
    "Settings",
    "find_config",
    "load",
    "needs_sandbox",
    "resolve",
    "write_starting_files",
]
