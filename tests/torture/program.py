"""A program that asks over `/v1` with OpenAI's client, its own retries and an `Idempotency-Key`.

It runs with the Python of .venv-clients. Standard input has one JSON line for each call:
`{"key", "message", "stream", "keep"}`. For each it prints the line
`{"key", "id", "text", "tries"}`. A stream that breaks is asked for again under the same key, as a
program has to do by itself: the client repeats only what had no answer yet.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from openai import APIConnectionError, APIError, AsyncOpenAI

#: How many calls run at once, and how often a call is repeated in all.
WORKERS, TRIES = 16, 100


async def ask(client: AsyncOpenAI, call: dict[str, Any]) -> tuple[str, str]:
    """The completion's id and text. Raises `APIError` or a transport's error."""
    headers = {"Idempotency-Key": call["key"]}
    if call["keep"]:
        headers["Tornado-Stream-Keep"] = "true"
    asked: dict[str, Any] = {
        "model": "truth",
        "messages": [{"role": "user", "content": call["message"]}],
        "user": call["key"],  # the upstream counts its requests by it
        "extra_headers": headers,
    }
    if not call["stream"]:
        whole = await client.chat.completions.create(**asked)
        assert whole.choices[0].finish_reason == "stop"
        return whole.id, whole.choices[0].message.content or ""
    text, id, finished = "", "", False
    async with await client.chat.completions.create(**asked, stream=True) as stream:
        async for chunk in stream:
            id = chunk.id
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finished = finished or choice.finish_reason == "stop"
    if not finished:
        raise EOFError("the stream ended before the answer")
    return id, text


async def ask_until_answered(client: AsyncOpenAI, call: dict[str, Any]) -> None:
    for tries in range(1, TRIES + 1):
        try:
            id, text = await ask(client, call)
        except (APIConnectionError, EOFError, OSError):
            continue
        except APIError as error:
            raise SystemExit(f"{call['key']}: {error!r} {error.body}") from error
        except Exception as error:
            if type(error).__module__.split(".")[0] not in ("httpx", "httpx2"):
                raise
            continue  # the transport of a stream that broke
        print(json.dumps({"key": call["key"], "id": id, "text": text, "tries": tries}), flush=True)
        return
    raise SystemExit(f"{call['key']}: no answer after {TRIES} tries")


async def main() -> None:
    calls = [json.loads(line) for line in sys.stdin]
    client = AsyncOpenAI(max_retries=20, timeout=60)

    async def work() -> None:
        while calls:
            await ask_until_answered(client, calls.pop())

    await asyncio.gather(*(work() for _ in range(WORKERS)))


if __name__ == "__main__":
    asyncio.run(main())
