"""The events of an answer, their encoding as frames, and the text that they add up to. Pure values:
no I/O, no clock.

`Start`, `Delta`, `Tool`, `Step`, `Notice` and `End` are the events that subscribers get
(docs/events.md is the contract). `Finish` is what an upstream reports about the end; it becomes
part of `End`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, TypedDict

import orjson

from tornado_stream.values.calls import Call, PartList
from tornado_stream.values.costs import Price
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.pictures import AnswerImage, PictureData

FRAME = b"id: %d\nevent: %b\ndata: %b\n\n"
#: The frame of `Delta(text)` as `Delta.encode` makes it: its number, the text as JSON, and `t`.
TEXT_FRAME = b'id: %d\nevent: delta\ndata: {"content":%b,"t":%d}\n\n'


class ToolCall(TypedDict, total=False):
    """A tool call, or a fragment of one.

    `index` is this server's own number, from 0 in order of appearance. Of all fragments of a call
    one has the `id`; the parts of `name` and of `arguments` are joined.
    """

    index: int
    id: str | None
    name: str
    arguments: str


class Source(TypedDict):
    """A page that an answer refers to. `url` begins with http:// or https://; `title` may be ""."""

    url: str
    title: str


class Event:
    """An event that subscribers get; `name` is its name in the stream."""

    __slots__: tuple[str, ...] = ()

    name: ClassVar[str]

    def to_json(self) -> dict[str, Any]:
        """The event's data without `t`, as a new dictionary; unless overridden, its fields."""
        return {name: getattr(self, name) for name in self.__slots__}

    def encode(self, number: int, t: int) -> bytes:
        """The event as a frame; `t` is in milliseconds since the answer began."""
        data = self.to_json()
        data["t"] = t
        return FRAME % (number, self.name.encode(), orjson.dumps(data))


@dataclass(frozen=True, slots=True)
class Start(Event):
    """Event 1 of every answer: its ids and its place in the conversation."""

    name: ClassVar[str] = "start"

    generation_id: str
    conversation_id: str
    message_id: str
    user_message_id: str
    parent_id: str | None
    model: str | None
    continued_from: str | None = None
    #: When the answer was created, in milliseconds since the epoch.
    created_at: int = 0


@dataclass(slots=True)
class Delta(Event):
    """A piece of the answer. Its text has no lone surrogates, so that it can be encoded.

    Do not change a delta. It is not frozen, because one is made for each token, and making a
    frozen one takes a microsecond longer.
    """

    name: ClassVar[str] = "delta"

    content: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    sources: tuple[Source, ...] = ()
    #: Members of the message that the upstream signed or encrypted, and wants back unchanged.
    signed: dict[str, Any] | None = None
    #: All content before this delta was reasoning: it belongs behind the reasoning before it.
    was_reasoning: bool = False
    images: tuple[AnswerImage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.content or self.reasoning or self.tool_calls or self._has_rare)

    @property
    def length(self) -> int:
        """The characters that the model wrote, from which tokens are estimated."""
        length = len(self.content) + len(self.reasoning)
        if self.refusal or self.tool_calls:
            calls = sum(len(call["name"]) + len(call["arguments"]) for call in self.tool_calls)
            length += len(self.refusal) + calls
        return length

    @property
    def _has_rare(self) -> bool:
        rare = self.refusal or self.sources or self.signed or self.was_reasoning or self.images
        return bool(rare)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {"content": self.content} if self.content else {}
        if self.reasoning:
            data["reasoning"] = self.reasoning
        if self.refusal:
            data["refusal"] = self.refusal
        if self.tool_calls:
            data["tool_calls"] = self.tool_calls
        if self.sources:
            data["sources"] = self.sources
        if self.signed:
            data["signed"] = self.signed
        if self.was_reasoning:
            data["was_reasoning"] = True
        if self.images:
            data["images"] = self.images
        return data


@dataclass(slots=True)
class RelayedChunks:
    """Chunks of an upstream, exactly as it sent them, for a program that asked through `/v1`.

    Each of `blocks` is the JSON of one chunk. Without `found` every one of them is a JSON object on
    one line, of which the decoder has proved that it has content and nothing else that matters.
    Else `found` has for each block the reasoning that the decoder found in it, and whether it
    reports a failure, which is not for the program: the answer's end tells it. `cut` has the data
    of large pictures, by the marks that stand in their places.
    """

    blocks: list[bytes]
    found: list[tuple[str, bool]] | None = None
    cut: dict[bytes, PictureData] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice(Event):
    """Information for the reader that is not part of the answer."""

    name: ClassVar[str] = "notice"

    code: str
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, **self.details}


@dataclass(frozen=True, slots=True)
class Tool(Event):
    """What has become of a call of a tool of this server."""

    name: ClassVar[str] = "tool"

    call: Call

    def to_json(self) -> dict[str, Any]:
        data = self.call.to_part()
        del data["type"]
        if self.call.index is not None:  # the deltas have them
            del data["arguments"]
        return data


@dataclass(frozen=True, slots=True)
class Step(Event):
    """The end of one request to the upstream, of the several that an answer with tools has."""

    name: ClassVar[str] = "step"

    number: int
    finish_reason: str | None
    usage: dict[str, Any] | None
    cost: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Finish:
    """What an upstream has reported about the end; None means nothing new. Readers do not get it.

    `upstream` is the name of the upstream, `model` its own name of the model, `price` its price for
    that. `cost` is the cost of all steps of an answer, where it has several.
    """

    finish_reason: str | None = None
    usage: dict[str, Any] | None = None
    upstream: str | None = None
    price: Price | None = None
    model: str | None = None
    cost: dict[str, Any] | None = None

    def then(self, later: Finish) -> Finish:
        """Both together; where both have a value, the later one."""
        return Finish(
            later.finish_reason or self.finish_reason,
            later.usage or self.usage,
            later.upstream or self.upstream,
            later.price if later.upstream else self.price,
            later.model or self.model,
            later.cost or self.cost,
        )


@dataclass(frozen=True, slots=True)
class End(Event):
    """The last event of every answer; there is exactly one. `timings` are in milliseconds. `model`
    is the one that the upstream was asked for, if the `start` does not name it. `waiting` are the
    ids of the calls that a person has to decide."""

    name: ClassVar[str] = "end"

    state: str
    finish_reason: str | None
    usage: dict[str, Any] | None
    error: ProviderError | None
    stop: dict[str, int] | None
    saved: bool
    timings: dict[str, int | None]
    upstream: str | None = None
    cost: dict[str, Any] | None = None
    model: str | None = None
    waiting: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        error = self.error.to_json() if self.error else None
        return Event.to_json(self) | {"error": error}


class AnswerText:
    """The text and tool calls that the deltas of a log add up to.

    Adding a delta takes time in proportion to the delta, not to the answer; the properties join.
    """

    def __init__(self) -> None:
        self._content: list[str] = []
        #: Adds a text alone. It is the list's own method: that of a class would cost more.
        self.add_text = self._content.append
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._tool_calls: list[_ToolCallParts] = []
        self._sources: dict[str, Source] = {}
        self._signed: dict[str, Any] = {}
        self._images: dict[str, AnswerImage] = {}
        self._parts: PartList | None = None  # of an answer with tools
        self._signed_since: dict[str, Any] = {}  # the last step

    def add(self, delta: Delta) -> None:
        if delta.was_reasoning:
            self._reasoning += self._content
            self._content.clear()
            if self._parts:
                self._parts.forget_texts()
        self._content.append(delta.content)
        if delta.reasoning:
            self._reasoning.append(delta.reasoning)
        if delta.refusal:
            self._refusal.append(delta.refusal)
        for fragment in delta.tool_calls:
            self._add_tool_call(fragment)
        for source in delta.sources:
            self._sources.setdefault(source["url"], source)
        for image in delta.images:
            self._images.setdefault(image["file_id"], image)
        for name, value in (delta.signed or {}).items():
            self._add_signed(self._signed, name, value)
            self._add_signed(self._signed_since, name, value)

    def add_call(self, part: dict[str, Any]) -> None:
        """Add a call of a tool of this server, or what has become of it."""
        self._part_list.add_call(len(self._content), part)

    def add_step(self, step: Step) -> None:
        """A request to the upstream has ended. What it signed goes back with this step."""
        part = {"type": "step", **step.to_json()}
        if self._signed_since:
            part["signed"], self._signed_since = self._signed_since, {}
        self._part_list.add_step(len(self._content), part)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Text, steps and calls in their order; none if the answer has only text."""
        return self._parts.whole(self._content) if self._parts else []

    @property
    def _part_list(self) -> PartList:
        self._parts = self._parts or PartList()
        return self._parts

    @property
    def content(self) -> str:
        return "".join(self._content)

    @property
    def reasoning(self) -> str:
        return "".join(self._reasoning)

    @property
    def refusal(self) -> str:
        return "".join(self._refusal)

    @property
    def tool_calls(self) -> list[ToolCall]:
        return [call.joined(index) for index, call in enumerate(self._tool_calls)]

    @property
    def length(self) -> int:
        """The characters that the model wrote, from which tokens are estimated."""
        calls = sum(len(call["name"]) + len(call["arguments"]) for call in self.tool_calls)
        return len(self.content) + len(self.reasoning) + len(self.refusal) + calls

    @property
    def sources(self) -> list[Source]:
        """Each page once, in the order in which the answer first named them."""
        return list(self._sources.values())

    @property
    def signed(self) -> dict[str, Any] | None:
        return self._signed or None

    @property
    def images(self) -> list[AnswerImage]:
        """Each picture once, in the order in which they came."""
        return list(self._images.values())

    def _add_signed(self, signed: dict[str, Any], name: str, value: Any) -> None:
        """Lists come in parts; of any other value the last one counts."""
        known = signed.get(name)
        if isinstance(known, list) and isinstance(value, list):
            value = [*known, *value]
        signed[name] = value

    def _add_tool_call(self, fragment: ToolCall) -> None:
        while len(self._tool_calls) <= fragment["index"]:
            self._tool_calls.append(_ToolCallParts())
        call = self._tool_calls[fragment["index"]]
        call.id = fragment.get("id") or call.id
        call.name.append(fragment.get("name") or "")
        call.arguments.append(fragment.get("arguments") or "")


class _ToolCallParts:
    """The fragments of one tool call, in lists, so that adding takes linear time."""

    def __init__(self) -> None:
        self.id: str | None = None
        self.name: list[str] = []
        self.arguments: list[str] = []

    def joined(self, index: int) -> ToolCall:
        return {
            "index": index,
            "id": self.id,
            "name": "".join(self.name),
            "arguments": "".join(self.arguments),
        }


def encode_event(number: int, name: str, data: dict[str, Any]) -> bytes:
    """A frame as subscribers get it: number, name and one line of JSON.

    `name` has no line ends. Raises `TypeError` (orjson's) for data that is not JSON: text with
    lone surrogates, integers over 64 bits.
    """
    return FRAME % (number, name.encode(), orjson.dumps(data))


def split_frames(log: bytes) -> list[bytes]:
    """The frames of a part of a log that consists of whole frames."""
    return [frame + b"\n\n" for frame in log.split(b"\n\n")[:-1]]


def frame_number(frame: bytes) -> int:
    """The number of an encoded event."""
    return int(frame[4 : frame.index(b"\n")])


def frame_name(frame: bytes) -> str:
    """The name of an encoded event."""
    start = frame.index(b"\nevent: ") + 8
    return frame[start : frame.index(b"\n", start)].decode()


def frame_data(frame: bytes) -> dict[str, Any]:
    """The data of an encoded event."""
    data: dict[str, Any] = orjson.loads(frame.partition(b"\ndata: ")[2])
    return data
