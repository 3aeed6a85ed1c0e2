"""What the proxy under measurement is configured with: everything on."""

from __future__ import annotations

from typing import Final

MODEL: Final = "bench-model"
KEY: Final = "sk-benchmark-0123456789abcdef"
PROVIDER_KEY: Final = "sk-provider-0123456789abcdef"
ENDPOINTS: Final = 20
SERVING: Final = 6

ENVIRON: Final = {"BENCH_KEY": KEY, "BENCH_PROVIDER_KEY": PROVIDER_KEY}


def config(*, port: int, upstream: int, redis_url: str, sink: int) -> str:
    """A ``config.toml``: 20 endpoints, 6 of them serving the model, a key, Redis and traces."""
    rows = [
        f"""
[server]
port = {port}
api_keys = ["BENCH_KEY"]

[redis]
url = "{redis_url}"

[telemetry]
otlp_endpoint = "http://127.0.0.1:{sink}"
sample = 0.01

[sandbox]
enabled = "never"
"""
    ]
    for i in range(ENDPOINTS):
        serves = MODEL if i < SERVING else f"other-{i % 5}"
        rows.append(
            f"""
[[endpoints]]
id = "endpoint-{i}"
provider = "provider-{i}"
model = "provider-{i}/{MODEL}"
upstream_model = "{MODEL}"
serves = ["{serves}"]
family = "{MODEL}"
base_url = "http://127.0.0.1:{upstream}/v1"
api_key_env = "BENCH_PROVIDER_KEY"
context = 131072
price = {{ input = {0.5 + 0.1 * i:.2f}, output = {2.0 + 0.4 * i:.2f} }}
prior = {{ ttft_ms = 400, ttft_ms_per_1k = 30, tps = 80, answer_tokens = 200 }}
"""
        )
    return "".join(rows)
