"""meritorder: sends each request to the cheapest endpoint expected to keep its budget.

The packages below are layers, and an import may only point downwards (`pyproject.toml`, import-linter):
`cli`, `server`, the shell (`surfaces`, `upstream`, `store`, `telemetry`, `config`, `dashboard`, `sandbox`), `dispatch`,
`ports`, `core`. Start reading at `router/core/decide.py`, then `router/dispatch.py`.
"""

__version__ = "0.1.0"
