"""What is known of each provider, so that a row of four lines says everything.

A row of ``[[endpoints]]`` names its provider; what it leaves out is taken from here. Addresses,
headers and names of variables are those of the provider's own documentation or of LiteLLM's source;
docs/providers.md says which, and what could not be verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from router.core.catalogue import Dialect
from router.core.surface import Surface

PLACEHOLDER = "YOUR-"
"""What stands in a base URL where the operator's own name belongs."""

_CHAT = frozenset({Surface.CHAT})
_CHAT_AND_RESPONSES = frozenset({Surface.CHAT, Surface.RESPONSES})


@dataclass(frozen=True, slots=True)
class Provider:
    """One seller, or one kind of server.

    ``prefixes`` begin LiteLLM's names of its models, the usual one first: prices are looked up
    under them. A ``base_url`` with a placeholder must be said in the row, unless litellm finds it.
    ``speaks`` is what its chat models speak, ``lacks`` the fields its API refuses whatever the
    model. ``home`` begins a model's name there where LiteLLM's name has no such part; ``flat``
    names there have no parts, where LiteLLM's may tell a region.
    ``bills_after_cancel``: it goes on, and bills, when its stream is hung up.
    """

    prefixes: tuple[str, ...]
    base_url: str
    api_key_env: str | None = None
    auth_header: str = "authorization"
    dialect: Dialect = Dialect.OPENAI
    speaks: frozenset[Surface] = _CHAT
    lacks: frozenset[str] = frozenset()
    home: str = ""
    flat: bool = False
    bills_after_cancel: bool = False

    @property
    def address(self) -> str | None:
        """The base URL, where it is the same for everybody."""
        return None if PLACEHOLDER in self.base_url else self.base_url

    @property
    def asks_address(self) -> bool:
        """Whether a row must say where it is."""
        return self.address is None and self.dialect is not Dialect.LITELLM

    def owns(self, base_url: str) -> bool:
        """Whether an address is one of its own: its key goes there without being told to."""
        return _domain(base_url) == _domain(self.base_url)

    def name_of(self, model: str) -> str:
        """Return the provider's own name of a model, from LiteLLM's."""
        bare = model.partition("/")[2] or model
        if self.flat:
            return bare.rpartition("/")[2]
        return bare if "/" in bare else self.home + bare


def _domain(url: str) -> tuple[str, ...]:
    return tuple((urlsplit(url).hostname or "").split(".")[-2:])


PROVIDERS: Mapping[str, Provider] = MappingProxyType(
    {
        "alibaba": Provider(
            prefixes=("dashscope", "qwencloud"),
            base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
            api_key_env="DASHSCOPE_API_KEY",
            bills_after_cancel=True,
        ),
        "anthropic": Provider(
            prefixes=("anthropic",),
            base_url="https://api.anthropic.com/v1",
            api_key_env="ANTHROPIC_API_KEY",
            auth_header="x-api-key",
            dialect=Dialect.ANTHROPIC,
            speaks=frozenset({Surface.MESSAGES, Surface.COUNT_TOKENS}),
        ),
        "azure": Provider(
            prefixes=("azure",),
            base_url="https://YOUR-RESOURCE.openai.azure.com/openai/v1",
            api_key_env="AZURE_OPENAI_API_KEY",
            auth_header="api-key",
            flat=True,
            speaks=_CHAT_AND_RESPONSES,
        ),
        "azure-foundry": Provider(
            prefixes=("azure_ai",),
            base_url="https://YOUR-RESOURCE.services.ai.azure.com/openai/v1",
            api_key_env="AZURE_AI_API_KEY",
            auth_header="api-key",
            flat=True,
        ),
        "bedrock": Provider(
            prefixes=("bedrock", "bedrock_converse"),
            base_url="https://bedrock-runtime.YOUR-REGION.amazonaws.com/openai/v1",
            api_key_env="AWS_BEARER_TOKEN_BEDROCK",
            dialect=Dialect.LITELLM,
            bills_after_cancel=True,
        ),
        "bedrock-mantle": Provider(
            prefixes=("bedrock_mantle",),
            base_url="https://bedrock-mantle.YOUR-REGION.api.aws/v1",
            api_key_env="AWS_BEARER_TOKEN_BEDROCK",
            speaks=_CHAT_AND_RESPONSES,
            bills_after_cancel=True,
        ),
        "cerebras": Provider(
            prefixes=("cerebras",),
            base_url="https://api.cerebras.ai/v1",
            api_key_env="CEREBRAS_API_KEY",
            lacks=frozenset({"frequency_penalty", "logit_bias", "presence_penalty"}),
        ),
        "deepinfra": Provider(
            prefixes=("deepinfra",),
            base_url="https://api.deepinfra.com/v1/openai",
            api_key_env="DEEPINFRA_API_KEY",
        ),
        "deepseek": Provider(
            prefixes=("deepseek",),
            base_url="https://api.deepseek.com/v1",
            api_key_env="DEEPSEEK_API_KEY",
            lacks=frozenset({"max_completion_tokens"}),
        ),
        "fireworks": Provider(
            prefixes=("fireworks_ai",),
            base_url="https://api.fireworks.ai/inference/v1",
            api_key_env="FIREWORKS_API_KEY",
            speaks=_CHAT_AND_RESPONSES,
            home="accounts/fireworks/models/",
        ),
        "friendli": Provider(
            prefixes=("friendliai",),
            base_url="https://api.friendli.ai/serverless/v1",
            api_key_env="FRIENDLI_TOKEN",
        ),
        "google": Provider(
            prefixes=("gemini",),
            base_url="https://generativelanguage.googleapis.com/v1beta/openai",
            api_key_env="GEMINI_API_KEY",
            bills_after_cancel=True,
        ),
        "groq": Provider(
            prefixes=("groq",),
            base_url="https://api.groq.com/openai/v1",
            api_key_env="GROQ_API_KEY",
            speaks=_CHAT_AND_RESPONSES,
            lacks=frozenset({"logit_bias", "logprobs", "n", "top_logprobs"}),
            bills_after_cancel=True,
        ),
        "lambda": Provider(
            prefixes=("lambda_ai",),
            base_url="https://api.lambda.ai/v1",
            api_key_env="LAMBDA_API_KEY",
            bills_after_cancel=True,
        ),
        "llama.cpp": Provider(prefixes=("llamafile",), base_url="http://YOUR-HOST:8080/v1"),
        "minimax": Provider(
            prefixes=("minimax",),
            base_url="https://api.minimax.io/v1",
            api_key_env="MINIMAX_API_KEY",
            bills_after_cancel=True,
        ),
        "mistral": Provider(
            prefixes=("mistral",),
            base_url="https://api.mistral.ai/v1",
            api_key_env="MISTRAL_API_KEY",
            lacks=frozenset(
                {
                    "logit_bias",
                    "logprobs",
                    "max_completion_tokens",
                    "seed",
                    "stream_options",
                    "top_logprobs",
                }
            ),
            bills_after_cancel=True,
        ),
        "moonshot": Provider(
            prefixes=("moonshot",),
            base_url="https://api.moonshot.ai/v1",
            api_key_env="MOONSHOT_API_KEY",
        ),
        "nebius": Provider(
            prefixes=("nebius",),
            base_url="https://api.tokenfactory.nebius.com/v1",
            api_key_env="NEBIUS_API_KEY",
            bills_after_cancel=True,
        ),
        "novita": Provider(
            prefixes=("novita",),
            base_url="https://api.novita.ai/openai/v1",
            api_key_env="NOVITA_API_KEY",
        ),
        "ollama": Provider(
            prefixes=("ollama",),
            base_url="http://YOUR-HOST:11434/v1",
            lacks=frozenset({"max_completion_tokens"}),
        ),
        "openai": Provider(
            prefixes=("openai",),
            base_url="https://api.openai.com/v1",
            api_key_env="OPENAI_API_KEY",
            speaks=_CHAT_AND_RESPONSES,
        ),
        "openrouter": Provider(
            prefixes=("openrouter",),
            base_url="https://openrouter.ai/api/v1",
            api_key_env="OPENROUTER_API_KEY",
        ),
        "parasail": Provider(
            prefixes=("parasail",),
            base_url="https://api.parasail.io/v1",
            api_key_env="PARASAIL_API_KEY",
        ),
        "sglang": Provider(prefixes=("hosted_vllm",), base_url="http://YOUR-HOST:30000/v1"),
        "together": Provider(
            prefixes=("together_ai",),
            base_url="https://api.together.xyz/v1",
            api_key_env="TOGETHER_API_KEY",
        ),
        "vertex": Provider(
            prefixes=("vertex_ai",),
            base_url=(
                "https://aiplatform.googleapis.com/v1/projects/YOUR-PROJECT/locations/global"
                "/endpoints/openapi"
            ),
            api_key_env="VERTEX_ACCESS_TOKEN",
            home="google/",
            bills_after_cancel=True,
        ),
        "vllm": Provider(prefixes=("hosted_vllm",), base_url="http://YOUR-HOST:8000/v1"),
        "xai": Provider(
            prefixes=("xai",),
            base_url="https://api.x.ai/v1",
            api_key_env="XAI_API_KEY",
            speaks=_CHAT_AND_RESPONSES,
        ),
    }
)

_BY_PREFIX: Mapping[str, str] = MappingProxyType(
    {prefix: name for name, each in PROVIDERS.items() for prefix in each.prefixes}
)

NOT_OPENAI = frozenset(
    {
        "bedrock",
        "bedrock_converse",
        "cohere",
        "cohere_chat",
        "replicate",
        "sagemaker",
        "vertex_ai",
        "watsonx",
    }
)
"""Prefixes of LiteLLM's model names whose providers do not speak the OpenAI dialect."""


def provider_with(prefix: str) -> str | None:
    """Return the name of the provider whose models LiteLLM's names begin so."""
    return _BY_PREFIX.get(prefix)


def seller_of(litellm_provider: str) -> str | None:
    """Return our name of a seller in LiteLLM's table, ``None`` for one we know nothing of.

    The table divides a seller's models (``vertex_ai-qwen_models``). Some of Vertex AI's have no
    address that speaks OpenAI's dialect; litellm reaches those.
    """
    if litellm_provider in _RAW_PREDICT:
        return None
    return provider_with(litellm_provider.partition("-")[0])


_RAW_PREDICT = frozenset(
    {"vertex_ai-anthropic_models", "vertex_ai-mistral_models", "vertex_ai-ai21_models"}
)


def dialect_of(model: str) -> Dialect:
    """Return the dialect that a model's prefix speaks of, where its provider is not known."""
    prefix = model.partition("/")[0]
    if prefix == "anthropic":
        return Dialect.ANTHROPIC
    return Dialect.LITELLM if prefix in NOT_OPENAI else Dialect.OPENAI
