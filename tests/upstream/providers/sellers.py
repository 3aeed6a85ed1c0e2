"""How providers differ: where they are asked, what carries the key, how they count and refuse.

One row for each row of docs/providers.md. Usage shapes are those of ``usages.TOLD``. Refusals are
in the words of the provider's documentation, of its server's source or of users' reports; where
none could be found the row has a plain one (``_PLAIN``), and the page says so. ``{}`` in a body is
where the provider repeats the key it was given, or the field it does not take.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from router.core.faults import Kind
from tests.upstream.usages import TOLD, Told


class Voice(Enum):
    """What is spoken."""

    CHAT = auto()
    EMBEDDINGS = auto()
    MESSAGES = auto()
    CONVERSE = auto()


@dataclass(frozen=True)
class Refusal:
    """A status, a body, and what we are to make of it."""

    status: int
    body: str
    kind: Kind
    headers: tuple[str, ...] = ()
    wait_s: float | None = None


@dataclass(frozen=True)
class Seller:
    """``target`` is the path and query of a request; ``usage_on`` where a stream tells usage."""

    target: str
    usage: str
    bad_key: Refusal | None
    refusals: tuple[Refusal, ...] = ()
    header: str = "authorization"
    scheme: str = "Bearer "
    voice: Voice = Voice.CHAT
    usage_on: str = "one of its own"
    says_done: bool = True
    comment: bytes = b""
    refused_fields: tuple[str, ...] = ()
    bad_field: Refusal | None = None
    stream_target: str = ""

    @property
    def told(self) -> Told:
        """The usage as documented, and what it comes to."""
        (found,) = [told for told in TOLD if told.provider == self.usage]
        return found

    @property
    def counted(self) -> dict[str, Any]:
        """The fields of an answer that tell its usage."""
        return self.told.answer


def _key(status: int, body: str) -> Refusal:
    return Refusal(status, body, Kind.CREDENTIALS)


def _busy(body: str, *headers: str, wait_s: float | None = None) -> Refusal:
    return Refusal(429, body, Kind.RATE_LIMITED, headers, wait_s)


def _long(body: str, status: int = 400) -> Refusal:
    return Refusal(status, body, Kind.CONTEXT_EXCEEDED)


_PLAIN = (_key(401, '{"error":{"message":"Unauthorized: {}"}}'),)
_PLAIN_BUSY = _busy('{"error":{"message":"Too Many Requests"}}', "Retry-After: 7", wait_s=7)

_OPENAI_KEY = _key(
    401,
    '{"error":{"message":"Incorrect API key provided: {}. You can find your API key at '
    'https://platform.openai.com/account/api-keys.","type":"invalid_request_error","param":null,'
    '"code":"invalid_api_key"}}',
)
_OPENAI = (
    _busy(
        '{"error":{"message":"Rate limit reached for m on tokens per min (TPM): Limit 200000, Used '
        '199000, Requested 9000. Please try again in 2.4s.","type":"tokens","param":null,'
        '"code":"rate_limit_exceeded"}}',
        "retry-after-ms: 2400",
        "x-ratelimit-remaining-tokens: 1000",
        wait_s=2.4,
    ),
    Refusal(
        429,
        '{"error":{"message":"You exceeded your current quota, please check your plan and billing '
        'details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}',
        Kind.CREDENTIALS,
    ),
    _long(
        '{"error":{"message":"This model\'s maximum context length is 128000 tokens. However, your '
        'messages resulted in 130001 tokens.","type":"invalid_request_error","param":"messages",'
        '"code":"context_length_exceeded"}}'
    ),
    Refusal(
        400,
        '{"error":{"message":"Unsupported value: \'temperature\' does not support 0.2 with this '
        'model.","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}',
        Kind.REJECTED,
    ),
    _key(
        404,
        '{"error":{"message":"The model `m` does not exist or you do not have access to it.",'
        '"type":"invalid_request_error","param":null,"code":"model_not_found"}}',
    ),
)
_AZURE_KEY = _key(
    401,
    '{"error":{"code":"401","message":"Access denied due to invalid subscription key or wrong API '
    'endpoint. Make sure to provide a valid key for an active subscription."}}',
)
_AZURE = (
    _busy(
        '{"error":{"code":"429","message":"Requests to the ChatCompletions_Create Operation under '
        "Azure OpenAI API version 2024-10-21 have exceeded token rate limit of your current OpenAI "
        'S0 pricing tier. Please retry after 6 seconds."}}',
        "Retry-After: 6",
        wait_s=6,
    ),
    _key(
        404,
        '{"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource '
        'does not exist."}}',
    ),
    Refusal(
        400,
        '{"error":{"message":"The response was filtered due to the prompt triggering Azure '
        'OpenAI\'s content management policy.","type":null,"param":"prompt",'
        '"code":"content_filter","status":400}}',
        Kind.REJECTED,
    ),
)
_GOOGLE_BUSY = (
    '[{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and '
    'billing details. Please retry in 17.3s.","status":"RESOURCE_EXHAUSTED","details":[{"@type":'
    '"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"17s"}]}}]'
)
_ANTHROPIC_KEY = _key(
    401,
    '{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"},'
    '"request_id":"req_1"}',
)
_ANTHROPIC = (
    _busy(
        '{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed '
        "your organization's rate limit of 30,000 input tokens per minute.\"}}",
        "retry-after: 21",
        wait_s=21,
    ),
    Refusal(
        529,
        '{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}',
        Kind.SERVER_ERROR,
    ),
    _long(
        '{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: '
        '1000001 tokens > 1000000 maximum"}}'
    ),
)
_VLLM = (
    _long(
        '{"error":{"message":"This model\'s maximum context length is 32768 tokens. However, you '
        'requested 40000 tokens in the messages. Please reduce the length of the messages.",'
        '"type":"BadRequestError","param":null,"code":400}}'
    ),
    _key(
        404,
        '{"error":{"message":"The model `m` does not exist.","type":"NotFoundError",'
        '"param":"model","code":404}}',
    ),
)

SELLERS: dict[str, Seller] = {
    "deepseek-flash@deepseek": Seller(
        "/v1/chat/completions",
        "deepseek",
        _key(
            401,
            '{"error":{"message":"Authentication Fails, Your api key: {} is invalid",'
            '"type":"authentication_error","param":null,"code":"invalid_request_error"}}',
        ),
        (
            _key(
                402,
                '{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,'
                '"code":"invalid_request_error"}}',
            ),
            _PLAIN_BUSY,
        ),
        usage_on="the last",
    ),
    "deepseek-flash@deepseek-anthropic": Seller(
        "/anthropic/v1/messages",
        "anthropic",
        _ANTHROPIC_KEY,
        _ANTHROPIC,
        header="x-api-key",
        scheme="",
        voice=Voice.MESSAGES,
    ),
    "gpt-5.4-mini@azure": Seller(
        "/openai/v1/chat/completions",
        "azure openai",
        _AZURE_KEY,
        _AZURE,
        header="api-key",
        scheme="",
    ),
    "gpt-5.4-mini@azure-deployment": Seller(
        "/openai/deployments/our-DEPLOYMENT/chat/completions?api-version=2024-10-21",
        "azure openai",
        _AZURE_KEY,
        _AZURE,
        header="api-key",
        scheme="",
    ),
    "deepseek-v4-flash@azure-foundry": Seller(
        "/openai/v1/chat/completions",
        "azure openai",
        _AZURE_KEY,
        _AZURE,
        header="api-key",
        scheme="",
    ),
    "claude-haiku-5-5@azure-foundry": Seller(
        "/anthropic/v1/messages",
        "anthropic",
        _AZURE_KEY,
        _ANTHROPIC,
        header="api-key",
        scheme="",
        voice=Voice.MESSAGES,
    ),
    "llama-3.3-70b@parasail": Seller("/v1/chat/completions", "parasail", _PLAIN[0], (_PLAIN_BUSY,)),
    "deepseek-v3.2@friendli": Seller(
        "/serverless/v1/chat/completions",
        "friendli",
        _key(401, '{"detail":"Unauthorized. Please provide a valid credential."}'),
        (
            _key(404, '{"detail":"Model \'m\' not found."}'),
            Refusal(
                422,
                '{"detail":"The \'response_format\' field cannot be set when tools are specified"}',
                Kind.REJECTED,
            ),
            _PLAIN_BUSY,
        ),
    ),
    "llama-3.3-70b@lambda": Seller("/v1/chat/completions", "nebius", _PLAIN[0], (_PLAIN_BUSY,)),
    "deepseek-v4-flash@nebius": Seller("/v1/chat/completions", "nebius", _PLAIN[0], (_PLAIN_BUSY,)),
    "deepseek-v4-flash@openrouter": Seller(
        "/api/v1/chat/completions",
        "openrouter",
        _key(401, '{"error":{"message":"User not found.","code":401}}'),
        (
            _busy(
                '{"error":{"message":"Provider returned error","code":429,"metadata":{"raw":"busy",'
                '"provider_name":"X"}}}'
            ),
            _key(402, '{"error":{"message":"Insufficient credits","code":402}}'),
            Refusal(
                403,
                '{"error":{"message":"Input was flagged","code":403,"metadata":{"reasons":["x"],'
                '"flagged_input":"...","provider_name":"X"}}}',
                Kind.REJECTED,
            ),
            Refusal(502, '{"error":{"message":"Provider error","code":502}}', Kind.SERVER_ERROR),
        ),
        comment=b"OPENROUTER PROCESSING",
    ),
    "gpt-5.4-mini@openai": Seller("/v1/chat/completions", "openai chat", _OPENAI_KEY, _OPENAI),
    "embedding-3@openai": Seller(
        "/v1/embeddings", "openai embeddings", _OPENAI_KEY, _OPENAI, voice=Voice.EMBEDDINGS
    ),
    "claude-haiku-5-5@anthropic": Seller(
        "/v1/messages",
        "anthropic",
        _ANTHROPIC_KEY,
        _ANTHROPIC,
        header="x-api-key",
        scheme="",
        voice=Voice.MESSAGES,
    ),
    "gemini-3.5-flash@google": Seller(
        "/v1beta/openai/chat/completions",
        "gemini, openai-compatible",
        _key(
            400,
            '[{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.",'
            '"status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.'
            'ErrorInfo","reason":"API_KEY_INVALID","domain":"googleapis.com"}]}}]',
        ),
        (
            _busy(_GOOGLE_BUSY, wait_s=17),
            Refusal(
                400,
                '[{"error":{"code":400,"message":"Invalid JSON payload received. Unknown name '
                '\\"web_search_options\\": Cannot find field.","status":"INVALID_ARGUMENT"}}]',
                Kind.REJECTED,
            ),
            _key(404, '[{"error":{"code":404,"message":"models/m is not found"}}]'),
        ),
        usage_on="every chunk",
    ),
    "grok-4.7@xai": Seller(
        "/v1/chat/completions",
        "xai",
        _key(
            400,
            '{"code":"Client specified an invalid argument","error":"Incorrect API key provided: '
            '{}. You can obtain an API key from https://console.x.ai."}',
        ),
        (_PLAIN_BUSY,),
        usage_on="every chunk",
    ),
    "deepseek-v4.1-flash@together": Seller(
        "/v1/chat/completions",
        "together",
        _key(
            401,
            '{"id":"o-1","error":{"message":"Invalid API key provided. You can find your API key '
            'at https://api.together.xyz/settings/api-keys.","type":"invalid_request_error",'
            '"param":null,"code":"invalid_api_key"}}',
        ),
        (_PLAIN_BUSY,),
        usage_on="the last",
    ),
    "deepseek-v4.1-flash@fireworks": Seller(
        "/inference/v1/chat/completions",
        "fireworks",
        _key(
            401,
            '{"error":{"object":"error","type":"invalid_request_error","code":"unauthorized",'
            '"message":"The API key you provided is invalid."}}',
        ),
        (
            _key(
                404,
                '{"error":{"object":"error","type":"invalid_request_error","code":"NOT_FOUND",'
                '"message":"Model not found, inaccessible, and/or not deployed"}}',
            ),
            _PLAIN_BUSY,
        ),
        usage_on="the last",
    ),
    "deepseek-v4-flash@deepinfra": Seller(
        "/v1/openai/chat/completions", "deepinfra", _PLAIN[0], (_PLAIN_BUSY,)
    ),
    "deepseek-v4-flash@novita": Seller(
        "/openai/v1/chat/completions", "novita", _PLAIN[0], (_PLAIN_BUSY,)
    ),
    "gpt-oss-120b@groq": Seller(
        "/openai/v1/chat/completions",
        "groq",
        _key(
            401,
            '{"error":{"message":"Invalid API Key","type":"invalid_request_error",'
            '"code":"invalid_api_key"}}',
        ),
        (
            _busy(
                '{"error":{"message":"Rate limit reached for model `m`. Please try again in 7.6s.",'
                '"type":"tokens","code":"rate_limit_exceeded"}}',
                "retry-after: 8",
                wait_s=8,
            ),
            Refusal(498, '{"error":{"message":"capacity exceeded"}}', Kind.SERVER_ERROR),
        ),
        usage_on="the last",
        refused_fields=("logprobs", "top_logprobs", "logit_bias"),
        bad_field=Refusal(
            400,
            '{"error":{"message":"property \'{}\' is unsupported","type":"invalid_request_error"}}',
            Kind.REJECTED,
        ),
    ),
    "gpt-oss-120b@cerebras": Seller(
        "/v1/chat/completions",
        "nebius",
        _key(
            401,
            '{"message":"Wrong API Key","type":"invalid_request_error","param":"api_key",'
            '"code":"wrong_api_key"}',
        ),
        (
            _busy(
                '{"message":"Tokens per minute limit exceeded - too many tokens processed.",'
                '"type":"too_many_tokens_error","param":"quota","code":"token_quota_exceeded"}'
            ),
        ),
        usage_on="the last",
    ),
    "mistral-small@mistral": Seller(
        "/v1/chat/completions",
        "mistral",
        _key(401, '{"detail":"Unauthorized"}'),
        (
            _busy(
                '{"object":"error","message":"Rate limit exceeded","type":"rate_limited",'
                '"param":null,"code":"1300"}'
            ),
        ),
        usage_on="the last",
        refused_fields=("stream_options", "seed", "max_completion_tokens", "logit_bias"),
        bad_field=Refusal(
            422,
            '{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","{}"],'
            '"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error",'
            '"param":null,"code":null}',
            Kind.REJECTED,
        ),
    ),
    "claude-haiku-5-5@bedrock": Seller(
        "/model/us.anthropic.claude-haiku-5-5/converse",
        "bedrock through litellm",
        _key(403, '{"message":"Authentication failed: Please make sure your API Key is valid."}'),
        (_busy('{"message":"Too many requests, please wait before trying again."}'),),
        voice=Voice.CONVERSE,
        stream_target="/model/us.anthropic.claude-haiku-5-5/converse-stream",
    ),
    "gpt-oss-120b@bedrock": Seller(
        "/openai/v1/chat/completions",
        "openai chat",
        _key(403, '{"message":"Authentication failed: Please make sure your API Key is valid."}'),
        (_busy('{"message":"Too many tokens, please wait before trying again."}'),),
    ),
    "qwen3-next-80b@bedrock-mantle": Seller(
        "/v1/chat/completions", "openai chat", _PLAIN[0], (_PLAIN_BUSY,)
    ),
    "claude-haiku-5-5@bedrock-mantle": Seller(
        "/anthropic/v1/messages",
        "anthropic",
        _PLAIN[0],
        _ANTHROPIC,
        voice=Voice.MESSAGES,
    ),
    "gemini-3.5-flash@vertex": Seller(
        "/v1/projects/our-PROJECT/locations/global/endpoints/openapi/chat/completions",
        "gemini, openai-compatible",
        _key(
            401,
            '[{"error":{"code":401,"message":"Request had invalid authentication credentials. '
            'Expected OAuth 2 access token.","status":"UNAUTHENTICATED"}}]',
        ),
        (
            _busy(
                '[{"error":{"code":429,"message":"Resource exhausted. Please try again later.",'
                '"status":"RESOURCE_EXHAUSTED"}}]'
            ),
        ),
        usage_on="every chunk",
    ),
    "kimi-k2.6@moonshot": Seller(
        "/v1/chat/completions",
        "moonshot",
        _key(
            401,
            '{"error":{"message":"Invalid Authentication","type":"invalid_authentication_error"}}',
        ),
        (
            _busy(
                '{"error":{"message":"Your account reached max request","type":'
                '"rate_limit_reached_error"}}'
            ),
            _key(
                429,
                '{"error":{"message":"Your account is suspended, please check your plan and billing'
                ' details","type":"exceeded_current_quota_error"}}',
            ),
        ),
        usage_on="the last",
    ),
    "minimax-m3@minimax": Seller(
        "/v1/chat/completions",
        "minimax",
        _key(
            401,
            '{"type":"error","error":{"type":"authorized_error","message":"invalid api key (2049)",'
            '"http_code":"401"},"request_id":"1"}',
        ),
        (_PLAIN_BUSY,),
        usage_on="the last",
        says_done=False,
    ),
    "qwen3.8-flash@alibaba": Seller(
        "/compatible-mode/v1/chat/completions",
        "alibaba qwen",
        _key(
            401,
            '{"error":{"message":"Incorrect API key provided. ","type":"invalid_request_error",'
            '"param":null,"code":"invalid_api_key"},"request_id":"1"}',
        ),
        (
            _busy(
                '{"error":{"message":"You have exceeded your request limit.","type":'
                '"limit_requests","param":null,"code":"limit_requests"},"request_id":"1"}'
            ),
        ),
    ),
    "qwen3-32b@vllm": Seller("/v1/chat/completions", "vllm", None, _VLLM),
    "qwen3-32b@sglang": Seller(
        "/v1/chat/completions",
        "sglang",
        None,
        (
            _long(
                '{"object":"error","message":"The input (40000 tokens) is longer than the model\'s '
                'context length (32768 tokens).","type":"BadRequestError","param":null,"code":400}'
            ),
        ),
    ),
    "qwen3-8b@llama.cpp": Seller(
        "/v1/chat/completions",
        "llama.cpp",
        None,
        (
            _long(
                '{"error":{"code":400,"message":"the request exceeds the available context size, '
                'try increasing it","type":"exceed_context_size_error","n_prompt_tokens":40000,'
                '"n_ctx":16384}}'
            ),
            Refusal(
                503,
                '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}',
                Kind.SERVER_ERROR,
            ),
        ),
        usage_on="the last",
    ),
    "qwen3-8b@ollama": Seller(
        "/v1/chat/completions",
        "ollama",
        None,
        (
            _key(
                404,
                '{"error":{"message":"model \\"m\\" not found, try pulling it first","type":'
                '"not_found_error","param":null,"code":null}}',
            ),
        ),
    ),
}
