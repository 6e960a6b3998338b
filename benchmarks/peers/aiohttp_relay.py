"""A relay with aiohttp as server and as client, on uvloop."""

import sys

import aiohttp
import orjson
import uvloop
from aiohttp import web

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-none"}
SESSION = web.AppKey("session", aiohttp.ClientSession)


async def chat(request):
    asked = orjson.loads(await request.read())
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    body = orjson.dumps({**asked, "stream": True})
    url = f"{BASE_URL}/chat/completions"
    async with request.app[SESSION].post(url, data=body, headers=HEADERS) as upstream:
        async for line in upstream.content:
            if not line.startswith(b"data: ") or line == b"data: [DONE]\n":
                continue
            content = orjson.loads(line[6:])["choices"][0]["delta"].get("content")
            if content:
                await response.write(b"data: " + orjson.dumps({"content": content}) + b"\n\n")
    await response.write_eof()
    return response


async def session(app):
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as app[SESSION]:
        yield


def main():
    app = web.Application()
    app.cleanup_ctx.append(session)
    app.router.add_post("/chat", chat)
    loop = uvloop.new_event_loop()
    web.run_app(
        app, host="127.0.0.1", port=PORT, access_log=None, print=None, backlog=4096, loop=loop
    )


main()
