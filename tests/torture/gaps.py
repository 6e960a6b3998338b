"""Reads an answer, and prints the seconds between its events: a process of its own, so that what
the test does meanwhile delays no reading. Arguments: the port, and a model that begins to stream.
It ends when its stdin is closed."""

from __future__ import annotations

import json
import socket
import sys
import threading
import time


def main() -> None:
    port, model = int(sys.argv[1]), sys.argv[2]
    body = json.dumps({"message": "a", "model": model}).encode()
    head = (
        f"POST /stream HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(head.encode() + body)
    gaps: list[float] = []

    def stop() -> None:
        sys.stdin.read()
        print(json.dumps(gaps[10:]), flush=True)  # the first events wait for each other
        sock.shutdown(socket.SHUT_RDWR)

    threading.Thread(target=stop, daemon=True).start()
    last = 0.0
    while data := sock.recv(65_536):
        now = time.monotonic()
        if last and b"event: delta" in data:
            gaps.append(now - last)
        last = now


if __name__ == "__main__":
    main()
