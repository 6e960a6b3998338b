"""A relay as Tornado's guide shows it: Tornado's own client, and a write and a flush per token."""

import asyncio
import sys

import orjson
from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.web import Application, RequestHandler

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-none"}


def request(body, tell):
    """The request to the model; `tell` is called with the bytes of an event for each token."""
    rest = b""

    def on_data(data):
        nonlocal rest
        *events, rest = (rest + data).split(b"\n\n")
        for event in events:
            if event == b"data: [DONE]":
                continue
            content = orjson.loads(event[6:])["choices"][0]["delta"].get("content")
            if content:
                tell(b"data: " + orjson.dumps({"content": content}) + b"\n\n")

    return HTTPRequest(
        f"{BASE_URL}/chat/completions",
        method="POST",
        headers=HEADERS,
        body=orjson.dumps({**orjson.loads(body), "stream": True}),
        streaming_callback=on_data,
        request_timeout=0,
    )


class Chat(RequestHandler):
    async def post(self):
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.flush()

        def tell(event):
            self.write(event)
            self.flush()

        await AsyncHTTPClient().fetch(request(self.request.body, tell))


async def main():
    AsyncHTTPClient.configure(None, max_clients=10_000)
    Application([("/chat", Chat)]).listen(PORT, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
