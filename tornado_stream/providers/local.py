"""The small model on this machine: a child process, and a provider that asks it.

The rule: the child is reached like any other server, over HTTP; what is local is only its life
(`LocalModel`) and what its small context makes necessary (`LocalProvider`).
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import math
import os
import re
import secrets
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
from tornado.ioloop import IOLoop

from tornado_stream.errors import ProviderError
from tornado_stream.events import Notice
from tornado_stream.messages import ChatRequest
from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.providers.local_child import MODEL_ID
from tornado_stream.providers.openai import OpenAIProvider
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.providers.weights import find_weights
from tornado_stream.settings import Settings

logger = logging.getLogger(__name__)

WHAT_IT_IS = (
    "A small demo model (SmolLM2, 135M parameters) running on this machine. "
    "Its facts are often wrong."
)
WAY_OUT = "To use another server instead, set OPENAI_BASE_URL or OPENAI_API_KEY."

#: -P: the directory of the program, which is this package, must not be on the child's import path.
COMMAND = (sys.executable, "-P", str(Path(__file__).with_name("local_child.py")))
#: Seconds that loading may take.
LOAD_LIMIT = 60.0
#: Starts allowed within so many seconds: a model that keeps dying is not started for ever.
START_LIMIT, START_WINDOW = 3, 300.0
#: What the child gets of the environment. A list of what may pass: secrets have many names.
PASSED_ON = re.compile(
    r"PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|TEMP|TMP|SYSTEMROOT|WINDIR|USERPROFILE|(LOCAL)?APPDATA|"
    r"LD_LIBRARY_PATH|DYLD_\w+|PYTHONPATH|PYTHONHOME|VIRTUAL_ENV|OMP_\w+",
    re.IGNORECASE,
)

#: Requests that are answered side by side, and the tokens that each has for prompt and answer.
PARALLEL, CONTEXT = 4, 2048
#: Tokens an answer gets where the user says nothing, and below which it is not worth beginning.
ANSWER, SHORTEST_ANSWER = 512, 64
#: Characters that are counted in one request: about twice what the context holds of plain text.
BATCH = 16_384
#: Characters of one text that are counted; what a longer one holds is reckoned from them.
COUNTED = 32_768
#: Characters between two places where a conversation may be cut.
STEP = 2048
NO_TOKEN = -1
COUNT_TIMEOUTS = Timeouts(connect=5, first_byte=20, idle=20, answer=30)
#: The options that mean something to this model.
OPTIONS = frozenset(
    "temperature top_p top_k min_p seed stop presence_penalty frequency_penalty repeat_penalty "
    "response_format".split()
)


class LocalModel:
    """The child process that holds the model: started, watched, started again, ended.

    `state` is `loading`, `ready` or `failed`; `detail` says for a person what that means. All
    methods run on the IOLoop's thread and none of them blocks.
    """

    def __init__(
        self,
        data_dir: Path,
        weights: Path | None = None,
        *,
        off: bool = False,
        command: Sequence[str] = COMMAND,
        load_limit: float = LOAD_LIMIT,
    ) -> None:
        self.state, self.detail = "loading", WHAT_IT_IS
        self._off = off
        self._data_dir = data_dir
        self._weights = weights
        self._command = command
        self._load_limit = load_limit
        self._closed = False
        self._address = ("", "")
        self._cause = ""
        self._settled = asyncio.Event()
        self._starts: deque[float] = deque(maxlen=START_LIMIT)
        self._child: _Child | None = None
        self._alive: set[_Child] = set()  # the child, and any that was given up and is not gone

    @property
    def pid(self) -> int | None:
        """The child's process id; None while there is no child."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Begin to load, unless that was done; returns at once. What failed is tried again."""
        if self._closed or self._child:
            return
        try:
            weights = self._find_parts()
            self._count_start()
            self._child = _Child(self._command, _config(weights), self._on_ready, self._on_exit)
        except (ValueError, OSError) as error:
            self._settle("failed", f"The local model cannot run: {error} {WAY_OUT}")
            return
        self._alive.add(self._child)
        self._settled.clear()
        self.state, self.detail = "loading", WHAT_IT_IS
        IOLoop.current().call_later(self._load_limit, self._on_load_limit, self._child)

    async def ready(self) -> tuple[str, str]:
        """Wait until it can be asked; its base URL and its key.

        Starts it where it does not run. Raises `ProviderError` when it cannot run.
        """
        self.start()
        while self.state == "loading":
            await self._settled.wait()
        if self.state != "ready":
            raise ProviderError("local_model_failed", self.detail)
        return self._address

    async def close(self, grace: float) -> None:
        """End the child, by force after `grace` seconds; it is reaped and its thread has ended
        when this returns. Whoever waits in `ready` is told. It does not start again."""
        self._closed, self._child = True, None
        self._settle("failed", "The server is shutting down.")
        children = list(self._alive)
        for child in children:
            child.end(grace)
        for child in children:
            await child.gone.wait()

    def _find_parts(self) -> Path:
        if self._off:
            raise ValueError("it is switched off (--no-local).")
        importlib.invalidate_caches()  # what was missing may have been installed since
        missing = []
        if importlib.util.find_spec("xllamacpp") is None:
            missing.append("xllamacpp is not installed (pip install 'tornado-stream[local]')")
        weights = find_weights(self._weights, self._data_dir)
        if weights is None:
            missing.append("its weights are missing (python main.py --fetch-model)")
        if missing or weights is None:
            raise ValueError(" and ".join(missing) + ".")
        return weights

    def _count_start(self) -> None:
        now = IOLoop.current().time()
        if len(self._starts) == START_LIMIT and now - self._starts[0] < START_WINDOW:
            raise ValueError(
                f"it was started {START_LIMIT} times in {START_WINDOW / 60:.0f} minutes and always "
                f"ended. {self._cause}"
            )
        self._starts.append(now)

    def _on_ready(self, child: _Child, url: str) -> None:
        if child is self._child:
            self._address = (url + "/v1", child.key)
            self._settle("ready", WHAT_IT_IS)

    def _on_load_limit(self, child: _Child) -> None:
        if child is self._child and self.state == "loading":
            self._give_up(f"It was not ready after {self._load_limit:g} s.")
            child.end(0)

    def _on_exit(self, child: _Child, code: int) -> None:
        self._alive.discard(child)
        if child is self._child:
            self._give_up(child.failed or _explain_exit(code, child.output))

    def _give_up(self, cause: str) -> None:
        self._child, self._cause = None, cause
        if self.state == "ready":
            detail = f"The local model stopped. {cause} The next message starts it again."
        else:
            detail = f"The local model did not start. {cause} {WAY_OUT}"
        self._settle("failed", detail)

    def _settle(self, state: str, detail: str) -> None:
        self.state, self.detail = state, detail
        self._settled.set()
        if not self._closed:
            logger.log(logging.INFO if state == "ready" else logging.WARNING, "%s", detail)


class _Child:
    """One process and the one thread that reads it to its end. Callbacks come on the IOLoop."""

    def __init__(
        self,
        command: Sequence[str],
        config: dict[str, Any],
        on_ready: Callable[[_Child, str], None],
        on_exit: Callable[[_Child, int], None],
    ) -> None:
        self.key: str = config["key"]
        self.failed = ""
        self.output: deque[str] = deque(maxlen=10)
        self.gone = asyncio.Event()
        self._loop = IOLoop.current()
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={name: value for name, value in os.environ.items() if PASSED_ON.fullmatch(name)},
            # A Ctrl-C in the terminal is for the server, which lets its answers finish first.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self.pid = self._process.pid
        self._thread = threading.Thread(target=self._read, name="local-model", daemon=True)
        self._thread.start()
        self._send(json.dumps(config).encode() + b"\n")

    def end(self, grace: float) -> None:
        """Ask the process to end, and kill it after `grace` seconds."""
        self._close_stdin()
        self._process.terminate()
        if grace > 0:
            self._loop.call_later(grace, self._process.kill)
        else:
            self._process.kill()

    def _send(self, line: bytes) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):  # it has ended already; its exit code will say why
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _close_stdin(self) -> None:
        assert self._process.stdin
        with contextlib.suppress(OSError):
            self._process.stdin.close()

    def _read(self) -> None:
        """The thread: hand over what the child prints, then its exit code."""
        assert self._process.stdout
        with self._process.stdout as lines:
            for line in lines:
                self._loop.add_callback(self._take, line.decode(errors="replace").strip())
        self._loop.add_callback(self._finish, self._process.wait())

    def _take(self, line: str) -> None:
        message = _parse(line)
        if "ready" in message:
            self._on_ready(self, message["ready"])
        elif "failed" in message:
            self.failed = message["failed"]
        elif line:
            self.output.append(line)

    def _finish(self, code: int) -> None:
        self._thread.join()  # this call was the last thing it did
        self._close_stdin()
        self.gone.set()
        self._on_exit(self, code)


class LocalProvider(Provider):
    """Answers with the local model, within its context.

    What does not fit is left out, oldest first, and said so (`context_trimmed`); a question that
    alone is too long is refused with its size.
    """

    name = "local"

    def __init__(
        self,
        upstream: Upstream,
        settings: Settings,
        timeouts: Timeouts,
        *,
        model: LocalModel | None = None,
    ) -> None:
        self._upstream = upstream
        self._timeouts = timeouts
        self._model = model or LocalModel(
            settings.data_dir, settings.local_model, off=settings.no_local
        )

    @property
    def default_model(self) -> str | None:
        return MODEL_ID

    def start(self) -> None:
        self._model.start()

    async def close(self, grace: float) -> None:
        await self._model.close(grace)

    async def models(self) -> list[ModelInfo]:
        return [ModelInfo(MODEL_ID, self.name, self._model.state, self._model.detail)]

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        self._model.start()
        if self._model.state == "loading":
            emit(Notice("model_loading"))
        base_url, key = await self._model.ready()
        fitted = await self._fit(request, emit, _Tokens(self._upstream, base_url, key))
        server = OpenAIProvider(
            self._upstream,
            base_url=base_url,
            api_key=key,
            model=MODEL_ID,
            timeouts=self._timeouts,
            name=self.name,
        )
        await server.generate(fitted, emit)

    async def _fit(self, request: ChatRequest, emit: Emit, tokens: _Tokens) -> ChatRequest:
        """The request as far as the context holds it, its answer limited to what is left."""
        wanted = _wanted_tokens(request.options)
        turns = _number_turns(request.messages)
        texts = _texts(request.messages, turns)
        kept, prompt = await tokens.measure(texts, CONTEXT - min(wanted, ANSWER))
        if CONTEXT - prompt < min(wanted, SHORTEST_ANSWER):
            raise _too_long(request.messages, prompt)
        left_out = _steady_cut([len(text) for text in reversed(texts)], len(texts) - kept)
        if left_out:
            emit(Notice("context_trimmed", {"turns": left_out}))
        pairs = zip(request.messages, turns, strict=True)
        options = {name: value for name, value in request.options.items() if name in OPTIONS}
        return ChatRequest(
            [message for message, turn in pairs if turn is None or turn >= left_out],
            MODEL_ID,
            {**options, "max_tokens": min(wanted, CONTEXT - prompt)},
        )


class _Tokens:
    """Counts tokens exactly, by asking the server that will read them."""

    def __init__(self, upstream: Upstream, base_url: str, key: str) -> None:
        self._upstream = upstream
        self._url = base_url.removesuffix("/v1") + "/tokenize"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def measure(self, texts: Sequence[str], limit: int) -> tuple[int, int]:
        """How many of the texts fit into `limit` tokens, and the tokens they are together.

        The first counts as fitting whatever it is. Mostly one request, however many texts.
        """
        kept = total = 0
        for batch in _batches(texts):
            for count in await self._count(batch):
                if kept and total + count > limit:
                    return kept, total
                kept, total = kept + 1, total + count
        return kept, total

    async def _count(self, texts: Sequence[str]) -> list[int]:
        # The server tokenizes the strings of a list one by one and passes numbers through: with a
        # number that is no token after each, one request counts them all.
        content = [part for text in texts for part in (text[:COUNTED], NO_TOKEN)]
        body = orjson.dumps({"content": content, "add_special": False, "parse_special": True})
        request = UpstreamRequest(self._url, self._headers, body, timeouts=COUNT_TIMEOUTS)
        try:
            answer = await self._upstream.fetch_json(request)
        except StatusError as error:
            message = f"The local model could not count tokens (status {error.status})."
            raise ProviderError("local_model_failed", message) from None
        counts = _gaps(answer["tokens"])
        pairs = zip(texts, counts, strict=True)
        return [math.ceil(count * max(1, len(text) / COUNTED)) for text, count in pairs]


def _number_turns(messages: Sequence[dict[str, str]]) -> list[int | None]:
    """For each message the turn it belongs to, from 0; None for a system message.

    A turn is a user's message and all that follows it, up to the next one.
    """
    numbers: list[int | None] = []
    turn, begun = 0, False
    for message in messages:
        if message["role"] == "system":
            numbers.append(None)
            continue
        turn += begun and message["role"] == "user"
        begun = True
        numbers.append(turn)
    return numbers


def _texts(messages: Sequence[dict[str, str]], turns: Sequence[int | None]) -> list[str]:
    """What the model reads, newest first: what always stays (the last turn, all system messages,
    the head of the answer), then one text for each earlier turn. Their tokens add up, since
    a message begins and ends with a token of its own."""
    last = max((turn for turn in turns if turn is not None), default=0)
    parts: list[list[str]] = [[] for _ in range(last + 1)]
    for message, turn in zip(messages, turns, strict=True):
        parts[last if turn is None else turn].append(_render(message["role"], message["content"]))
    parts[last].append("<|im_start|>assistant\n")
    return ["".join(part) for part in reversed(parts)]


def _render(role: str, content: str) -> str:
    """A message as local_child.TEMPLATE renders it."""
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, so many at a time that the first batch mostly fills the context."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _steady_cut(lengths: Sequence[int], cut: int) -> int:
    """Where to cut, at `cut` or a little after, so that the turns to come are cut there as well.

    The server keeps what it has read of a prompt as far as the next one begins alike. Were the
    cut to move with every turn, it would read everything anew for every answer.
    """
    begins = [0, *accumulate(lengths)]
    steady = (
        turn
        for turn in range(cut, len(lengths))
        if turn == 0 or begins[turn] // STEP > begins[turn - 1] // STEP
    )
    return next(steady, cut)


def _gaps(tokens: Sequence[int]) -> list[int]:
    """How many tokens stand before each `NO_TOKEN`."""
    counts = [0]
    for token in tokens:
        if token == NO_TOKEN:
            counts.append(0)
        else:
            counts[-1] += 1
    return counts[:-1]


def _wanted_tokens(options: dict[str, Any]) -> int:
    wanted = options.get("max_tokens", options.get("max_completion_tokens"))
    return wanted if isinstance(wanted, int) and wanted > 0 else ANSWER


def _too_long(messages: Sequence[dict[str, str]], tokens: int) -> ProviderError:
    system = any(message["role"] == "system" for message in messages)
    what = "Your message and the system prompt are" if system else "Your message is"
    return ProviderError(
        "context_length",
        f"{what} about {tokens:,} tokens; this demo model can take {CONTEXT:,}, its answer "
        "included. Please shorten it.",
    )


def _config(weights: Path) -> dict[str, Any]:
    return {
        "model": str(weights),
        "key": secrets.token_urlsafe(24),
        "threads": _threads(),
        "parallel": PARALLEL,
        "context": CONTEXT,
    }


def _threads() -> int:
    """All cores but one: with none left over the library's threads wait for each other."""
    if sys.platform == "linux":
        return max(1, len(os.sched_getaffinity(0)) - 1)
    return max(1, (os.cpu_count() or 1) - 1)


def _parse(line: str) -> dict[str, str]:
    """The message in a line of the child's; empty where it is something the library printed."""
    if not line.startswith(('{"ready": ', '{"failed": ')):
        return {}
    try:
        message: dict[str, str] = json.loads(line)
    except ValueError:
        return {}
    return message


def _explain_exit(code: int, output: Sequence[str]) -> str:
    """Why a child ended that could not say it itself."""
    if code in (-4, 0xC000001D):  # an illegal instruction, as POSIX and Windows report it
        return "This CPU has no AVX2, which the model's runtime needs."
    if code == -9:
        return "It was killed (signal 9), perhaps for want of memory: it takes about 340 MB."
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return f"It ended by itself ({how}): {' / '.join(list(output)[-3:]) or 'it said nothing'}."
