"""Providers whose addresses everybody knows, and models that only litellm can speak to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

BASE_URLS: Mapping[str, str] = MappingProxyType(
    {
        "cerebras": "https://api.cerebras.ai/v1",
        "deepinfra": "https://api.deepinfra.com/v1/openai",
        "deepseek": "https://api.deepseek.com/v1",
        "fireworks": "https://api.fireworks.ai/inference/v1",
        "friendli": "https://api.friendli.ai/serverless/v1",
        "google": "https://generativelanguage.googleapis.com/v1beta/openai",
        "groq": "https://api.groq.com/openai/v1",
        "lambda": "https://api.lambda.ai/v1",
        "mistral": "https://api.mistral.ai/v1",
        "moonshot": "https://api.moonshot.ai/v1",
        "nebius": "https://api.studio.nebius.com/v1",
        "openai": "https://api.openai.com/v1",
        "openrouter": "https://openrouter.ai/api/v1",
        "parasail": "https://api.parasail.io/v1",
        "together": "https://api.together.xyz/v1",
        "xai": "https://api.x.ai/v1",
    }
)

AUTH_HEADERS: Mapping[str, str] = MappingProxyType({"azure": "api-key"})
"""Header that carries the key, where it is not ``Authorization: Bearer``."""

NOT_OPENAI = frozenset(
    {
        "anthropic",
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

PLACEHOLDER = "YOUR-"
"""What stands in a shipped base URL where the operator's own name belongs."""
