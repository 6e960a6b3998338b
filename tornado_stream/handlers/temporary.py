"""What a request says that is not kept (`keep` false)."""

from __future__ import annotations

import re
from typing import Any

from tornado_stream.chat.temporary import EarlierMessage
from tornado_stream.values.errors import InvalidRequest

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def temporary_fields(body: dict[str, Any], message: str | None) -> dict[str, Any]:
    """The fields of a request that says with `keep` whether anything is stored."""
    keep, history = body["keep"], body.get("history")
    if not isinstance(keep, bool):
        raise InvalidRequest("keep must be true or false.")
    if keep:
        return {}
    for name in ("conversation_id", "parent_id", "continue", "tools"):
        if body.get(name):
            raise InvalidRequest(f"{name} names what is stored; with keep false, nothing is.")
    if message is None:
        raise InvalidRequest("With keep false, message is required: the text to send.")
    history = [] if history is None else history
    if not (isinstance(history, list) and all(map(_is_message, history))):
        raise InvalidRequest(
            'history must be a list of messages: {"role": "user" or "assistant", "content": text}, '
            "with files, a list of ids, where they have some."
        )
    return {"keep": False, "history": tuple(map(_earlier, history))}


def _earlier(value: dict[str, Any]) -> EarlierMessage:
    files = tuple(dict.fromkeys(id.lower() for id in value.get("files") or ()))
    return EarlierMessage(value["role"], value["content"], files)


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("role") not in ("user", "assistant"):
        return False
    files = value.get("files") or []
    if not (isinstance(files, list) and all(map(is_id, files))):
        return False
    return isinstance(value.get("content"), str)


def is_id(value: Any) -> bool:
    """Whether a value is a UUID as text."""
    return isinstance(value, str) and UUID.fullmatch(value.lower()) is not None
