"""This project's HTTP client and body writer and nothing else, on Tornado: no log, no store, no
numbers, no limits. What the product costs more than this is what its promises cost."""

import asyncio
import sys
from pathlib import Path

from naive_tornado import PORT, request
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tornado_stream.net.http_client import StreamingHTTPClient
from tornado_stream.net.streamed_body import Outbox, Wire


class Chat(RequestHandler):
    async def post(self):
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        connection = self.request.connection
        connection.stream.set_nodelay(True)
        await self.flush()
        wire = Wire(self.detach(), outbox, lambda: None, lambda: None)
        await client.fetch(request(self.request.body, wire.write))
        server.handle_stream(wire.end(), connection.context.address)


async def main():
    global client, outbox, server
    client, outbox = StreamingHTTPClient(force_instance=True), Outbox()
    server = HTTPServer(Application([("/chat", Chat)]))
    server.listen(PORT, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
