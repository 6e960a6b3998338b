"""A TCP proxy, on its own thread, whose connections a test can cut."""

from __future__ import annotations

import socket
import sys
import threading


class CuttableProxy:
    """Passes connections from `url` on to 127.0.0.1:`port`; `cut` resets the open ones. While
    `refusing` is set it refuses new connections; while `mute` is set it drops what the server
    sends. It passes on `most` bytes of what a client sends, and drops the rest."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.accepted = 0
        self.refusing = self.mute = False
        self.most = sys.maxsize
        self._here = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._here}/"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        for pair in self._pairs:
            for sock in pair:
                _shut(sock)
        self._pairs.clear()

    def close(self) -> None:
        self.refusing = True
        _shut(self._listener)
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if self.refusing:
                _shut(client)
                continue
            self.accepted += 1
            server = socket.create_connection(("127.0.0.1", self._port))
            self._pairs.append((client, server))
            for pair in ((client, server), (server, client)):
                threading.Thread(target=self._relay, args=pair, daemon=True).start()

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        to_client = sink.getsockname()[1] == self._here
        passed = 0
        try:
            while data := source.recv(65536):
                if to_client and not self.mute:
                    sink.sendall(data)
                elif not to_client:
                    sink.sendall(data[: max(0, self.most - passed)])
                    passed += len(data)
        except OSError:
            pass
        _shut(source)
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    sock.close()
