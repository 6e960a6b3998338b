"""The events and the messages of an answer as readers of a shared link get them. Pure.

The rule: members are allowed by name. What this module does not name, a reader does not get: what
it cost, who gave it, what a tool was called with, what an error says, and every member to come.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.values.events import (
    encode_event,
    frame_data,
    frame_name,
    frame_number,
    split_frames,
)
from tornado_stream.values.messages import Message

#: Members of a `delta` that not every reader may have, as they begin in its JSON.
_SECRETS = (b'"tool_calls":', b'"signed":', b'"images":')
#: The members of each event; of a list of objects, and of an object, which of theirs.
_MEMBERS: dict[str, tuple[str, ...]] = {
    "start": ("generation_id", "message_id", "user_message_id", "model", "created_at"),
    "delta": (
        "content",
        "reasoning",
        "refusal",
        "was_reasoning",
        "sources",
        "tool_calls",
        "images",
    ),
    "tool": ("index", "name", "state"),
    "step": ("number",),
    "end": ("state", "finish_reason", "error", "model"),
    "reset": (),
}
_WITHIN = {
    "tool_calls": ("index", "name", "state"),
    "error": ("code",),
    "files": ("id", "name", "type", "size", "kind"),
    "images": ("file_id", "type", "name", "size"),
}


def for_readers(frames: bytes, *, with_files: bool) -> bytes:
    """These whole frames for a reader: some are written anew, and some left out. Numbers stay."""
    return b"".join(_for_reader(frame, with_files) for frame in split_frames(frames))


def shown_message(message: Message, *, with_files: bool) -> Message | None:
    """The message as a reader gets it; None if it is neither a question nor an answer."""
    if message.role not in ("user", "assistant"):
        return None
    return Message(
        *(message.id, "", None, message.role, message.content, message.created_at),
        reasoning=message.reasoning,
        refusal=message.refusal,
        tool_calls=_within("tool_calls", _with_states(message)),
        model=message.model,
        state=message.state,
        finish_reason=message.finish_reason,
        error=_within("error", message.error),
        generation_id=message.generation_id,
        sources=message.sources,
        files=[_within("files", file) for file in message.files] if with_files else [],
    )


def _for_reader(frame: bytes, with_files: bool) -> bytes:
    name = frame_name(frame)
    if name == "delta" and not any(secret in frame for secret in _SECRETS):
        return frame
    if name not in _MEMBERS:
        return b""
    data = _allowed(name, frame_data(frame))
    if not with_files:
        data.pop("images", None)
    return encode_event(frame_number(frame), name, data)


def _with_states(message: Message) -> list[Any]:
    """The calls of tools, and what has become of those that this server ran. Of a call that a
    person has decided, the answer after this one knows."""
    calls = (p for p in message.parts if p["type"] == "call" and not p["decision"])
    states = {call["index"]: {"state": call["state"]} for call in calls}
    return [{**call, **states.get(call["index"], {})} for call in message.tool_calls]


def _allowed(event: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        name: _within(name, value)
        for name, value in data.items()
        if name in _MEMBERS[event] or name == "t"
    }


def _within(name: str, value: Any) -> Any:
    if name not in _WITHIN or value is None:
        return value
    if isinstance(value, list):
        return [_within(name, one) for one in value]
    return {key: one for key, one in value.items() if key in _WITHIN[name]}
