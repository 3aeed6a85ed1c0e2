"""meritorder: each request goes to the cheapest endpoint expected to keep its budget.

The packages are layers and imports point downwards only (checked by `make lint`): `cli`, `server`,
the shell (`surfaces`, `upstream`, `store`, `telemetry`, `config`, `dashboard`, `sandbox`),
`dispatch`, `ports`, `core`. Start reading at `router/core/decide.py`, then `router/dispatch.py`.
"""

__version__ = "0.1.0"
