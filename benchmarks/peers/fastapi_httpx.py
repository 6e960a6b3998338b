"""A relay with FastAPI, and httpx as its client; on uvicorn with uvloop and httptools."""

import sys

import httpx
import orjson
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-none"}
LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=5000)

app = FastAPI()
client = httpx.AsyncClient(timeout=None, limits=LIMITS, headers=HEADERS)


@app.post("/chat")
async def chat(request: Request):
    body = orjson.dumps({**orjson.loads(await request.body()), "stream": True})

    async def answer():
        url = f"{BASE_URL}/chat/completions"
        async with client.stream("POST", url, content=body) as upstream:
            async for line in upstream.aiter_lines():
                if not line.startswith("data: ") or line == "data: [DONE]":
                    continue
                content = orjson.loads(line[6:])["choices"][0]["delta"].get("content")
                if content:
                    yield b"data: " + orjson.dumps({"content": content}) + b"\n\n"

    return StreamingResponse(answer(), media_type="text/event-stream")


uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="error", access_log=False)
