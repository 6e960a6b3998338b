"""An upstream that knows the true text of every answer, and counts its requests.

A question names its answer: `truth SEED SIZE GAP` stands for a text of SIZE characters made from
SEED. The upstream sends it in random pieces, with GAP milliseconds between them on average. It
continues an unfinished answer in the messages: where the answer stops if it is the last message
(prefill, which a server announces by `Server: llama.cpp`), else from the words that the
instruction quotes. The option `truth` of a request, `{"name", "size", "gap"}`, holds instead of
what the question says, so that several answers to one question differ. Requests are counted by
their option `user`, which the tests set to the id of the answer: `asked[id]` shows whether an
answer was asked for exactly once.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from typing import Any

QUESTION = re.compile(r"truth (\S+) (\d+) (\d+(?:\.\d+)?)")
QUOTE = "which are:\n"

WORDS = """
the of a river Über naïve façade Straße smørrebrød ещё раз привет مرحبا नमस्ते שלום ไทย 北京
東京タワー 한국어 こんにちは 😀 👩‍👩‍👧‍👦 🏳️‍🌈 é ﬁ ∑∫√ → “quoted” <b>bold</b> &amp; </script>
{"json":[1,2]} data: id: : event: [DONE] \\n \\u0041 % %s $x$ `code` **strong** _it_ ~~no~~
[a](https://example.org) 3.14159
""".split()
BLOCKS = [
    "\n\n",
    "\n",
    "\n\n## Heading\n\n",
    "\n- item ",
    "\n1. item ",
    "\n> quote ",
    "\n```python\nfor x in range(3):\n    print(x)\n```\n",
    "\n| a | b |\n| - | - |\n| 1 | 2 |\n",
    " ha ha ha ha ha ha ",
    " again and again and again and again ",
    "\t",
    "   ",
    "\u2028",
    "\r\n",
    "\ndata: {}\n\n",
]


def true_text(seed: str, size: int) -> str:
    """The text that this seed stands for. If the name of the seed begins with `plain`, no words
    repeat: without prefill, only such an answer can be continued at a certain place."""
    rng = random.Random(seed)
    if seed.startswith("plain"):
        return "".join(f"{n}{rng.choice(WORDS)} " for n in range(size // 2 + 1))[:size]
    parts: list[str] = []
    length = 0
    while length < size:
        part = rng.choice(BLOCKS) if rng.random() < 0.12 else rng.choice(WORDS) + " "
        if rng.random() < 0.02 and parts:  # an earlier phrase, repeated
            part = "".join(parts[-rng.randint(2, 12) :])
        parts.append(part)
        length += len(part)
    return "".join(parts)[:size]


def question(seed: str, size: int, gap_ms: float = 1.0) -> str:
    return f"Say truth {seed} {size} {gap_ms:g} please."


def answer_to(message: str) -> str:
    """The true answer to a question."""
    match = QUESTION.search(message)
    assert match, message
    return true_text(match[1], int(match[2]))


class Truth:
    """The server, which listens on `port`. `asked` counts whole requests by their `user`; `wrong`
    describes requests whose unfinished answer is not true."""

    def __init__(self, *, prefill: bool = True) -> None:
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.prefill = prefill
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def start(self) -> Truth:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def close(self) -> None:
        assert self._server
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0.01)  # aborted transports close their sockets

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(
            lambda task: writer.transport.abort()
        )  # also if the task has never run

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            body = await self._read_request(reader)
            await self._answer(body, writer)
            await writer.drain()
            writer.write_eof()
            await reader.read()
        except (OSError, EOFError):
            pass  # the server has closed the connection

    async def _read_request(self, reader: asyncio.StreamReader) -> dict[str, Any]:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
        assert length, head
        body: dict[str, Any] = json.loads(await reader.readexactly(int(length[1])))
        self.asked[body.get("user", "")] += 1
        return body

    async def _answer(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        rest, gap, rng = self._understand(body)
        chunked = rng.random() < 0.7
        head = ["HTTP/1.1 200 OK", "Content-Type: text/event-stream"]
        head += ["Server: llama.cpp"] if self.prefill else []
        head += ["Transfer-Encoding: chunked"] if chunked else ["Connection: close"]
        writer.write("\r\n".join([*head, "", ""]).encode())

        def write(data: str) -> None:
            raw = data.encode()
            writer.write(b"%x\r\n%s\r\n" % (len(raw), raw) if chunked else raw)

        ascii_only = rng.random() < 0.5
        largest = rng.choice([4, 12, 40]) if gap else 4000
        while rest:
            n = rng.randint(1, largest)
            piece, rest = rest[:n], rest[n:]
            write(_event({"content": piece}, None, ascii_only))
            if gap:
                await asyncio.sleep(rng.expovariate(1 / gap))
            await writer.drain()
        write(_event({}, "stop", ascii_only))
        cost = rng.randint(1, 10**9) / 1e9
        usage = {"prompt_tokens": 1, "completion_tokens": 2, "cost": cost}
        write(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n")
        if chunked:
            writer.write(b"0\r\n\r\n")

    def _understand(self, body: dict[str, Any]) -> tuple[str, float, random.Random]:
        """The text to send, the gap in seconds, and a random generator for this request."""
        messages = body["messages"]
        asked = max(i for i, m in enumerate(messages) if QUESTION.search(m["content"]))
        # The server sends an unanswered question and the next one as one message.
        *_, match = QUESTION.finditer(messages[asked]["content"])
        told = body.get("truth") or {"name": match[1], "size": match[2], "gap": match[3]}
        truth, rest = true_text(told["name"], int(told["size"])), messages[asked + 1 :]
        begin = 0
        if rest:
            begun = rest[0]["content"]
            if not (rest[0]["role"] == "assistant" and truth.startswith(begun)):
                self.wrong.append(f"{match[0]}: the unfinished answer is not true: {begun[-80:]!r}")
            begin = len(begun)
            if len(rest) > 1:
                begin -= len(rest[1]["content"].partition(QUOTE)[2])
        rng = random.Random(f"{told['name']} {body.get('user')} {begin}")
        return truth[begin:], float(told["gap"]) / 1000, rng


def _event(delta: dict[str, str], finish: str | None, ascii_only: bool) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'id': 'c', 'choices': [choice]}, ensure_ascii=ascii_only)}\n\n"
