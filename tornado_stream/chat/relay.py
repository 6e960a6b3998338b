"""An answer in the form of OpenAI's chat completions, streamed or whole.

The rule: what the upstream sends reaches the program, known to this server or not. A chunk is
passed on unchanged but for its `id`. The exceptions are in docs/http-api.md, "What is passed on".
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import Any

import orjson

from tornado_stream.chat.completions import CompletionRequest, estimated_usage
from tornado_stream.chat.delta_chunks import DeltaChunks, as_delta, says_something
from tornado_stream.chat.merged_chunks import MergedChunks
from tornado_stream.chat.program_errors import error_object
from tornado_stream.chat.requests import now_ms
from tornado_stream.generations.relay import HELD_BYTES, Relay
from tornado_stream.providers.openai.finish_reasons import read_reason
from tornado_stream.providers.openai.lenient_json import parse_bounded, parse_json, to_json_text
from tornado_stream.values.events import Delta, End, Finish, Notice, RelayedChunks
from tornado_stream.values.pictures import PictureData, with_pictures

DONE = b"data: [DONE]\n\n"
#: Characters of a model's name that are written into chunks that have none.
LONGEST_MODEL = 512
#: The id in the bytes of a chunk. Within a JSON text the quotes have backslashes before them.
_ID = re.compile(rb'"id"\s*:\s*"[^"\\]*"')


class CompletionRelay(Relay):
    """The log of an answer as chunks, or as one completion."""

    def __init__(self, request: CompletionRequest) -> None:
        super().__init__(request.id, streamed=request.stream, once=not request.is_named)
        self._request = request
        self._head: dict[str, Any] = {
            "id": f"chatcmpl-{request.id}",
            "object": "chat.completion.chunk",
            "created": now_ms() // 1000,
            "model": (request.model or "")[:LONGEST_MODEL],
        }
        # Both are the whole member `"id":"…"`; the upstream's is empty until it is known.
        self._our_id = b'"id":' + orjson.dumps(self._head["id"])
        self._their_id = b""
        self._their_start = b""  # the same with the brace before it, if chunks begin with their id
        # The same at the beginning of an event.
        self._our_event, self._their_event = b"data: {" + self._our_id, b""
        self._merged = None if request.stream else MergedChunks()
        self._relayed = False  # the upstream's own chunks come
        self._complete = False  # a chunk of the upstream had all members that programs need
        self._begun_choices: set[str] = set()  # the choices that have said their role
        self._has_text = self._finished = self._has_usage = self._has_tools = False
        self._warned = False  # a chunk had the warnings
        self._length = 0  # characters of the answer, for an estimate
        self._deltas = DeltaChunks(self._head)
        self._cut: dict[bytes, PictureData] = {}  # data of pictures, by their marks

    def take(self, event: Delta | Notice | Finish | RelayedChunks) -> None:
        if isinstance(event, RelayedChunks):
            self._relayed = True
            self._cut |= event.cut
            if event.found is None:
                self._take_plain(event.blocks)
            else:
                for block, (reasoning, failed) in zip(event.blocks, event.found, strict=True):
                    self._take_block(block, reasoning, failed=failed)
        elif isinstance(event, Delta):
            self._length += event.length
            if event.tool_calls:
                self._has_tools = True
            if not self._relayed:
                self._add(self._deltas.chunk(event))
        elif isinstance(event, Notice):
            self.note(event)
        elif event.model and not self._head["model"]:  # the request named none
            self._head["model"] = event.model

    def take_text(self, text: str, data: bytes) -> None:
        """Most events go on as they came, with our id. Their beginning occurs nowhere else in
        them: within a JSON text its quotes have backslashes before them."""
        start = self._their_event
        if start and self._complete and self._begun_choices and data.startswith(start):
            frame = data.replace(start, self._our_event)
            self._length += len(text)
            self._has_text = True
            self.publish(frame)  # as `add`, without a call
            self.held += len(frame)
            if self.held > HELD_BYTES:
                self.pack()
        else:
            super().take_text(text, data)

    def end(self, end: End) -> None:
        if end.state != "done":
            if self._merged or not self.begun:
                self.failure = end
            self.publish(_frame({"error": error_object(end)}) + DONE, last=True)
        elif self._merged:
            whole = to_json_text(self._whole(self._merged, end)).encode()
            self.publish(b"".join(with_pictures(whole, self._cut)), last=True)
        else:
            last = [] if self._finished else [self._last_chunk(end)]
            if self._request.include_usage and not self._has_usage:
                last.append({**self._head, "choices": [], "usage": self._usage(end)})
            self.publish(b"".join(map(_frame, last)) + DONE, last=True)

    def _take_plain(self, blocks: list[bytes]) -> None:
        """Take chunks that have content and nothing else: nearly all come here."""
        if self._merged:
            self._has_text = True
            for block in blocks:
                self._merged.add(parse_bounded(block)[0])
            return
        if not (self._complete and self._begun_choices):
            for block in blocks:
                self._take_block(block, "", failed=False)
            return
        self._has_text = True
        if self._their_start:  # the usual case, and the fast one
            rests = list(map(bytes.removeprefix, blocks, repeat(self._their_start)))
            if sum(map(len, blocks)) - sum(map(len, rests)) == len(blocks) * len(self._their_start):
                start = b"\n\ndata: {" + self._our_id
                frame = b"%b%b\n\n" % (start[2:], start.join(rests))
                self.publish(frame)  # as `add`, without a call
                self.held += len(frame)
                if self.held > HELD_BYTES:
                    self.pack()
                return
        frames = [self._with_our_id(block) or self._encoded_anew(block) for block in blocks]
        self.add(b"".join(frames))

    def _encoded_anew(self, block: bytes) -> bytes:
        return _frame(self._as_chunk(parse_bounded(block)[0]))

    def _with_our_id(self, block: bytes) -> bytes | None:
        """The frame of an unchanged chunk with our id, without encoding it anew; None if the place
        of its id is not plain to see."""
        if block.count(self._their_id) != 1 or not self._their_id:
            self._learn_id(block)
        found = block.count(self._their_id) if self._their_id else 0
        if found != 1 or block.splitlines() != [block]:
            return None
        return b"data: %b\n\n" % block.replace(self._their_id, self._our_id)

    def _learn_id(self, block: bytes) -> None:
        """Find the bytes of the upstream's id, and what else our own chunks say as its do."""
        value = parse_json(block)
        if not isinstance(value, dict):
            return
        self._learn_head(value)
        found = _ID.findall(block)
        ids = [id for id in found if parse_json(b"{%b}" % id) == {"id": value.get("id")}]
        self._their_id = ids[0] if len(ids) == 1 else b""
        start = b"{" + self._their_id
        self._their_start = start if self._their_id and block.startswith(start) else b""
        self._their_event = self._their_start and b"data: " + self._their_start

    def _learn_head(self, value: dict[str, Any]) -> None:
        """Remember what other chunks of the upstream may lack. What is too long is not repeated."""
        model, created = value.get("model"), value.get("created")
        if isinstance(model, str) and 0 < len(model) <= LONGEST_MODEL:
            self._head["model"] = model
        if isinstance(created, int) and 0 < created < 2**53:
            self._head["created"] = created

    def _take_block(self, block: bytes, reasoning: str, *, failed: bool) -> None:
        value, strict = parse_bounded(block)
        if not isinstance(value, dict):
            return
        choices = value.get("choices")
        choices = choices if isinstance(choices, list) else []
        choices = [choice for choice in choices if isinstance(choice, dict)]
        if failed and not self._strip_failure(value, choices):
            return
        edited = failed or not strict
        if value.get("usage"):
            if not choices and not self._merged and not self._request.include_usage:
                return
            self._has_usage = True
        for choice in choices:
            edited |= self._edit(choice, reasoning)
            reasoning = ""  # it belongs to the first choice
        if self._merged:
            self._learn_head(value)
            self._merged.add(value)
            return
        if self._finished and self.refused and not self._warned:
            value["warnings"] = self.warnings()
            self._warned = edited = True
        if value.get("object") in ("chat.completion", "text_completion"):
            value["object"] = "chat.completion.chunk"
            edited = True
        edited |= self._fill(value, choices)
        frame = None if edited else self._with_our_id(block)
        for part in with_pictures(frame or _frame(self._as_chunk(value)), self._cut):
            self.add(part)

    def _fill(self, value: dict[str, Any], choices: list[dict[str, Any]]) -> bool:
        """Add the members that OpenAI's clients need and that some upstreams leave out; whether
        there were any."""
        self._learn_head(value)
        needed = ("object", "created", "model")
        missing = {name: self._head[name] for name in needed if value.get(name) is None}
        value |= missing
        self._complete = not missing
        filled = bool(missing)
        for place, choice in enumerate(choices):
            if choice.get("index") is None:
                choice["index"] = place
                filled = True
            delta = choice.get("delta")
            if isinstance(delta, dict) and str(choice["index"]) not in self._begun_choices:
                self._begun_choices.add(str(choice["index"]))
                if delta.get("role") is None:
                    choice["delta"] = {**delta, "role": "assistant"}
                    filled = True
        return filled

    def _strip_failure(self, value: dict[str, Any], choices: list[dict[str, Any]]) -> bool:
        """Take the failure out of a chunk; False if it has nothing else for the program."""
        value.pop("error", None)
        value.pop("x_groq", None)
        texts = False
        for choice in choices:
            choice.pop("error", None)
            choice["finish_reason"] = None
            choice.pop("native_finish_reason", None)
            texts |= says_something(choice.get("delta") or choice.get("message"))
        return texts

    def _edit(self, choice: dict[str, Any], reasoning: str) -> bool:
        """Note what a choice says, and make a delta of a whole message; whether it changed."""
        edited = False
        delta, message = choice.get("delta"), choice.get("message")
        said = delta if isinstance(delta, dict) else message if isinstance(message, dict) else {}
        if not isinstance(delta, dict) and said and not self._merged:
            choice.pop("message")
            # Some servers repeat the whole message after its deltas.
            said = choice["delta"] = {} if self._has_text else as_delta(said)
            edited = True
        elif not isinstance(delta, dict) and not said and isinstance(choice.get("text"), str):
            said = choice["delta"] = {"content": choice.pop("text")}  # of the older completions
            edited = True
        if reasoning and not (said.get("reasoning_content") or said.get("reasoning")):
            said["reasoning_content"] = reasoning
            edited = True
        if says_something(said):
            self._has_text = True
            self._has_tools = self._has_tools or bool(said.get("tool_calls"))
            self.begin()
        if reason := choice.get("finish_reason"):
            if read_reason(reason):
                self._finished = True
            else:
                choice["finish_reason"] = None
                edited = True
        return edited

    def _as_chunk(self, value: dict[str, Any]) -> dict[str, Any]:
        return {"id": self._head["id"], **value, "id": self._head["id"]}  # noqa: F601 (its place)

    def _add(self, chunk: dict[str, Any]) -> None:
        """A chunk of our own, from a provider that has no chunks."""
        if self._merged:
            self._merged.add(chunk)
        else:
            self.add(_frame(chunk))

    def _last_chunk(self, end: End) -> dict[str, Any]:
        reason = end.finish_reason or ("tool_calls" if self._has_tools else "stop")
        choice = {"index": 0, "delta": {}, "logprobs": None, "finish_reason": reason}
        chunk: dict[str, Any] = {**self._head, "choices": [choice]}
        if self.refused:
            chunk["warnings"] = self.warnings()
        return chunk

    def _whole(self, merged: MergedChunks, end: End) -> dict[str, Any]:
        value = {**self._head, **merged.completion(end.finish_reason or "")}
        value["id"] = self._head["id"]
        value["usage"] = value.get("usage") or self._usage(end)
        if self.refused:
            value["warnings"] = self.warnings()
        return value

    def _usage(self, end: End) -> dict[str, Any]:
        return end.usage or estimated_usage(self._request, self._length)


def _frame(value: dict[str, Any]) -> bytes:
    return b"data: %b\n\n" % to_json_text(value).encode()
