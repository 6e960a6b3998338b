"""This project's HTTP client and body writer and nothing else, on Tornado: no log, no store, no
numbers, no limits. What the product costs more than this is what its promises cost."""

import asyncio
import sys
from pathlib import Path

import orjson
from tornado.httpclient import HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tornado_stream.handlers.wire import Outbox, Wire
from tornado_stream.http_client import StreamingHTTPClient

PORT, BASE_URL = int(sys.argv[1]), sys.argv[2]
HEADERS = {"Content-Type": "application/json", "Authorization": "Bearer sk-none"}


class Chat(RequestHandler):
    async def post(self):
        asked = orjson.loads(self.request.body)
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        connection = self.request.connection
        connection.stream.set_nodelay(True)
        await self.flush()
        wire = Wire(self.detach(), outbox, lambda: None, lambda: None)
        rest = b""

        def on_data(data):
            nonlocal rest
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                if event == b"data: [DONE]":
                    continue
                content = orjson.loads(event[6:])["choices"][0]["delta"].get("content")
                if content:
                    wire.write(b"data: " + orjson.dumps({"content": content}) + b"\n\n")

        request = HTTPRequest(
            f"{BASE_URL}/chat/completions",
            method="POST",
            headers=HEADERS,
            body=orjson.dumps({**asked, "stream": True}),
            streaming_callback=on_data,
            request_timeout=0,
        )
        await client.fetch(request)
        server.handle_stream(wire.end(), connection.context.address)


async def main():
    global client, outbox, server
    client, outbox = StreamingHTTPClient(force_instance=True), Outbox()
    server = HTTPServer(Application([("/chat", Chat)]))
    server.listen(PORT, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
