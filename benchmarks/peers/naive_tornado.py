"""Tornado as its guide has it: its own client, a write and a flush for each token."""

import asyncio
import sys

import orjson
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import Application, RequestHandler

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-none"}


class Chat(RequestHandler):
    async def post(self):
        asked = orjson.loads(self.request.body)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.flush()
        rest = b""

        def on_data(data):
            nonlocal rest
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                if event == b"data: [DONE]":
                    continue
                content = orjson.loads(event[6:])["choices"][0]["delta"].get("content")
                if content:
                    self.write(b"data: " + orjson.dumps({"content": content}) + b"\n\n")
                    self.flush()

        request = HTTPRequest(
            f"{BASE_URL}/chat/completions",
            method="POST",
            headers=HEADERS,
            body=orjson.dumps({**asked, "stream": True}),
            streaming_callback=on_data,
            request_timeout=0,
        )
        await AsyncHTTPClient().fetch(request)


async def main():
    AsyncHTTPClient.configure(None, max_clients=10_000)
    Application([("/chat", Chat)]).listen(PORT, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
