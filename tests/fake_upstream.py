"""A small OpenAI-compatible server that plays scripts, faults included. For tests only.

The `model` of a request is the script. Its steps are separated by `;`, and each is a `verb` or a
`verb=argument`:

    say=TEXT      one chunk with that content (\\n and %XX are decoded)
    think=TEXT    one chunk of reasoning
    count=N       N chunks "t0 ", "t1 " …, each after `gap` seconds
    fill=NxSIZE   N chunks of SIZE letters each
    gap=S         seconds before each following chunk of `count`
    wait=S        silence
    hold          silence until `released` is set
    hold=NAME     silence until a test in another process asks for /__release/NAME
    ping          a comment line
    usage=N       usage with N completion tokens
    finish=REASON a finish_reason; `done` sends [DONE]
    raw=TEXT      this text, unchanged
    error=TEXT    an error object inside the stream
    tool=NAME:ARGUMENTS   a call of that tool, which ends the answer, unless the messages have a
                  tool's result
    picture=SIZE  one chunk with a picture of so many bytes and more (`pictures.answer_picture`)
    halfpicture=SIZE, restpicture=SIZE  the first half of such a chunk, and the other one
    textpicture=SIZE  such a picture in the content, as Markdown
    badpicture=SIZE  the same with a character in it that is no base64
    result        one chunk with the last tool's result
    steps=A|B|C   as the only step: one of these scripts, which are encoded with %XX: the first one,
                  or as many further as messages have calls; after the last it is the last
    status=N      as first step: an error response with this status; with `times=N` as the next
                  step, only the first N requests with this script get it
    close, reset, badchunk, stall     end the response wrongly, or never
    nohead=S      as first step: so many seconds before the head
    success=N     as first step: the answer has this status

A script without an ending ends with finish=stop, [DONE] and the last chunk. `scripts` gives a
script to other names of models, for clients that know their models by name. A model without a
script echoes the last user message, word by word. `/v1/responses` plays the same scripts in the
form of the Responses API. `requests` has all requests; `open_streams` are the responses that are
being written.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import sys
import time
import urllib.parse
from base64 import b64encode
from collections import defaultdict
from functools import lru_cache
from typing import Any

from pictures import answer_picture
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

ENDINGS = ("close", "reset", "badchunk", "stall", "finish", "done", "end")


class FakeUpstream:
    """The server and the requests that it got. `url` is its base URL."""

    def __init__(self, port: int | None = None) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.open_streams: set[Completions] = set()
        self.closed_at: list[float] = []  # when clients left a response early: time.monotonic()
        self.scripts: dict[str, str] = {}
        self.released = asyncio.Event()
        self.holds: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
        #: The list of models: their names, or the response as JSON or as bytes, or a status.
        self.models: Any = ["fake-model"]
        self.lists = 0  # how often the list was requested
        self.may_list = asyncio.Event()  # the list is held back until this is set
        self.may_list.set()
        if port:
            (sock,), self.port = bind_sockets(port, "127.0.0.1"), port
        else:
            sock, self.port = bind_unused_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        routes = [
            (r"/v1/chat/completions", Completions, {"upstream": self}),
            (r"/v1/responses", Responses, {"upstream": self}),
            (r"/v1/models", Models, {"upstream": self}),
            (r"/__seen", Seen, {"upstream": self}),
            (r"/__release/(.+)", Release, {"upstream": self}),
        ]
        self.server = HTTPServer(Application(routes, log_function=lambda handler: None))
        self.server.add_socket(sock)

    async def close(self) -> None:
        self.server.stop()
        await self.server.close_all_connections()


class Models(RequestHandler):
    def initialize(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream

    async def get(self) -> None:
        self.upstream.lists += 1
        await self.upstream.may_list.wait()
        models = self.upstream.models
        if isinstance(models, bytes):
            self.finish(models)
            return
        if isinstance(models, int):
            self.set_status(models)
        if isinstance(models, list) and all(isinstance(id, str) for id in models):
            models = {"object": "list", "data": [{"id": id, "object": "model"} for id in models]}
        self.finish(json.dumps(models))


class Seen(RequestHandler):
    """The requests so far, for tests in another process."""

    def initialize(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream

    def get(self) -> None:
        self.write(
            {
                "requests": self.upstream.requests,
                "open": len(self.upstream.open_streams),
                "left": len(self.upstream.closed_at),
            }
        )


class Release(RequestHandler):
    """Ends every silence of that name, those that begin later too."""

    def initialize(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream

    def get(self, name: str) -> None:
        self.upstream.holds[name].set()


class Completions(RequestHandler):
    def initialize(self, upstream: FakeUpstream) -> None:
        self.upstream = upstream
        self.left = asyncio.Event()
        self.gap = 0.0
        self.ended = False

    def on_connection_close(self) -> None:
        """Also called when a write raises: Tornado reports a lost connection in either way."""
        if not self.left.is_set():
            self.left.set()
            self.upstream.closed_at.append(time.monotonic())

    async def post(self) -> None:
        body = json.loads(self.request.body)
        asked = [request.get("model") for request in self.upstream.requests]
        self.seen_before = asked.count(body.get("model"))
        self.body = body
        self.upstream.requests.append(body)
        self.upstream.headers.append(dict(self.request.headers))
        self.upstream.open_streams.add(self)
        try:
            named = {
                **body,
                "model": self.upstream.scripts.get(body.get("model"), body.get("model")),
            }
            await self.play(parse_script(named))
        except StreamClosedError:
            self.on_connection_close()
        finally:
            self.upstream.open_streams.discard(self)

    async def play(self, script: list[tuple[str, str]]) -> None:
        verb, argument = script[0]
        if verb == "nohead":
            await self.pause(float(argument))
            script = script[1:]
        if verb == "success":
            self.set_status(int(argument))
            script = script[1:]
        rest = dict(script[1:])
        if verb == "status" and "times" in rest and self.seen_before >= int(rest["times"]):
            script = [
                step for step in script if step[0] not in ("status", "times", "after", "body")
            ]
        elif verb == "status":
            self.set_status(int(argument))
            if "after" in rest:
                self.set_header("Retry-After", rest["after"])
            self.finish(rest.get("body") or json.dumps({"error": {"message": "told to fail"}}))
            return
        self.set_header("Content-Type", "text/event-stream")
        await self.flush()
        for verb, argument in script:
            if self.left.is_set():
                return
            await getattr(self, "do_" + verb)(argument)
            if self.ended:
                return
        if not any(verb in ENDINGS for verb, _ in script):
            await self.do_finish("stop")
            await self.do_done("")

    async def pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.left.wait(), seconds)
        except TimeoutError:
            pass

    async def send(self, data: str) -> None:
        self.write(data)
        await self.flush()

    async def chunk(self, delta: dict[str, Any], **more: Any) -> None:
        choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
        await self.send(f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n")

    async def do_say(self, text: str) -> None:
        await self.chunk({"content": text})

    async def do_think(self, text: str) -> None:
        await self.chunk({"reasoning_content": text})

    async def do_gap(self, seconds: str) -> None:
        self.gap = float(seconds)

    async def do_count(self, count: str) -> None:
        for number in range(int(count)):
            if self.gap:
                await self.pause(self.gap)
            if self.left.is_set():
                return
            await self.chunk({"content": f"t{number} "})

    async def do_fill(self, what: str) -> None:
        count, size = map(int, what.split("x"))
        for _ in range(count):
            if self.left.is_set():
                return
            await self.chunk({"content": "x" * size})

    async def do_wait(self, seconds: str) -> None:
        await self.pause(float(seconds))

    async def do_hold(self, name: str) -> None:
        released = self.upstream.holds[name] if name else self.upstream.released
        await released.wait()

    async def do_ping(self, _: str) -> None:
        await self.send(": ping\n\n")

    async def do_usage(self, tokens: str) -> None:
        usage = {"prompt_tokens": 1, "completion_tokens": int(tokens)}
        await self.send(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\n")

    async def do_finish(self, reason: str) -> None:
        await self.chunk({}, finish_reason=reason)

    async def do_done(self, _: str) -> None:
        await self.send("data: [DONE]\n\n")

    async def do_raw(self, text: str) -> None:
        await self.send(text)

    async def do_error(self, text: str) -> None:
        await self.send(f"data: {json.dumps({'error': {'message': text}})}\n\n")

    async def do_tool(self, call: str) -> None:
        if self.results():
            return
        name, _, arguments = call.partition(":")
        function = {"name": name, "arguments": arguments[:5]}
        begin = {"index": 0, "id": "call_1", "type": "function", "function": function}
        rest = {"index": 0, "function": {"arguments": arguments[5:]}}
        await self.chunk({"role": "assistant", "content": None, "tool_calls": [begin]})
        await self.chunk({"tool_calls": [rest]})
        await self.do_finish("tool_calls")
        await self.do_done("")
        self.ended = True

    async def do_picture(self, size: str) -> None:
        await self.send(picture_chunk(int(size)))

    async def do_halfpicture(self, size: str) -> None:
        whole = picture_chunk(int(size))
        await self.send(whole[: len(whole) // 2])

    async def do_restpicture(self, size: str) -> None:
        whole = picture_chunk(int(size))
        await self.send(whole[len(whole) // 2 :])

    async def do_textpicture(self, size: str) -> None:
        await self.chunk({"content": f"![a]({picture_url(int(size))})"})

    async def do_badpicture(self, size: str) -> None:
        await self.send(picture_chunk(int(size), end="*"))

    async def do_result(self, _: str) -> None:
        await self.do_say(self.results()[-1])

    def results(self) -> list[str]:
        """The texts of the tools' results in the request."""
        contents = [m["content"] for m in self.body["messages"] if m["role"] == "tool"]
        return [c if isinstance(c, str) else "".join(part["text"] for part in c) for c in contents]

    async def do_end(self, _: str) -> None:
        """End the response properly, without [DONE]."""

    async def do_close(self, _: str) -> None:
        self.ended = True
        self.detach().close()

    async def do_reset(self, _: str) -> None:
        self.ended = True
        await asyncio.sleep(0.02)  # first, the server must read what was written
        stream = self.detach()
        linger = struct.pack("ii", 1, 0)
        stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        stream.close()

    async def do_badchunk(self, _: str) -> None:
        self.ended = True
        stream = self.detach()
        await stream.write(b"zz\r\nnot a chunk\r\n")
        stream.close()

    async def do_stall(self, _: str) -> None:
        await self.pause(3600)


class Responses(Completions):
    """Each kind of text is an item of the output, which ends with the response."""

    def prepare(self) -> None:
        self.items: list[dict[str, Any]] = []
        self.usage: dict[str, Any] | None = None

    async def event(self, type: str, **members: Any) -> None:
        data = json.dumps({"type": type, **members})
        await self.send(f"event: {type}\ndata: {data}\n\n")

    async def item(self, type: str, **members: Any) -> dict[str, Any]:
        """The item that texts of this type belong to; another type begins a new one."""
        if not self.items or self.items[-1]["type"] != type:
            item = {"id": f"item_{len(self.items)}", "type": type, **members}
            self.items.append(item)
            index = len(self.items) - 1
            await self.event("response.output_item.added", output_index=index, item=item)
        return self.items[-1]

    async def delta(self, name: str, item: dict[str, Any], delta: str) -> None:
        place = {"output_index": len(self.items) - 1, "item_id": item["id"]}
        number = "summary_index" if "summary" in name else "content_index"
        await self.event(f"response.{name}.delta", **place, **{number: 0}, delta=delta)

    async def chunk(self, delta: dict[str, Any], **more: Any) -> None:
        if text := delta.get("reasoning_content"):
            item = await self.item("reasoning", summary=[])
            item["summary"] = [{"type": "summary_text", "text": self.text_of(item) + text}]
            if "reasoning.encrypted_content" in self.body.get("include", ()):
                item["encrypted_content"] = "sealed"
            await self.delta("reasoning_summary_text", item, text)
        if text := delta.get("content"):
            item = await self.item("message", role="assistant", content=[])
            part = {"type": "output_text", "annotations": [], "text": self.text_of(item) + text}
            item["content"] = [part]
            await self.delta("output_text", item, text)
        for call in delta.get("tool_calls", ()):
            function = call["function"]
            named = {"call_id": call.get("id"), "name": function.get("name"), "arguments": ""}
            item = await self.item("function_call", **named)
            item["arguments"] += function["arguments"]
            await self.delta("function_call_arguments", item, function["arguments"])

    @staticmethod
    def text_of(item: dict[str, Any]) -> str:
        return "".join(part["text"] for part in item.get("content", item.get("summary")))

    async def do_usage(self, tokens: str) -> None:
        self.usage = {"input_tokens": 1, "output_tokens": int(tokens)}

    async def do_finish(self, reason: str) -> None:
        for index, item in enumerate(self.items):
            await self.event("response.output_item.done", output_index=index, item=item)
        why = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(reason)
        status = "incomplete" if why else "completed"
        response = {"status": status, "output": self.items, "usage": self.usage}
        response["incomplete_details"] = {"reason": why} if why else None
        await self.event(f"response.{status}", response=response)

    async def do_done(self, _: str) -> None:
        """The form has no event for it."""

    async def do_error(self, text: str) -> None:
        await self.event("error", code=None, message=text, param=None)

    def results(self) -> list[str]:
        items = self.body["input"]
        return [item["output"] for item in items if item.get("type") == "function_call_output"]


def picture_url(size: int) -> str:
    return "data:image/png;base64," + b64encode(answer_picture(size)).decode()


@lru_cache(maxsize=16)
def picture_chunk(size: int, end: str = "") -> str:
    """The event of a chunk with a picture, whose last characters may be others."""
    url = picture_url(size)
    url = url[: len(url) - 9 * bool(end)] + end
    delta = {"images": [{"type": "image_url", "image_url": {"url": url}}]}
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return f"data: {json.dumps({'id': 'c', 'choices': [choice]})}\n\n"


def parse_script(body: dict[str, Any]) -> list[tuple[str, str]]:
    model = body.get("model") or ""
    if model.startswith("steps="):
        scripts = model.removeprefix("steps=").split("|")
        done = sum(bool(message.get("tool_calls")) for message in body["messages"])
        model = urllib.parse.unquote(scripts[min(done, len(scripts) - 1)])
    first = model.partition(";")[0].partition("=")[0]
    if first in ("nohead", "status", "success") or hasattr(Completions, "do_" + first):
        steps = (step.partition("=") for step in model.split(";") if step)
        return [(verb, urllib.parse.unquote(argument)) for verb, _, argument in steps]
    text = body["messages" if "messages" in body else "input"][-1].get("content")
    text = text if isinstance(text, str) else "no text"
    words = text.replace(" ", " \0").split("\0")
    return [("say", word) for word in words]


async def main() -> None:
    upstream = FakeUpstream()
    print(upstream.url, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        sys.exit(0)
