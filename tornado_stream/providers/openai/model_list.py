"""Reads an upstream's list of models, in all its dialects. Pure.

The rule: a property of a model that the list does not have is left out, never guessed.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.providers.base import ModelInfo
from tornado_stream.values.costs import Price

#: The members with the size of a model's context in tokens; some are in an inner object.
_CONTEXT = ("context_length", "context_window", "max_model_len", "max_context_length")
_CONTEXT_IN = {"meta": "n_ctx_train", "top_provider": "context_length"}
#: The characters of an owner's name that are shown, and the times that a list may name: from the
#: year 2000 to the year 2100, in seconds since the epoch.
_OWNER, _TIMES = 100, range(946_684_800, 4_102_444_800)
#: Owners that are the server, or its user, and not the maker of the model.
_NO_MAKERS = frozenset(
    "system library user owner you me local none unknown organization organization_owner "
    "organization-owner vllm sglang llamacpp llama.cpp lmstudio ollama openai-internal".split()
)
#: The names of a price by token, for what a model reads and what it writes. The price is a text,
#: in dollars: OpenRouter uses the first pair, and Vercel the second.
_PRICES = (("prompt", "completion"), ("input", "output"))
_CACHED = ("input_cache_read",)
_MILLION = 1_000_000
#: Dollars for one token, from which on a text cannot be the price of a token.
_TOO_MUCH = 0.01


def read_models(answer: Any, provider: str, detail: str = "") -> list[ModelInfo] | None:
    """The models of a response to `GET /models`; None if it is not a list of models."""
    entries = answer.get("data") if isinstance(answer, dict) else answer
    if not isinstance(entries, list):
        return None
    models: dict[str, ModelInfo] = {}
    for entry in entries:
        if isinstance(entry, dict) and isinstance(id := entry.get("id"), str) and id:
            info = ModelInfo(
                id,
                provider,
                detail=detail,
                context=_context(entry),
                can=tuple(abilities_of(entry)),
                can_known=_says_what_it_sees(entry),
                created=_created(entry),
                owned_by=_owner(entry),
                maker=maker_of(id, _owner(entry)),
                price=_price(entry),
            )
            models.setdefault(id, info)
    return list(models.values())


def maker_of(id: str, owner: str = "") -> str:
    """Who made a model, as its name (`maker/model`) or else its owner says; "" if neither does."""
    maker, slash, _ = id.partition("/")
    if slash:
        return maker
    return "" if owner.lower() in _NO_MAKERS else owner


def _price(entry: dict[str, Any]) -> Price | None:
    """The price of a million tokens, in dollars. A number is left out: servers do not agree on
    what it is the price of."""
    listed = entry.get("pricing")
    if not isinstance(listed, dict):
        return None
    for names in _PRICES:
        read, written = (_amount(listed.get(name)) for name in names)
        if read is not None and written is not None:
            return Price(read, written, next(map(_amount, map(listed.get, _CACHED)), None))
    return None


def _amount(text: Any) -> float | None:
    """The price of a million tokens for that of one; None if it is not a price. OpenRouter uses
    -1 for a price that depends on the request."""
    try:
        amount = float(text) if isinstance(text, str) else -1.0
    except ValueError:
        return None
    return round(amount * _MILLION, 9) if 0 <= amount < _TOO_MUCH else None


def _context(entry: dict[str, Any]) -> int | None:
    meta = entry.get("meta")
    # What llama.cpp was started with, which may be less than the model was trained for.
    values = [meta.get("n_ctx") if isinstance(meta, dict) else None]
    values += [entry.get(name) for name in _CONTEXT]
    for name, inner in _CONTEXT_IN.items():
        if isinstance(part := entry.get(name), dict):
            values.append(part.get(inner))
    return next((v for v in values if type(v) is int and v > 0), None)


def _created(entry: dict[str, Any]) -> int:
    created = entry.get("created")
    return created if type(created) is int and created in _TIMES else 0


def _owner(entry: dict[str, Any]) -> str:
    owner = entry.get("owned_by")
    return owner.strip()[:_OWNER] if isinstance(owner, str) else ""


def abilities_of(entry: dict[str, Any]) -> list[str]:
    """Those of `vision`, `tools` and `reasoning` that the entry has."""
    named = set(_words(entry.get("supported_parameters"))) | set(_words(entry.get("capabilities")))
    architecture = entry.get("architecture")
    modalities = architecture.get("input_modalities") if isinstance(architecture, dict) else None
    named |= set(_words(modalities))
    known = {
        "vision": {"vision", "image", "multimodal"},
        "tools": {"tools", "function_calling", "tool_use", "tool_calls"},
        "reasoning": {"reasoning", "thinking", "include_reasoning"},
    }
    return [ability for ability, words in known.items() if words & named]


def _says_what_it_sees(entry: dict[str, Any]) -> bool:
    """Whether the entry says of all abilities whether the model has them. A list of parameters does
    not speak of pictures."""
    architecture = entry.get("architecture")
    if isinstance(architecture, dict) and isinstance(architecture.get("input_modalities"), list):
        return True
    named = entry.get("capabilities")
    # Ollama, LM Studio and Mistral name what a model can do at all, and then all of it.
    return bool(named) and isinstance(named, list | dict)


def _words(value: Any) -> list[str]:
    """The strings of a list, or the keys of an object whose values are true."""
    if isinstance(value, list):
        return [word for word in value if isinstance(word, str)]
    if isinstance(value, dict):
        return [name for name, is_so in value.items() if is_so is True]
    return []
