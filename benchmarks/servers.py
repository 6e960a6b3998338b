"""The servers that are compared: our own, and those in `peers/`.

Each is a command that listens on a port and asks the upstream below a base URL.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import BUILD, PEERS_PYTHON, ROOT, Failed, which

PEERS = Path(__file__).resolve().parent / "peers"
QUESTION = "Tell me about streaming."


@dataclass(frozen=True)
class Place:
    """Where a server runs: its port, its upstream, and a folder of its own."""

    port: int
    upstream_port: int
    certificate: Path | None  # the upstream's; None: the upstream speaks plain HTTP
    folder: Path

    @property
    def base_url(self) -> str:
        if self.certificate:
            return f"https://localhost:{self.upstream_port}/v1"
        return f"http://127.0.0.1:{self.upstream_port}/v1"


@dataclass(frozen=True)
class Server:
    """A server, and the request that it takes. `needs` says whether it is installed."""

    title: str
    command: Callable[[Place], list[str]]
    needs: Callable[[], bool] = lambda: True
    path: str = "/chat"

    def body(self, model: str) -> str:
        """The JSON body of a request; the upstream reads in `model` how to answer."""
        if self is OURS:
            return json.dumps({"message": QUESTION, "model": model})
        messages = [{"role": "user", "content": QUESTION}]
        return json.dumps({"model": model, "messages": messages, "stream": True})


def _ours(place: Place) -> list[str]:
    flags = ["--port", str(place.port), "--base-url", place.base_url, "--no-local"]
    data = ["--data-dir", str(place.folder / "data")]
    return [sys.executable, str(ROOT / "main.py"), *flags, *data]


def _python(name: str, python: Path) -> Callable[[Place], list[str]]:
    script = str(PEERS / name)
    return lambda place: [str(python), script, str(place.port), place.base_url]


def _nginx(place: Place) -> list[str]:
    words = {"LISTEN": f"{place.port}", "UPSTREAM": f"{place.upstream_port}", "PATH": "/chat"}
    more = ""
    if place.certificate:
        more = "proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_server_name on;"
        more += f"proxy_ssl_trusted_certificate {place.certificate};"
    return nginx(place.folder, SCHEME="https" if more else "http", MORE=more, **words)


def nginx(folder: Path, **words: str) -> list[str]:
    """The command of an nginx whose configuration has these words in place of @WORD@."""
    folder.mkdir()
    text = (PEERS / "nginx.conf").read_text()
    for word in ("LISTEN", "UPSTREAM", "PATH", "SCHEME", "MORE", "SSL", "CERTIFICATE"):
        text = text.replace(f"@{word}@", words.get(word, ""))
    (folder / "nginx.conf").write_text(text)
    return [which("nginx") or "nginx", "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]


def tls_front(folder: Path, port: int, upstream_port: int, certificate: Path) -> list[str]:
    """The command of an nginx that accepts TLS and passes requests to the upstream."""
    path = "/v1/chat/completions"
    pair = f"ssl_certificate {certificate}; ssl_certificate_key {certificate.with_suffix('.key')};"
    words = {"LISTEN": f"{port}", "UPSTREAM": f"{upstream_port}", "PATH": path, "SCHEME": "http"}
    return nginx(folder / "front", SSL=" ssl sndbuf=32k", CERTIFICATE=pair, **words)


def make_certificate(folder: Path) -> Path:
    """The path of a new self-signed certificate for localhost; its key is beside it."""
    certificate = folder / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "7", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    command += ["-addext", "keyUsage=critical,digitalSignature,keyCertSign"]
    command += ["-keyout", str(certificate.with_suffix(".key")), "-out", str(certificate)]
    try:
        subprocess.run(command, check=True, capture_output=True, timeout=30)
    except (OSError, subprocess.SubprocessError) as error:
        raise Failed(f"openssl made no certificate: {error}") from None
    return certificate


OURS = Server("Tornado Stream", _ours, path="/stream")
#: The same server, asked as a program asks it.
OURS_V1 = Server("Tornado Stream, /v1", _ours, path="/v1/chat/completions")
_peers = (PEERS_PYTHON.parent.parent / "installed").exists
_go = BUILD / "go_relay"
SERVERS = {
    "ours": OURS,
    "nginx": Server("nginx, passing through", _nginx, lambda: which("nginx") is not None),
    "go": Server(
        "Go net/http",
        lambda place: [str(_go), str(place.port), place.base_url],
        _go.exists,
    ),
    "aiohttp": Server("aiohttp", _python("aiohttp_relay.py", PEERS_PYTHON), _peers),
    # Our server is built on Tornado, so these two need nothing more.
    "naive": Server("Tornado as in its guide", _python("naive_tornado.py", Path(sys.executable))),
    "bare": Server("our client and writer alone", _python("bare_relay.py", Path(sys.executable))),
    "httpx": Server("FastAPI + httpx", _python("fastapi_httpx.py", PEERS_PYTHON), _peers),
    "openai": Server("FastAPI + OpenAI SDK", _python("fastapi_openai.py", PEERS_PYTHON), _peers),
}
