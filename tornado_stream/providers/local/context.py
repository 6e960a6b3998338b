"""Fits a conversation into the local model's small context by leaving out old turns.

The rule: the model's own server counts the tokens, in one request for most conversations. The
last turn always stays; the oldest turns are left out first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

import orjson

from tornado_stream.providers.base import Emit
from tornado_stream.providers.local.child import MODEL_ID
from tornado_stream.providers.upstream import StatusError, Timeouts, Upstream, UpstreamRequest
from tornado_stream.values.errors import ProviderError
from tornado_stream.values.events import Notice
from tornado_stream.values.messages import ChatRequest

#: Tokens for the prompt and the answer together.
CONTEXT = 2048
#: Tokens for an answer by default, and the least room for which an answer is begun.
ANSWER, SHORTEST_ANSWER = 512, 64
#: Characters whose tokens one request counts: about twice as many as the context holds.
BATCH = 16_384
#: Characters of one text whose tokens are counted; the rest of a longer text is estimated.
COUNTED = 32_768
#: Characters between two places at which a conversation may be cut.
STEP = 2048
NO_TOKEN = -1
COUNT_TIMEOUTS = Timeouts(connect=5, first_byte=20, idle=20, answer=30)
#: The options that this model's server understands.
OPTIONS = frozenset(
    "temperature top_p top_k min_p seed stop presence_penalty frequency_penalty repeat_penalty "
    "response_format".split()
)


async def fit(request: ChatRequest, emit: Emit, tokens: TokenCounter) -> ChatRequest:
    """The request with only the turns that fit, and `max_tokens` limited to the room they leave.

    Emits the notice `context_trimmed` if turns were left out. Raises `ProviderError`
    (`context_length`) if the last turn alone is too long. Nothing of a program's request is left
    out: it gets this error instead.
    """
    wanted = _wanted_tokens(request.options)
    turns = _number_turns(request.messages)
    texts = _texts(request.messages, turns, request.continued_text)
    fitting, prompt = await tokens.measure(texts, CONTEXT - min(wanted, ANSWER))
    if CONTEXT - prompt < min(wanted, SHORTEST_ANSWER):
        raise _too_long(request.messages, prompt)
    left_out = _steady_cut([len(text) for text in reversed(texts)], len(texts) - fitting)
    if left_out and request.relay:
        raise _context_length("The messages are too long; this demo model")
    if left_out:
        emit(Notice("context_trimmed", {"turns": request.left_out + left_out}))
    pairs = zip(request.messages, turns, strict=True)
    options = {name: value for name, value in request.options.items() if name in OPTIONS}
    return ChatRequest(
        [message for message, turn in pairs if turn is None or turn >= left_out],
        MODEL_ID,
        {**options, "max_tokens": min(wanted, CONTEXT - prompt)},
        continued_text=request.continued_text,
        relay=request.relay,
    )


class TokenCounter:
    """Counts tokens exactly, with the `/tokenize` endpoint of the model's own server."""

    def __init__(self, upstream: Upstream, base_url: str, key: str) -> None:
        self._upstream = upstream
        self._url = base_url.removesuffix("/v1") + "/tokenize"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    async def measure(self, texts: Sequence[str], limit: int) -> tuple[int, int]:
        """The number of leading texts that fit into `limit` tokens, and the sum of their tokens.

        The first text always counts as fitting. One request is mostly enough for all texts.
        """
        fitting = total = 0
        for batch in _batches(texts):
            for count in await self._count(batch):
                if fitting and total + count > limit:
                    return fitting, total
                fitting, total = fitting + 1, total + count
        return fitting, total

    async def _count(self, texts: Sequence[str]) -> list[int]:
        # The server tokenizes each string of a list by itself and passes numbers through
        # unchanged. `NO_TOKEN` after each string shows where its tokens end.
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
    """The number of each message's turn, from 0; None for a system message.

    A turn is a message of the user and everything up to the user's next message.
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


def _texts(
    messages: Sequence[dict[str, str]], turns: Sequence[int | None], begun: str
) -> list[str]:
    """The prompt in parts, newest first. The first part always stays: the last turn, all system
    messages, and the head of the answer with the text `begun`. Each other part is a turn.

    The tokens of the parts add up, because each message begins and ends with a special token.
    """
    last = max((turn for turn in turns if turn is not None), default=0)
    parts: list[list[str]] = [[] for _ in range(last + 1)]
    for message, turn in zip(messages, turns, strict=True):
        parts[last if turn is None else turn].append(_render(message["role"], message["content"]))
    parts[last].append("<|im_start|>assistant\n" + begun)
    return ["".join(part) for part in reversed(parts)]


def _render(role: str, content: str) -> str:
    """A message as `child.TEMPLATE` renders it."""
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in order, in batches so large that the first one mostly fills the context."""
    batch: list[str] = []
    for text in texts:
        batch.append(text)
        if sum(map(len, batch)) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _steady_cut(lengths: Sequence[int], cut: int) -> int:
    """The number of turns to leave out: `cut`, or a little more, so that it stays the same for
    the next requests of the conversation.

    The model's server reuses its work for the common beginning of two prompts. If the cut moved
    with every turn, the server would process the whole prompt anew for every answer.
    """
    begins = [0, *accumulate(lengths)]
    steady = (
        turn
        for turn in range(cut, len(lengths))
        if turn == 0 or begins[turn] // STEP > begins[turn - 1] // STEP
    )
    return next(steady, cut)


def _gaps(tokens: Sequence[int]) -> list[int]:
    """The number of tokens before each `NO_TOKEN`."""
    ends = [place for place, token in enumerate(tokens) if token == NO_TOKEN]
    return [end - begin - 1 for begin, end in pairwise([-1, *ends])]


def _wanted_tokens(options: dict[str, Any]) -> int:
    wanted = options.get("max_tokens", options.get("max_completion_tokens"))
    return wanted if isinstance(wanted, int) and wanted > 0 else ANSWER


def _too_long(messages: Sequence[dict[str, str]], tokens: int) -> ProviderError:
    system = any(message["role"] == "system" for message in messages)
    what = "Your message and the system prompt are" if system else "Your message is"
    return _context_length(f"{what} about {tokens:,} tokens; this demo model")


def _context_length(what: str) -> ProviderError:
    return ProviderError(
        "context_length",
        f"{what} can take {CONTEXT:,} tokens, its answer included. Please shorten it.",
    )
