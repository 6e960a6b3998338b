"""A relay of this project's HTTP client and body writer alone, on Tornado: it has no log, no store,
no event numbers and no limits. The difference to the product is the price of these."""

import asyncio
import sys
from pathlib import Path

from naive_tornado import PORT, request
from tornado.httpserver import HTTPServer
from tornado.web import Application, RequestHandler

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tornado_stream.net.http_client import StreamingHTTPClient
from tornado_stream.net.streamed_body import ChunkedBody, SendBatch


class Chat(RequestHandler):
    async def post(self):
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        connection = self.request.connection
        connection.stream.set_nodelay(True)
        await self.flush()
        body = ChunkedBody(self.detach(), b"", send_batch, lambda: None, lambda: None)
        sent = request(self.request.body, body.write)
        await client.stream(sent, lambda status, headers: sent.streaming_callback).done
        server.handle_stream(body.end(), connection.context.address)


async def main():
    global client, send_batch, server
    client, send_batch = StreamingHTTPClient(force_instance=True), SendBatch()
    server = HTTPServer(Application([("/chat", Chat)]))
    server.listen(PORT, "127.0.0.1", backlog=4096)
    await asyncio.Event().wait()


asyncio.run(main())
