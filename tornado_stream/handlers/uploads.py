"""Requests whose body is a file.

The rule: a body goes to the disk as it arrives. Its length is compared before its first byte, so a
file that is too large gets an answer and not a reset.
"""

from __future__ import annotations

from typing import Any, cast

from tornado.http1connection import HTTP1Connection
from tornado.web import HTTPError, stream_request_body

from tornado_stream.files.upload import Upload
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.values.errors import ChatError, InvalidRequest


@stream_request_body
class UploadHandler(BaseHandler):
    """A route to which POST uploads a file. Give `upload` to the service that keeps the bytes."""

    streams_body = True
    _upload: Upload | None = None
    _refused: ChatError | None = None

    def begin_upload(self, size: int) -> Upload:
        """Begin to receive so many bytes. Raises `ChatError` to refuse them."""
        raise NotImplementedError

    @property
    def upload(self) -> Upload:
        """What was uploaded. Raises what `begin_upload` raised."""
        if self._refused:  # the body was thrown away: a client that still sends reads no answer
            raise self._refused
        assert self._upload
        return self._upload

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "POST":
            size = self._size()
            # Above its limit, Tornado would close the connection without an answer.
            cast(HTTP1Connection, self.request.connection).set_max_body_size(size)
            try:
                self._upload = self.begin_upload(size)
            except ChatError as error:
                if "Expect" in self.request.headers:
                    raise  # the client waits with the body until it is asked for it
                self._refused = error.with_traceback(None)

    def data_received(self, chunk: bytes) -> Any:
        return self._upload.write(chunk) if self._upload else None

    def on_connection_close(self) -> None:
        super().on_connection_close()  # else the request would wait for its body for ever
        if self._upload and self.request._body_future.exception():
            self._upload.end()

    def _check_body(self) -> None:
        """The body is the file, and not JSON."""
        if self.request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
            super()._check_body()

    def _size(self) -> int:
        if "Content-Length" not in self.request.headers:
            raise HTTPError(411)
        if not (size := int(self.request.headers["Content-Length"])):
            raise InvalidRequest("The body is empty: it must be the bytes of the file.")
        return size
