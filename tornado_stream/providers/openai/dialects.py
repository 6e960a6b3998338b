"""Recognises answers in the form of another API than was asked for. Pure; nothing raises.

A wrong base URL, or a router between, can lead to a server that answers 200 in its own form. The
rule: such an answer is an error that names the form, and never an answer without text.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple


class Dialect(NamedTuple):
    """The form of an answer: its name, and what to do about it. `alternative` says what to do if a
    server that was asked in this form may know another one only."""

    name: str
    remedy: str
    alternative: str = ""


RESPONSES = Dialect(
    "OpenAI's Responses API",
    'Set dialect = "responses" for this upstream or model in the upstreams file, or use the address'
    " of its chat completions.",
    'If the server has only chat completions, leave dialect = "responses" out for this upstream or'
    " model in the upstreams file.",
)
CHAT_COMPLETIONS = Dialect(
    "chat completions",
    'Leave dialect = "responses" out for this upstream or model in the upstreams file.',
    'If the server has only OpenAI\'s Responses API, set dialect = "responses" for this upstream or'
    " model in the upstreams file.",
)
ANTHROPIC = Dialect(
    "Anthropic's Messages API",
    "Use the base URL of its OpenAI-compatible API (https://api.anthropic.com/v1).",
)
OLLAMA = Dialect(
    "Ollama's own API",
    "Use the base URL of its OpenAI-compatible API, which ends in /v1 (http://localhost:11434/v1).",
)
GEMINI = Dialect(
    "Google's Gemini API",
    "Use the base URL of its OpenAI-compatible API, which ends in /v1beta/openai.",
)
COHERE = Dialect(
    "Cohere's Chat API",
    "Use the base URL of its OpenAI-compatible API, which ends in /compatibility/v1.",
)
BEDROCK = Dialect(
    "Amazon Bedrock's Converse API",
    "Use the base URL of its OpenAI-compatible API, which ends in /openai/v1.",
)
TEXT_GENERATION = Dialect(
    "a server for text generation, without chat",
    "Use the base URL of its OpenAI-compatible API (often it ends in /v1).",
)
#: An answer whose chunks are objects, but none that this server knows.
UNKNOWN = Dialect(
    "another API",
    "Check the base URL: it must be that of an OpenAI-compatible API (often it ends in /v1).",
)

_ANTHROPIC = re.compile(r"(message_(start|delta|stop)|content_block_(start|delta|stop))")
_COHERE = re.compile(
    r"(message|content|tool-plan|tool-call|citation)-(start|delta|end)"
    r"|stream-(start|end)|text-generation"
)
_BEDROCK = ("messageStart", "contentBlockStart", "contentBlockDelta", "messageStop")
#: Members of chunks that say nothing of a form: an identification, usage, a keep-alive.
_NEUTRAL = frozenset({"id", "object", "created", "model", "usage", "error", "provider", "time"})


def foreign_dialect(value: Any) -> Dialect | None:
    """The form of a parsed chunk or of a whole body, if it is none of chat completions.

    None for a chunk with choices, and for one that belongs to any form: `{}`, a ping, usage.
    """
    if isinstance(value, list):  # Gemini's whole body
        return next((GEMINI for item in value[:1] if _is_gemini(item)), None)
    if not isinstance(value, dict) or "choices" in value:
        return None
    kind = value.get("type") or value.get("event_type")
    kind = kind if isinstance(kind, str) else ""
    if str(value.get("object")).startswith("chat.completion"):  # one that lacks its choices
        return None
    if kind.startswith("response.") or value.get("object") == "response":
        return RESPONSES
    if _ANTHROPIC.fullmatch(kind) or (kind == "message" and "content" in value):
        return ANTHROPIC
    if _COHERE.fullmatch(kind) or ("finish_reason" in value and "message" in value):
        return COHERE
    if _is_gemini(value) or _is_gemini(value.get("response")):
        return GEMINI
    if isinstance(value.get("done"), bool) and ("message" in value or "response" in value):
        return OLLAMA
    if any(name in value for name in _BEDROCK) or isinstance(value.get("output"), dict):
        return BEDROCK
    if "generated_text" in value or "token" in value or ("content" in value and "stop" in value):
        return TEXT_GENERATION
    if kind in ("ping", "heartbeat", "keepalive") or _NEUTRAL.issuperset(value):
        return None
    return UNKNOWN


def _is_gemini(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("candidates"), list)
