"""Decodes and normalises one chunk of a streamed chat completion. Pure; nothing raises.

A chunk is the API's "chat.completion.chunk" object
(https://platform.openai.com/docs/api-reference/chat-streaming). In the chunks of real upstreams
any member may be missing, null, of another type, or under another name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import orjson

from tornado_stream.providers.openai import images, reasoning, signed_members, sources
from tornado_stream.providers.openai.dialects import Dialect, foreign_dialect
from tornado_stream.providers.openai.error_classifier import find_error, has_error_code
from tornado_stream.providers.openai.errors import reason_error, stream_error
from tornado_stream.providers.openai.finish_reasons import failing_reason, read_reason
from tornado_stream.providers.openai.lenient_json import NOT_JSON, mend, parse_json, to_json_text
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Source
from tornado_stream.values.json_values import MAX_VALUES, too_many_values

#: The values of `index` that mean the first choice; it may also be missing.
_FIRST = (0, None, "0")
#: Members of a delta or message that are looked at one by one only where there is one of them.
_RARE = (
    frozenset(reasoning.MEMBERS[2:]) | signed_members.MEMBERS | sources.MEMBER_SET | images.MEMBERS
)
#: Members at the top of a chunk that need more than its content to be read.
_MORE_AT_THE_TOP = frozenset({"error", "x_groq", "base_resp"}) | sources.MEMBER_SET


@dataclass(frozen=True, slots=True)
class ToolFragment:
    """A fragment of a tool call, as the upstream sent it. `index` and `id` may be missing.
    `arguments` is JSON text or a part of it."""

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""


class ChoiceDelta(NamedTuple):
    """The text that one choice adds to the answer. `whole` says that the choice had a complete
    `message` instead of a `delta`, `member` where the reasoning was. `sources` may repeat pages,
    and `signed` has members as the upstream sent them. `images` are data URLs or base64."""

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolFragment, ...] = ()
    whole: bool = False
    member: str = ""
    sources: tuple[Source, ...] = ()
    signed: dict[str, Any] | None = None
    images: tuple[str, ...] = ()


_NOTHING = ChoiceDelta()


class Chunk(NamedTuple):
    """Everything that one chunk adds to the answer; each field may be empty.

    `lone` says that content, reasoning or refusal may have lone surrogates: halves of a pair that
    the upstream split over two chunks. All other text is encodable but that in `signed` and
    `images`. The first nine are those of `ChoiceDelta`. `failure` is what the finish reason means,
    if that is a failure; `error` is what the upstream says of one. `dialect` is another API's, if
    the chunk is one of its. `is_chat` says that the chunk is one of chat completions, or reports an
    error.
    """

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolFragment, ...] = ()
    whole: bool = False
    member: str = ""
    sources: tuple[Source, ...] = ()
    signed: dict[str, Any] | None = None
    images: tuple[str, ...] = ()
    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    error: ProviderError | None = None
    lone: bool = False
    failure: ProviderError | None = None
    dialect: Dialect | None = None
    is_chat: bool = False


def decode_chunk(data: bytes, *, key: str | None = None) -> Chunk | None:
    """The chunk in the data of one event; None if the data is not a chunk.

    `key` is masked in the message of an error.
    """
    if len(data) > MAX_VALUES and too_many_values(data):
        return None
    try:
        return read_chunk(orjson.loads(data), key=key)
    except orjson.JSONDecodeError:
        value = parse_json(data)
        return None if value is NOT_JSON else read_chunk(value, key=key, lone=True)


def decode_text(blocks: list[bytes]) -> str | None:
    """The joined content of chunks that have content and nothing else that matters, decoded in
    one call. Returns None if at least one of them needs `decode_chunk`."""
    # Nearly every chunk has this shape. `read_chunk` has the same result but takes longer.
    text = ""
    try:
        if len(blocks) == 1:
            values = (orjson.loads(blocks[0]),)
        else:
            values = orjson.loads(b"[%b]" % b",".join(blocks))
            if len(values) != len(blocks):
                return None
        for value in values:
            (choice,) = value["choices"]
            delta = choice["delta"]
            content = delta["content"]
            if (
                type(content) is not str
                or len(delta) != 1
                or choice["index"] != 0
                or choice.get("finish_reason") is not None
                or choice.get("native_finish_reason") is not None
                or value.get("usage") is not None
                or not _MORE_AT_THE_TOP.isdisjoint(value)
                or "error" in choice
                or "usage" in choice
            ):
                return None
            text += content
    except (KeyError, TypeError, ValueError, AttributeError, IndexError):  # JSONDecodeError too
        return None
    return None if images.IN_TEXT in text else text


def read_chunk(value: Any, *, key: str | None = None, lone: bool = False) -> Chunk | None:
    """As `decode_chunk`, for parsed JSON. `lone` says that it may have lone surrogates."""
    if not isinstance(value, dict):
        return _read_list(value, key)
    choices = value.get("choices")
    choices = choices if isinstance(choices, list) else []
    error = find_error(value) if "error" in value or not choices else None
    error = error or _find_vendor_error(value)
    finish_reason = native_reason = None
    deltas, named = [], [value]
    for choice in choices:
        if isinstance(choice, dict) and choice.get("index") in _FIRST:
            finish_reason = read_reason(choice.get("finish_reason")) or finish_reason
            native_reason = read_reason(choice.get("native_finish_reason")) or native_reason
            error = error or choice.get("error")
            deltas.append(_read_choice(choice, lone))
            if not sources.MEMBER_SET.isdisjoint(choice):
                named.append(choice)
    usage = value.get("usage") or _find_usage(value, choices)
    delta = deltas[0] if len(deltas) == 1 else _merge(deltas)
    if images.IN_TEXT in delta.content:
        content, found = images.out_of_text(delta.content)
        delta = delta._replace(content=content, images=(*delta.images, *found))
    if len(named) > 1 or not sources.MEMBER_SET.isdisjoint(value):
        known = {"sources": [*delta.sources]}
        delta = delta._replace(sources=sources.read_sources(*named, known))
    failing = failing_reason(finish_reason, native_reason)
    return Chunk(
        *delta,
        mend(finish_reason) if lone and finish_reason else finish_reason,
        usage if isinstance(usage, dict) and _is_encodable(usage) else None,
        stream_error(error, key=key) if error else None,
        lone,
        reason_error(failing, key=key) if failing else None,
        None if choices or error else foreign_dialect(value),
        bool(error) or "choices" in value,
    )


def _read_choice(choice: dict[str, Any], lone: bool) -> ChoiceDelta:
    delta = choice.get("delta")
    whole = not isinstance(delta, dict)
    if whole:
        delta = choice.get("message")
    if not isinstance(delta, dict):
        return ChoiceDelta(_text(choice.get("text")))  # of the older API of completions
    if not delta:
        return _NOTHING
    content = delta.get("content")
    if len(delta) == 1 and isinstance(content, str):  # nearly every chunk
        return ChoiceDelta(content, "", "", (), whole)
    thought = ""
    if not isinstance(content, str):
        content, thought = _read_parts(content) if content else ("", "")
    member, text = reasoning.read_reasoning(delta)
    read = ChoiceDelta(
        content,
        text or thought,
        _text(delta.get("refusal")),
        _read_tool_calls(delta["tool_calls"], lone) if delta.get("tool_calls") else (),
        whole,
        member or "content",
    )
    parts = delta.get("content")
    if isinstance(parts, list) or not _RARE.isdisjoint(delta):
        places = [
            delta,
            *(p for p in (parts if isinstance(parts, list) else ()) if isinstance(p, dict)),
        ]
        found = images.read_images(delta)
        elsewhere = [{"url": image} for image in found if images.is_address(image)]
        return read._replace(
            sources=sources.read_sources(*places, {"sources": elsewhere}),
            signed=signed_members.read_signed(delta),
            images=tuple(image for image in found if not images.is_address(image)),
        )
    return read


def _merge(deltas: list[ChoiceDelta]) -> ChoiceDelta:
    """Joins the deltas of a chunk in which the first choice is missing or occurs repeatedly."""
    if not deltas:
        return _NOTHING
    return ChoiceDelta(
        "".join(delta.content for delta in deltas),
        "".join(delta.reasoning for delta in deltas),
        "".join(delta.refusal for delta in deltas),
        tuple(fragment for delta in deltas for fragment in delta.tool_calls),
        all(delta.whole for delta in deltas),
        next((delta.member for delta in deltas if delta.reasoning), ""),
        tuple(source for delta in deltas for source in delta.sources),
        next((delta.signed for delta in deltas if delta.signed), None),
        tuple(image for delta in deltas for image in delta.images),
    )


def _read_list(value: Any, key: str | None) -> Chunk | None:
    """Reads an error object inside a list, as Google's servers send it, or their own whole body."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, dict) and find_error(item):
            return Chunk(error=stream_error(item, key=key), is_chat=True)
    dialect = foreign_dialect(value)
    return Chunk(dialect=dialect) if dialect else None


def _find_vendor_error(value: dict[str, Any]) -> Any:
    """An error in a member of the server's maker: Groq's `x_groq`, MiniMax's `base_resp`
    (https://platform.minimax.io/docs/api-reference/errorcode)."""
    for name, member in value.items():
        if not isinstance(member, dict):
            continue
        if name.startswith("x_") and member.get("error"):
            return member
        if name == "base_resp" and has_error_code(member):
            return member
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _read_parts(parts: Any) -> tuple[str, str]:
    """The text and the reasoning in a list of content parts."""
    text: list[str] = []
    thinking: list[str] = []
    for part in parts if isinstance(parts, list) else [parts]:
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, dict):
            if reasoning.is_reasoning_part(part):
                thinking.append(reasoning.text_in(part))
            elif part.get("type") in ("text", "output_text", None):
                text.append(_text(part.get("text")))
    return "".join(text), "".join(thinking)


def _find_usage(value: dict[str, Any], choices: list[Any]) -> Any:
    """The usage inside a choice (Moonshot) or under `x_groq` instead of at the top."""
    for place in (*choices, value.get("x_groq"), value):
        if isinstance(place, dict) and place.get("usage") is not None:
            return place["usage"]
    return None


def _is_encodable(usage: dict[str, Any]) -> bool:
    # Clients get the usage unchanged, so it must be possible to encode it.
    try:
        orjson.dumps(usage)
    except orjson.JSONEncodeError:
        return False
    return True


def _read_tool_calls(calls: Any, lone: bool) -> tuple[ToolFragment, ...]:
    if isinstance(calls, dict):
        calls = [calls]
    if not isinstance(calls, list):
        return ()
    fragments = [_read_tool_call(call) for call in calls if isinstance(call, dict)]
    if len(fragments) > 1:  # without id and index, the position tells the calls apart
        fragments = [
            f if f.id or f.index is not None else replace(f, index=place)
            for place, f in enumerate(fragments)
        ]
    if lone:
        fragments = [
            ToolFragment(f.index, mend(f.id), mend(f.name), mend(f.arguments)) for f in fragments
        ]
    return tuple(fragments)


def _read_tool_call(call: dict[str, Any]) -> ToolFragment:
    function = call.get("function")
    function = function if isinstance(function, dict) else call
    index = call.get("index")
    arguments = function.get("arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = to_json_text(arguments) if isinstance(arguments, (dict, list)) else ""
    return ToolFragment(
        index if isinstance(index, int) else None,
        _text(call.get("id")),
        _text(function.get("name")),
        arguments or "",
    )
