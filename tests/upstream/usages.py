"""What providers really say they counted: one row for each shape, and what it must come to.

``answer`` holds the fields of an answer (or of a stream's last chunk) that say what was used, in
the shape ``documented`` at that address; numbers are made up. Rows with a ``through`` are what the
provider itself sends where litellm stands between, and name who in litellm translates it.
Prices are USD per million tokens; ``nano_usd`` is written out as tokens x nano-USD a token, the
tier and the step of the price having been looked up by a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from router.core.answer import Usage
from router.core.catalogue import Price, Tier

OPENAI = Price(
    1.25,
    10,
    cached_input=0.125,
    tiers=((Tier.FLEX, Price(0.625, 5, 0.0625)), (Tier.PRIORITY, Price(2.5, 20, 0.25))),
)
CLAUDE = Price(
    3,
    15,
    cached_input=0.3,
    cache_write=3.75,
    cache_write_1h=6,
    above=((200_000, Price(6, 22.5, 0.6, 7.5, cache_write_1h=12)),),
)
DEEPSEEK = Price(0.3, 1.2, cached_input=0.006)
GEMINI = Price(1.25, 10, cached_input=0.125, above=((200_000, Price(2.5, 15, 0.25)),))
QWEN = Price(
    0.4,
    1.2,
    cached_input=0.04,
    cache_write=0.5,
    reasoning=4,
    above=((256_000, Price(1.2, 3.6, 0.12, 1.5, reasoning=12)),),
)
OPEN_WEIGHTS = Price(0.5, 2, cached_input=0.1)
NO_CACHE = Price(0.5, 2)
FREE = Price(0, 0)


@dataclass(frozen=True)
class Told:
    """What one provider tells of one answer, and what is made of it."""

    provider: str
    documented: str
    answer: dict[str, Any]
    usage: Usage
    price: Price
    nano_usd: int
    through: str = ""


TOLD = (
    Told(
        "openai chat",
        "https://platform.openai.com/docs/api-reference/chat/object",
        {
            "service_tier": "default",
            "usage": {
                "prompt_tokens": 2006,
                "completion_tokens": 300,
                "total_tokens": 2306,
                "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 192,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            },
        },
        Usage(fresh_input=86, cache_read=1920, text=108, reasoning=192, tier=Tier.STANDARD),
        OPENAI,
        86 * 1250 + 1920 * 125 + 300 * 10_000,
    ),
    Told(
        "openai chat, spoken",
        "https://platform.openai.com/docs/guides/audio",
        {
            "usage": {
                "prompt_tokens": 180,
                "completion_tokens": 400,
                "total_tokens": 580,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 150},
                "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 300},
            },
        },
        Usage(fresh_input=180, text=400, audio_input=150, audio_output=300),
        Price(2.5, 10, audio_input=32, audio_output=64),
        30 * 2500 + 150 * 32_000 + 100 * 10_000 + 300 * 64_000,
    ),
    Told(
        "openai chat, flex",
        "https://platform.openai.com/docs/guides/flex-processing",
        {
            "service_tier": "flex",
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 100,
                "total_tokens": 1100,
                "prompt_tokens_details": {"cached_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        Usage(fresh_input=1000, text=100, tier=Tier.FLEX),
        OPENAI,
        1000 * 625 + 100 * 5000,
    ),
    Told(
        "openai chat, cache writes",
        "https://github.com/openai/openai-python/blob/main/src/openai/types/completion_usage.py",
        {
            "usage": {
                "prompt_tokens": 4000,
                "completion_tokens": 10,
                "total_tokens": 4010,
                "prompt_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 2048},
                "completion_tokens_details": {"reasoning_tokens": 0},
            },
        },
        Usage(fresh_input=928, cache_read=1024, cache_write=2048, text=10),
        Price(1, 8, cached_input=0.1, cache_write=1.25),
        928 * 1000 + 1024 * 100 + 2048 * 1250 + 10 * 8000,
    ),
    Told(
        "openai responses",
        "https://platform.openai.com/docs/api-reference/responses/object",
        {
            "service_tier": "priority",
            "usage": {
                "input_tokens": 328,
                "input_tokens_details": {"cached_tokens": 128},
                "output_tokens": 52,
                "output_tokens_details": {"reasoning_tokens": 40},
                "total_tokens": 380,
            },
        },
        Usage(fresh_input=200, cache_read=128, text=12, reasoning=40, tier=Tier.PRIORITY),
        OPENAI,
        200 * 2500 + 128 * 250 + 52 * 20_000,
    ),
    Told(
        "openai embeddings",
        "https://platform.openai.com/docs/api-reference/embeddings/create",
        {"usage": {"prompt_tokens": 8, "total_tokens": 8}},
        Usage(fresh_input=8),
        Price(0.02, 0),
        8 * 20,
    ),
    Told(
        "azure openai",
        "https://learn.microsoft.com/en-us/azure/ai-foundry/openai/how-to/prompt-caching",
        {
            "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
            "usage": {
                "completion_tokens": 1518,
                "completion_tokens_details": {
                    "accepted_prediction_tokens": None,
                    "audio_tokens": None,
                    "reasoning_tokens": 576,
                    "rejected_prediction_tokens": None,
                },
                "prompt_tokens": 1566,
                "prompt_tokens_details": {"audio_tokens": None, "cached_tokens": 1408},
                "total_tokens": 3084,
            },
        },
        Usage(fresh_input=158, cache_read=1408, text=942, reasoning=576),
        OPENAI,
        158 * 1250 + 1408 * 125 + 1518 * 10_000,
    ),
    Told(
        "anthropic",
        "https://docs.claude.com/en/docs/build-with-claude/prompt-caching",
        {
            "usage": {
                "input_tokens": 48,
                "cache_read_input_tokens": 1800,
                "cache_creation_input_tokens": 248,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 148,
                    "ephemeral_1h_input_tokens": 100,
                },
                "output_tokens": 503,
                "service_tier": "standard",
            },
        },
        Usage(
            fresh_input=48,
            cache_read=1800,
            cache_write=248,
            text=503,
            cache_write_1h=100,
            tier=Tier.STANDARD,
        ),
        CLAUDE,
        48 * 3000 + 1800 * 300 + 148 * 3750 + 100 * 6000 + 503 * 15_000,
    ),
    Told(
        "anthropic, nothing cached",
        "https://docs.claude.com/en/api/messages",
        {
            "usage": {
                "input_tokens": 2095,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "output_tokens": 503,
                "output_tokens_details": {"thinking_tokens": 300},
            }
        },
        Usage(fresh_input=2095, text=203, reasoning=300),
        CLAUDE,
        2095 * 3000 + 503 * 15_000,
    ),
    Told(
        "anthropic, above 200k with what was cached",
        "https://docs.claude.com/en/docs/about-claude/pricing",
        {
            "usage": {
                "input_tokens": 1000,
                "cache_read_input_tokens": 150_000,
                "cache_creation_input_tokens": 60_000,
                "cache_creation": {
                    "ephemeral_5m_input_tokens": 0,
                    "ephemeral_1h_input_tokens": 60_000,
                },
                "output_tokens": 10,
            },
        },
        Usage(
            fresh_input=1000,
            cache_read=150_000,
            cache_write=60_000,
            text=10,
            cache_write_1h=60_000,
        ),
        CLAUDE,
        1000 * 6000 + 150_000 * 600 + 60_000 * 12_000 + 10 * 22_500,
    ),
    Told(
        "anthropic, with a compaction and a search",
        "https://github.com/anthropics/anthropic-sdk-python/blob/main/src/anthropic/types/beta/beta_usage.py",
        {
            "usage": {
                "input_tokens": 23_000,
                "cache_read_input_tokens": 0,
                "cache_creation_input_tokens": 0,
                "output_tokens": 1000,
                "server_tool_use": {"web_search_requests": 1},
                "service_tier": "standard",
                "iterations": [
                    {
                        "type": "compaction",
                        "input_tokens": 1500,
                        "cache_read_input_tokens": 178_000,
                        "cache_creation_input_tokens": 500,
                        "cache_creation": {
                            "ephemeral_5m_input_tokens": 500,
                            "ephemeral_1h_input_tokens": 0,
                        },
                        "output_tokens": 3500,
                    },
                    {
                        "type": "message",
                        "input_tokens": 23_000,
                        "cache_read_input_tokens": 0,
                        "cache_creation_input_tokens": 0,
                        "output_tokens": 1000,
                    },
                ],
            },
        },
        Usage(
            fresh_input=24_500,
            cache_read=178_000,
            cache_write=500,
            text=4500,
            tier=Tier.STANDARD,
            searches=1,
        ),
        Price(3, 15, cached_input=0.3, cache_write=3.75, search=0.01),
        24_500 * 3000 + 178_000 * 300 + 500 * 3750 + 4500 * 15_000 + 10_000_000,
    ),
    Told(
        "anthropic, fast mode",
        "https://platform.claude.com/docs/en/build-with-claude/fast-mode",
        {
            "usage": {
                "input_tokens": 1000,
                "cache_read_input_tokens": 2000,
                "output_tokens": 100,
                "service_tier": "standard",
                "speed": "fast",
            },
        },
        Usage(fresh_input=1000, cache_read=2000, text=100, tier=Tier.FAST_MODE),
        Price(5, 25, 0.5, tiers=((Tier.FAST_MODE, Price(10, 50, 1.0)),)),
        1000 * 10_000 + 2000 * 1000 + 100 * 50_000,
    ),
    Told(
        "openai chat, fast, which was priority",
        "https://developers.openai.com/api/docs/guides/fast-mode",
        {
            "service_tier": "fast",
            "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100},
        },
        Usage(fresh_input=1000, text=100, tier=Tier.PRIORITY),
        OPENAI,
        1000 * 2500 + 100 * 20_000,
    ),
    Told(
        "anthropic through litellm",
        "https://docs.claude.com/en/docs/build-with-claude/prompt-caching",
        {
            "input_tokens": 48,
            "cache_read_input_tokens": 1800,
            "cache_creation_input_tokens": 248,
            "cache_creation": {"ephemeral_5m_input_tokens": 148, "ephemeral_1h_input_tokens": 100},
            "output_tokens": 503,
            "output_tokens_details": {"thinking_tokens": 103},
            "service_tier": "standard",
        },
        Usage(
            fresh_input=48,
            cache_read=1800,
            cache_write=248,
            text=400,
            reasoning=103,
            cache_write_1h=100,
            tier=Tier.STANDARD,
        ),
        CLAUDE,
        48 * 3000 + 1800 * 300 + 148 * 3750 + 100 * 6000 + 503 * 15_000,
        through="anthropic",
    ),
    Told(
        "bedrock through litellm",
        "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html",
        {
            "inputTokens": 4,
            "outputTokens": 832,
            "totalTokens": 2526,
            "cacheReadInputTokens": 1490,
            "cacheWriteInputTokens": 200,
            "cacheDetails": [{"ttl": "1h", "inputTokens": 150}, {"ttl": "5m", "inputTokens": 50}],
        },
        Usage(fresh_input=4, cache_read=1490, cache_write=200, text=832, cache_write_1h=150),
        CLAUDE,
        4 * 3000 + 1490 * 300 + 50 * 3750 + 150 * 6000 + 832 * 15_000,
        through="converse",
    ),
    Told(
        "gemini through litellm",
        "https://ai.google.dev/api/generate-content#UsageMetadata",
        {
            "usageMetadata": {
                "promptTokenCount": 19_588,
                "cachedContentTokenCount": 18_403,
                "candidatesTokenCount": 69,
                "thoughtsTokenCount": 144,
                "totalTokenCount": 19_801,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 19_588}],
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 18_403}],
            }
        },
        Usage(fresh_input=1185, cache_read=18_403, text=69, reasoning=144),
        GEMINI,
        1185 * 1250 + 18_403 * 125 + 213 * 10_000,
        through="gemini",
    ),
    Told(
        "vertex through litellm, above 200k",
        "https://cloud.google.com/vertex-ai/generative-ai/docs/reference/rest/v1/GenerateContentResponse",
        {
            "usageMetadata": {
                "promptTokenCount": 210_000,
                "candidatesTokenCount": 500,
                "thoughtsTokenCount": 1500,
                "totalTokenCount": 212_000,
                "trafficType": "ON_DEMAND",
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 210_000}],
                "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 500}],
            }
        },
        Usage(fresh_input=210_000, text=500, reasoning=1500),
        GEMINI,
        210_000 * 2500 + 2000 * 15_000,
        through="gemini",
    ),
    Told(
        "gemini, openai-compatible",
        "https://ai.google.dev/gemini-api/docs/openai",
        {"usage": {"completion_tokens": 3, "prompt_tokens": 9, "total_tokens": 105}},
        Usage(fresh_input=9, text=3, reasoning=93),
        GEMINI,
        9 * 1250 + 96 * 10_000,
    ),
    Told(
        "deepseek",
        "https://api-docs.deepseek.com/api/create-chat-completion",
        {
            "usage": {
                "prompt_tokens": 1000,
                "completion_tokens": 400,
                "total_tokens": 1400,
                "prompt_tokens_details": {"cached_tokens": 640},
                "completion_tokens_details": {"reasoning_tokens": 350},
                "prompt_cache_hit_tokens": 640,
                "prompt_cache_miss_tokens": 360,
            }
        },
        Usage(fresh_input=360, cache_read=640, text=50, reasoning=350),
        DEEPSEEK,
        360 * 300 + 640 * 6 + 400 * 1200,
    ),
    Told(
        "openrouter",
        "https://openrouter.ai/docs/use-cases/usage-accounting",
        {
            "usage": {
                "prompt_tokens": 10_339,
                "completion_tokens": 60,
                "total_tokens": 10_399,
                "cost": 0.00186,
                "is_byok": False,
                "cost_details": {
                    "upstream_inference_cost": None,
                    "upstream_inference_prompt_cost": 0.0016,
                    "upstream_inference_completions_cost": 0.00026,
                },
                "prompt_tokens_details": {
                    "cached_tokens": 10_318,
                    "cache_write_tokens": 0,
                    "audio_tokens": 0,
                    "video_tokens": 0,
                },
                "completion_tokens_details": {"reasoning_tokens": 0, "image_tokens": 0},
            }
        },
        Usage(fresh_input=21, cache_read=10_318, text=60, reported_cost_nano_usd=1_860_000),
        OPEN_WEIGHTS,
        1_860_000,
    ),
    Told(
        "openrouter with our own key",
        "https://openrouter.ai/docs/use-cases/usage-accounting",
        {
            "usage": {
                "prompt_tokens": 194,
                "completion_tokens": 2,
                "total_tokens": 196,
                "cost": 0.00095,
                "is_byok": True,
                "cost_details": {"upstream_inference_cost": 0.019},
                "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 100},
                "completion_tokens_details": {"reasoning_tokens": 0},
            }
        },
        Usage(fresh_input=94, cache_write=100, text=2, reported_cost_nano_usd=19_950_000),
        OPEN_WEIGHTS,
        19_950_000,
    ),
    Told(
        "xai",
        "https://docs.x.ai/developers/cost-tracking",
        {
            "usage": {
                "prompt_tokens": 199,
                "completion_tokens": 1,
                "total_tokens": 350,
                "prompt_tokens_details": {
                    "text_tokens": 199,
                    "audio_tokens": 0,
                    "image_tokens": 0,
                    "cached_tokens": 163,
                },
                "completion_tokens_details": {
                    "reasoning_tokens": 150,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
                "num_sources_used": 0,
                "cost_in_usd_ticks": 37_756_000,
            }
        },
        Usage(
            fresh_input=36,
            cache_read=163,
            text=1,
            reasoning=150,
            reported_cost_nano_usd=3_775_600,
        ),
        Price(3, 15, cached_input=0.75),
        3_775_600,
    ),
    Told(
        "xai, no cost told",
        "https://docs.x.ai/developers/advanced-api-usage/prompt-caching/usage-and-pricing",
        {
            "usage": {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
                "completion_tokens_details": {"reasoning_tokens": 94},
                "num_sources_used": 0,
            }
        },
        Usage(fresh_input=26, cache_read=6, text=9, reasoning=94),
        Price(3, 15, cached_input=0.75),
        26 * 3000 + 6 * 750 + 103 * 15_000,
    ),
    Told(
        "groq",
        "https://console.groq.com/docs/prompt-caching",
        {
            "service_tier": "on_demand",
            "usage": {
                "queue_time": 0.026,
                "prompt_tokens": 4641,
                "prompt_time": 0.009,
                "completion_tokens": 1817,
                "completion_time": 5.57,
                "total_tokens": 6458,
                "total_time": 5.58,
                "prompt_tokens_details": {"cached_tokens": 4608},
                "completion_tokens_details": {"reasoning_tokens": 1200},
            },
        },
        Usage(fresh_input=33, cache_read=4608, text=617, reasoning=1200, tier=Tier.STANDARD),
        OPEN_WEIGHTS,
        33 * 500 + 4608 * 100 + 1817 * 2000,
    ),
    Told(
        "groq, streamed",
        "https://console.groq.com/docs/api-reference",
        {
            "x_groq": {
                "id": "req_1",
                "usage": {
                    "queue_time": 0.02,
                    "prompt_tokens": 18,
                    "completion_tokens": 556,
                    "total_tokens": 574,
                },
            }
        },
        Usage(fresh_input=18, text=556),
        OPEN_WEIGHTS,
        18 * 500 + 556 * 2000,
    ),
    Told(
        "mistral",
        "https://docs.mistral.ai/studio-api/conversations/advanced/prompt-caching",
        {
            "usage": {
                "prompt_tokens": 2013,
                "total_tokens": 2042,
                "completion_tokens": 29,
                "prompt_audio_seconds": None,
                "num_cached_tokens": 1984,
                "prompt_tokens_details": {"cached_tokens": 1984},
            }
        },
        Usage(fresh_input=29, cache_read=1984, text=29),
        Price(0.5, 1.5, cached_input=0.05),
        29 * 500 + 1984 * 50 + 29 * 1500,
    ),
    Told(
        "together",
        "https://docs.together.ai/docs/inference/chat/prompt-caching",
        {
            "usage": {
                "prompt_tokens": 1500,
                "completion_tokens": 200,
                "total_tokens": 1700,
                "cached_tokens": 1024,
            }
        },
        Usage(fresh_input=476, cache_read=1024, text=200),
        OPEN_WEIGHTS,
        476 * 500 + 1024 * 100 + 200 * 2000,
    ),
    Told(
        "fireworks",
        "https://docs.fireworks.ai/guides/prompt-caching",
        {
            "usage": {
                "prompt_tokens": 1500,
                "total_tokens": 1700,
                "completion_tokens": 200,
                "prompt_tokens_details": {"cached_tokens": 1488},
            }
        },
        Usage(fresh_input=12, cache_read=1488, text=200),
        OPEN_WEIGHTS,
        12 * 500 + 1488 * 100 + 200 * 2000,
    ),
    Told(
        "deepinfra",
        "https://docs.deepinfra.com/chat/overview",
        {
            "usage": {
                "prompt_tokens": 15,
                "completion_tokens": 16,
                "total_tokens": 31,
                "prompt_tokens_details": {"cached_tokens": 0},
                "estimated_cost": 0.0000268,
            }
        },
        Usage(fresh_input=15, text=16, reported_cost_nano_usd=26_800),
        NO_CACHE,
        26_800,
    ),
    Told(
        "novita",
        "https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
        {
            "usage": {
                "prompt_tokens": 22,
                "completion_tokens": 480,
                "total_tokens": 502,
                "prompt_tokens_details": {"audio_tokens": 0, "cached_tokens": 16},
                "completion_tokens_details": {"audio_tokens": 0, "reasoning_tokens": 300},
            }
        },
        Usage(fresh_input=6, cache_read=16, text=180, reasoning=300),
        NO_CACHE,
        22 * 500 + 480 * 2000,
    ),
    Told(
        "nebius",
        "https://docs.tokenfactory.nebius.com/api-reference/introduction",
        {"usage": {"completion_tokens": 26, "prompt_tokens": 13, "total_tokens": 39}},
        Usage(fresh_input=13, text=26),
        NO_CACHE,
        13 * 500 + 26 * 2000,
    ),
    Told(
        "parasail",
        "https://docs.parasail.io/parasail-docs/api-reference/authentication",
        {
            "usage": {
                "prompt_tokens": 38,
                "total_tokens": 102,
                "completion_tokens": 64,
                "prompt_tokens_details": None,
            }
        },
        Usage(fresh_input=38, text=64),
        NO_CACHE,
        38 * 500 + 64 * 2000,
    ),
    Told(
        "friendli",
        "https://friendli.ai/docs/openapi/serverless/chat-completions",
        {
            "usage": {
                "prompt_tokens": 912,
                "completion_tokens": 40,
                "total_tokens": 952,
                "prompt_tokens_details": {"cached_tokens": 896},
                "completion_tokens_details": None,
            }
        },
        Usage(fresh_input=16, cache_read=896, text=40),
        OPEN_WEIGHTS,
        16 * 500 + 896 * 100 + 40 * 2000,
    ),
    Told(
        "moonshot",
        "https://platform.moonshot.ai/docs/api/chat",
        {
            "usage": {
                "prompt_tokens": 8019,
                "completion_tokens": 21,
                "total_tokens": 8040,
                "cached_tokens": 7936,
            }
        },
        Usage(fresh_input=83, cache_read=7936, text=21),
        Price(0.6, 2.5, cached_input=0.15),
        83 * 600 + 7936 * 150 + 21 * 2500,
    ),
    Told(
        "minimax",
        "https://platform.minimax.io/docs/api-reference/text-prompt-caching",
        {
            "usage": {
                "total_tokens": 1340,
                "total_characters": 0,
                "prompt_tokens": 1200,
                "completion_tokens": 140,
                "prompt_tokens_details": {"cached_tokens": 1100},
                "completion_tokens_details": {"reasoning_tokens": 90},
            }
        },
        Usage(fresh_input=100, cache_read=1100, text=50, reasoning=90),
        Price(0.3, 1.2, cached_input=0.03),
        100 * 300 + 1100 * 30 + 140 * 1200,
    ),
    Told(
        "alibaba qwen",
        "https://www.alibabacloud.com/help/en/model-studio/context-cache",
        {
            "usage": {
                "prompt_tokens": 2500,
                "completion_tokens": 700,
                "total_tokens": 3200,
                "prompt_tokens_details": {
                    "cached_tokens": 1000,
                    "cache_creation_input_tokens": 1200,
                    "cache_creation": {"ephemeral_5m_input_tokens": 1200},
                    "cache_type": "ephemeral",
                },
                "completion_tokens_details": {"reasoning_tokens": 600},
            }
        },
        Usage(fresh_input=300, cache_read=1000, cache_write=1200, text=100, reasoning=600),
        QWEN,
        300 * 400 + 1000 * 40 + 1200 * 500 + 100 * 1200 + 600 * 4000,
    ),
    Told(
        "alibaba qwen, above 256k",
        "https://www.alibabacloud.com/help/en/model-studio/models",
        {
            "usage": {
                "prompt_tokens": 256_001,
                "completion_tokens": 100,
                "total_tokens": 256_101,
                "prompt_tokens_details": {"cached_tokens": 0},
            }
        },
        Usage(fresh_input=256_001, text=100),
        QWEN,
        256_001 * 1200 + 100 * 3600,
    ),
    Told(
        "perplexity",
        "https://docs.perplexity.ai/api-reference/chat-completions-post",
        {
            "usage": {
                "prompt_tokens": 8,
                "completion_tokens": 439,
                "total_tokens": 447,
                "search_context_size": "low",
                "cost": {
                    "input_tokens_cost": 0.00002,
                    "output_tokens_cost": 0.006,
                    "request_cost": 0.006,
                    "total_cost": 0.01202,
                },
            }
        },
        Usage(fresh_input=8, text=439, reported_cost_nano_usd=12_020_000),
        Price(3, 15, fee=0.006),
        12_020_000,
    ),
    Told(
        "vllm",
        "https://docs.nvidia.com/aiperf/latest/reference/vendor-usage-field-reference",
        {
            "usage": {
                "prompt_tokens": 150_383,
                "total_tokens": 150_687,
                "completion_tokens": 304,
                "prompt_tokens_details": {"cached_tokens": 149_936},
            }
        },
        Usage(fresh_input=447, cache_read=149_936, text=304),
        FREE,
        0,
    ),
    Told(
        "vllm, details off",
        "https://github.com/vllm-project/vllm/issues/16162",
        {
            "usage": {
                "prompt_tokens": 12,
                "total_tokens": 20,
                "completion_tokens": 8,
                "prompt_tokens_details": None,
            }
        },
        Usage(fresh_input=12, text=8),
        Price(0, 0, fee=0.001),
        1_000_000,
    ),
    Told(
        "sglang",
        "https://docs.nvidia.com/aiperf/latest/reference/vendor-usage-field-reference",
        {
            "usage": {
                "prompt_tokens": 120,
                "total_tokens": 520,
                "completion_tokens": 400,
                "prompt_tokens_details": {"cached_tokens": 64},
                "reasoning_tokens": 250,
            }
        },
        Usage(fresh_input=56, cache_read=64, text=150, reasoning=250),
        FREE,
        0,
    ),
    Told(
        "llama.cpp",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        {
            "usage": {"completion_tokens": 326, "prompt_tokens": 14, "total_tokens": 340},
            "timings": {
                "cache_n": 13,
                "prompt_n": 1,
                "prompt_ms": 20.3,
                "prompt_per_second": 49.0,
                "predicted_n": 326,
                "predicted_ms": 3084.0,
                "predicted_per_second": 105.0,
            },
        },
        Usage(fresh_input=1, cache_read=13, text=326),
        OPEN_WEIGHTS,
        500 + 13 * 100 + 326 * 2000,
    ),
    Told(
        "llama.cpp, timings alone",
        "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
        {"timings": {"cache_n": 236, "prompt_n": 1, "prompt_ms": 30.9, "predicted_n": 35}},
        Usage(fresh_input=1, cache_read=236, text=35),
        OPEN_WEIGHTS,
        500 + 236 * 100 + 35 * 2000,
    ),
    Told(
        "ollama",
        "https://docs.ollama.com/api/openai-compatibility",
        {"usage": {"prompt_tokens": 26, "completion_tokens": 298, "total_tokens": 324}},
        Usage(fresh_input=26, text=298),
        FREE,
        0,
    ),
)
