"""A relay with FastAPI, and OpenAI's SDK as its client, as the SDK's guides show; on uvicorn with
uvloop."""

import sys

import httpx
import orjson
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse
from openai import AsyncOpenAI

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=5000)

app = FastAPI()
http_client = httpx.AsyncClient(timeout=None, limits=LIMITS)
client = AsyncOpenAI(api_key="sk-none", base_url=BASE_URL, http_client=http_client, max_retries=0)


@app.post("/chat")
async def chat(request: Request):
    asked = orjson.loads(await request.body())

    async def answer():
        stream = await client.chat.completions.create(
            model=asked["model"], messages=asked["messages"], stream=True
        )
        async for chunk in stream:
            content = chunk.choices[0].delta.content
            if content:
                yield b"data: " + orjson.dumps({"content": content}) + b"\n\n"

    return StreamingResponse(answer(), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", access_log=False)
