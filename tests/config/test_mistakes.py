"""Wrong files, and the exact line each must be answered with."""

from __future__ import annotations

from pathlib import Path

import pytest

from router.config import ConfigError, load
from tests.config.writing import complaints, row, written

FIRST = "config.toml: [[endpoints]] #1 'r1@here'"
SECRET = "sk-proj-abcdefghijklmnop0123456789"
ADVICE = (
    "a key never stands in a file; put it into an environment variable and write its NAME: "
    'api_key_env = "..."'
)

WRONG = {
    "typo in a section": (
        row() + "[server]\nprot = 80",
        "config.toml: [server] prot: unknown key; did you mean 'port'?",
    ),
    "typo in a section's name": (
        row() + "[sever]\nport = 80",
        "config.toml: [sever]: unknown; did you mean 'server'?",
    ),
    "key outside any section": (
        "port = 80\n" + row(),
        (
            "config.toml: port: unknown; known: endpoints, redis, routing, sandbox, server, "
            "telemetry, upstream"
        ),
    ),
    "section that is a value": (
        "server = 80\n" + row(),
        "config.toml: server: must be a section: [server]",
    ),
    "number in quotes": (
        row() + '[server]\nport = "80"',
        "config.toml: [server] port: must be a whole number, not '80'",
    ),
    "number out of range": (
        row() + "[server]\nport = 70000",
        "config.toml: [server] port: must be at most 65535, not 70000",
    ),
    "class with a policy that there is none of": (
        row() + '[routing]\nclasses = { main = "defualt" }',
        (
            "config.toml: [routing] classes.main: no policy 'defualt' in policies;"
            " did you mean 'default'?"
        ),
    ),
    "class that nobody could name": (
        row() + '[routing]\nclasses = { "Main" = "default" }',
        (
            "config.toml: [routing] classes.Main.[key]: has characters that are not allowed here"
            " (^[a-z0-9_-]{1,64}$): 'Main'"
        ),
    ),
    "who keeps nothing and collects": (
        row() + "zdr = true\ndata_collection = true",
        f"{FIRST} zdr: contradicts data_collection = true: who keeps nothing collects nothing",
    ),
    "share above one": (
        row() + "[telemetry]\nsample = 5",
        "config.toml: [telemetry] sample: must be at most 1, not 5",
    ),
    "word that is none of the choices": (
        row() + '[sandbox]\nenabled = "yes"',
        "config.toml: [sandbox] enabled: must be 'auto', 'always' or 'never', not 'yes'",
    ),
    "true is no number": (
        row() + "[redis]\nsync_interval_ms = true",
        "config.toml: [redis] sync_interval_ms: must be a number, not True",
    ),
    "not a URL": (
        row() + '[telemetry]\notlp_endpoint = "jaeger:4318"',
        (
            "config.toml: [telemetry] otlp_endpoint: must be a URL that begins with http:// or "
            "https://, without a query"
        ),
    ),
    "policy nobody wrote": (
        row() + '[routing]\ndefault_policy = "defualt"',
        (
            "config.toml: [routing] default_policy: no policy 'defualt' in policies; "
            "did you mean 'default'?"
        ),
    ),
    "key where a variable's name belongs": (
        row() + f'[server]\napi_keys = ["{SECRET}"]',
        f"config.toml: [server] api_keys[1]: {ADVICE}",
    ),
    "variable that is not set": (
        row() + '[server]\napi_keys = ["APP_KEY"]',
        (
            "config.toml: [server] api_keys[1]: the environment variable APP_KEY is not set, so no "
            "key could match"
        ),
    ),
    "CA that is not there": (
        row() + '[upstream]\nca_file = "/no/ca.pem"',
        "config.toml: [upstream] ca_file: there is no file /no/ca.pem",
    ),
    "password in a URL": (
        row() + '[redis]\nurl = "redis://:hunter2@redis:6379"',
        (
            "config.toml: [redis] url: a URL with a password is a secret; give it through the "
            "environment instead: MERITORDER_REDIS__URL"
        ),
    ),
    "no endpoints": (
        "",
        "config.toml: [[endpoints]]: there is none; nothing could be served",
    ),
    "one bracket": (
        "[endpoints]\nid = 'a'",
        "config.toml: [endpoints]: must be rows: [[endpoints]], with two brackets",
    ),
    "typo in a row": (
        row(contxt="1000"),
        f"{FIRST} contxt: unknown key; did you mean 'context'?",
    ),
    "typo in a price": (
        row(price="{ input = 1, output = 2, cached = 1 }"),
        f"{FIRST} price.cached: unknown key; did you mean 'cached_input'?",
    ),
    "half a price": (row(price="{ input = 1 }"), f"{FIRST} price.output: missing"),
    "half a step": (
        row(price="{ input = 1, output = 2, above = [{ tokens = 9, input = 2 }] }"),
        f"{FIRST} price.above[1].output: missing",
    ),
    "a step from nowhere": (
        row(price="{ input = 1, output = 2, above = [{ input = 2, output = 3 }] }"),
        f"{FIRST} price.above[1].tokens: missing",
    ),
    "two steps at once": (
        row(
            price="{ input = 1, output = 2, above = [{ tokens = 9, input = 2, output = 3 }, "
            "{ tokens = 9, input = 3, output = 4 }] }"
        ),
        f"{FIRST} price.above: two steps have the same number of tokens",
    ),
    "a tier nobody sells": (
        row(price="{ input = 1, output = 2, tiers = { prioritty = { input = 2, output = 3 } } }"),
        f"{FIRST} price.tiers.prioritty: unknown key; did you mean 'priority'?",
    ),
    "typo in a tier": (
        row(price="{ input = 1, output = 2, tiers = { flex = { input = 2, output = 3, fee = 1 }}}"),
        (
            f"{FIRST} price.tiers.flex.fee: unknown key; known: above, audio_input, "
            "audio_output, cache_write, cache_write_1h, cached_input, input, output, reasoning"
        ),
    ),
    "negative price": (
        row(price="{ input = 1, output = -2 }"),
        f"{FIRST} price.output: must be at least 0, not -2",
    ),
    "price that is a number": (
        row(price="3"),
        (
            f"{FIRST} price: a bare number can only be 0 (free of charge); else say USD per "
            "million tokens: { input = 0.55, output = 2.19 }"
        ),
    ),
    "infinite price": (
        row(price="{ input = inf, output = 2 }"),
        f"{FIRST} price.input: must be a finite number",
    ),
    "api_key": (row(api_key='"whatever"'), f"{FIRST} api_key: {ADVICE}"),
    "key in api_key_env": (row(api_key_env=f'"{SECRET}"'), f"{FIRST} api_key_env: {ADVICE}"),
    "lower-case variable": (
        row(api_key_env='"my key"'),
        (
            f"{FIRST} api_key_env: must be the NAME of an environment variable (upper-case "
            "letters, digits, _); a key never stands in a file"
        ),
    ),
    "serves nothing": (row(serves="[]"), f"{FIRST} serves: must not be empty"),
    "serves a word": (row(serves='"r1"'), f"{FIRST} serves: must be a list, not 'r1'"),
    "no model": (row(model=None), f"{FIRST} model: missing"),
    "no id": (row(id=None), "config.toml: [[endpoints]] #1 id: missing"),
    "unknown capability": (
        row(capabilities='["tool"]'),
        (
            f"{FIRST} capabilities[1]: must be 'tools', 'images', 'audio', "
            "'documents', 'json_object', 'json_schema', 'logprobs', 'reasoning_effort', 'n' or "
            "'seed', not 'tool'"
        ),
    ),
    "unknown dialect": (
        row(dialect='"gemini"'),
        f"{FIRST} dialect: must be 'openai', 'anthropic' or 'litellm', not 'gemini'",
    ),
    "unknown surface": (
        row(speaks='["chat", "chats"]'),
        (
            f"{FIRST} speaks[2]: must be 'chat', 'responses', 'completions', 'embeddings', "
            "'messages' or 'count_tokens', not 'chats'"
        ),
    ),
    "speaks nothing": (row(speaks="[]"), f"{FIRST} speaks: must not be empty"),
    "address nobody knows": (
        row(base_url=None),
        (
            f"{FIRST} base_url: missing; 'here' has no known address as alibaba, anthropic, "
            "cerebras, deepinfra, deepseek, fireworks, friendli, google, groq, lambda, minimax, "
            "mistral, moonshot, nebius, novita, openai, openrouter, parasail, together, xai have"
        ),
    ),
    "LiteLLM's name of a provider": (
        row(base_url=None, provider='"together_ai"'),
        (
            f"{FIRST} base_url: missing; did you mean provider = 'together'? 'together_ai' has no "
            "known address as alibaba, anthropic, cerebras, deepinfra, deepseek, fireworks, "
            "friendli, google, groq, lambda, minimax, mistral, moonshot, nebius, novita, openai, "
            "openrouter, parasail, together, xai have"
        ),
    ),
    "a provider written almost right": (
        row(base_url=None, provider='"DeepSek"'),
        (
            f"{FIRST} base_url: missing; did you mean provider = 'deepseek'? 'DeepSek' has no "
            "known address as alibaba, anthropic, cerebras, deepinfra, deepseek, fireworks, "
            "friendli, google, groq, lambda, minimax, mistral, moonshot, nebius, novita, openai, "
            "openrouter, parasail, together, xai have"
        ),
    ),
    "address with a name of the operator's own": (
        row(base_url=None, provider='"azure"'),
        (
            f"{FIRST} base_url: missing; 'azure' is reached at "
            "https://YOUR-RESOURCE.openai.azure.com/openai/v1"
        ),
    ),
    "a dialect spoken at another address": (
        row(base_url=None, provider='"deepseek"', dialect='"anthropic"'),
        (
            f"{FIRST} base_url: missing; 'deepseek' is reached at https://api.deepseek.com/v1, but "
            "not in the dialect of anthropic: say where"
        ),
    ),
    "a seller without a key": (
        row(base_url=None, provider='"openai"', api_key_env='""'),
        f"{FIRST} api_key_env: 'openai' serves nobody without a key",
    ),
    "key in a query": (
        row(provider='"openai"', base_url='"https://here/v1?api_key=hunter2"'),
        f"{FIRST} base_url: {ADVICE}",
    ),
    "key of a known shape in a query": (
        row(provider='"openai"', base_url=f'"https://here/v1?subscription={SECRET}"'),
        f"{FIRST} base_url: {ADVICE}",
    ),
    "fragment in an address": (
        row(base_url='"https://here/v1?a=b#c"'),
        f"{FIRST} base_url: must be a URL without spaces and without a #",
    ),
    "a speed no server has": (
        row(prior="{ tps = 1e-300 }"),
        f"{FIRST} prior.tps: must be at least 0.1, not 1e-300",
    ),
    "a wait no server has": (
        row(prior="{ ttft_ms = 1e-300 }"),
        f"{FIRST} prior.ttft_ms: must be at least 1, not 1e-300",
    ),
    "a limit nobody can keep": (
        row(limits="{ gap_s = 1e-9 }"),
        f"{FIRST} limits.gap_s: must be at least 0.001, not 1e-09",
    ),
    "hour 25": (
        row(price_windows='[{ hours_utc = "22:00-25:00", factor = 2 }]'),
        f"{FIRST} price_windows[1].hours_utc: a day runs from 00:00 to 24:00",
    ),
    "minute 60": (
        row(price_windows='[{ hours_utc = "22:60-23:00", factor = 2 }]'),
        f"{FIRST} price_windows[1].hours_utc: a day runs from 00:00 to 24:00",
    ),
    "hours in words": (
        row(price_windows='[{ hours_utc = "night", factor = 2 }]'),
        f"{FIRST} price_windows[1].hours_utc: must be two times of day (UTC) such as '22:00-04:00'",
    ),
    "weekday in German": (
        row(price_windows='[{ weekdays = "mo-fr", factor = 2 }]'),
        (
            f"{FIRST} price_windows[1].weekdays: 'mo-fr' is no weekday; days are mon, tue, wed, "
            "thu, fri, sat, sun"
        ),
    ),
    "factor nought": (
        row(price_windows="[{ factor = 0 }]"),
        f"{FIRST} price_windows[1].factor: must be more than 0, not 0",
    ),
    "two of a name": (
        row() + row(),
        "config.toml: [[endpoints]] #2 'r1@here' id: is taken by #1; ids are unique",
    ),
    "half a line": (
        "[server\nport = 80",
        "config.toml: line 1, column 8: Expected ']' at the end of a table declaration",
    ),
    "no end": ('host = "a', "config.toml: line 1, column 10: Unterminated string"),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_answered_with_its_place_and_what_would_work(
    tmp_path: Path, text: str, line: str
) -> None:
    assert complaints(written(tmp_path, text)) == [line]


def test_all_mistakes_of_file_policies_and_environment_come_at_once(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        row(contxt="1") + row(id='"b"', price="{ input = 1 }") + "[redis]\nurll = 'x'",
        {"fast": "[sla]\nttft = 5", "slow": '[sla]\nmode = "maybe"\n[routing]\nhegde = true'},
    )
    assert set(complaints(file, {"MERITORDER_SERVER__PORT": "many"})) == {
        "config.toml: [redis] urll: unknown key; did you mean 'url'?",
        "MERITORDER_SERVER__PORT: must be a whole number, not 'many'",
        "policies/fast.toml: [sla] ttft: unknown key; did you mean 'ttft_ms'?",
        "policies/slow.toml: [sla] mode: must be 'strict', 'best-effort' or 'wait', not 'maybe'",
        "policies/slow.toml: [routing] hegde: unknown key; did you mean 'hedge'?",
        f"{FIRST} contxt: unknown key; did you mean 'context'?",
        "config.toml: [[endpoints]] #2 'b' price.output: missing",
    }


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    text = row(api_key=f'"{SECRET}"', region=f'"{SECRET}"', api_key_env='"hunter2hunter2"')
    found = "\n".join(complaints(written(tmp_path, text + f'[redis]\nprefix = "{SECRET}"')))
    assert "api_key:" in found
    assert SECRET not in found
    assert "hunter2" not in found


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.toml: cannot be read: No such file"):
        load(tmp_path / "gone.toml", environ={})


def test_a_file_that_is_not_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"host = '\xff'")
    assert complaints(tmp_path / "config.toml") == ["config.toml: byte 8: is not UTF-8"]
