"""The servers that are compared: our own, also as it was before, and those in `peers/`.

Each is a command that listens on a port and asks the upstream below a base URL.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import BUILD, LITELLM_PYTHON, PEERS_PYTHON, ROOT, Failed, which

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
    """A server, and the request that it takes.

    `lacks` says what is missing to run it; "": nothing. `environ` is added to the environment of
    its process. `most_streams`: with more at once it cannot be measured in sensible time; 0: there
    is no such number.
    """

    title: str
    command: Callable[[Place], list[str]]
    lacks: Callable[[], str] = lambda: ""
    path: str = "/chat"
    environ: Mapping[str, str] = field(default_factory=dict)
    most_streams: int = 0

    @property
    def is_ours(self) -> bool:
        return self.path == "/stream"

    def body(self, model: str) -> str:
        """The JSON body of a request; the upstream reads in `model` how to answer."""
        if self.is_ours:
            return json.dumps({"message": QUESTION, "model": model})
        messages = [{"role": "user", "content": QUESTION}]
        return json.dumps({"model": model, "messages": messages, "stream": True})


def _ours(root: Path) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        flags = ["--port", str(place.port), "--base-url", place.base_url, "--no-local"]
        data = ["--data-dir", str(place.folder / "data")]
        return [sys.executable, str(root / "main.py"), *flags, *data]

    return command


def ours_of(root: Path) -> Server:
    """Our server of another checkout, run by the Python that runs this program.

    Raises Failed if there is no checkout in that folder.
    """
    root = root.resolve()
    if not (root / "tornado_stream").is_dir():
        raise Failed(f"{root} is no checkout of this project: it has no folder tornado_stream")
    command = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    title = f"Tornado Stream, {done.stdout.strip() or root.name}"
    return Server(title, _ours(root), path="/stream", environ={"PYTHONPATH": str(root)})


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


def _litellm(place: Place) -> list[str]:
    place.folder.mkdir()
    model = {"model": "openai/*", "api_base": place.base_url, "api_key": "sk-none"}
    config = {
        "model_list": [{"model_name": "*", "litellm_params": model}],
        "litellm_settings": {"telemetry": False},
        "general_settings": {"dangerously_permit_weak_or_unset_master_key": True},
    }
    path = place.folder / "config.yaml"
    path.write_text(json.dumps(config))  # JSON is YAML too
    flags = ["--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1"]
    return [str(LITELLM_PYTHON.parent / "litellm"), "--config", str(path), *flags]


def _installed(python: Path) -> Callable[[], str]:
    """What a server lacks whose packages are in the environment of this Python."""
    stamp = python.parent.parent / "installed"
    return lambda: "" if stamp.exists() else f"{stamp.parent.name} is not installed"


def _built(name: str, why: str) -> tuple[Callable[[Place], list[str]], Callable[[], str]]:
    program = BUILD / name
    return (
        lambda place: [str(program), str(place.port), place.base_url],
        lambda: "" if program.exists() else why,
    )


OURS = Server("Tornado Stream", _ours(ROOT), path="/stream")
#: The name of our server of another checkout, among the servers of a run.
BEFORE = "before"
#: The same server, asked as a program asks it.
OURS_V1 = Server("Tornado Stream, /v1", _ours(ROOT), path="/v1/chat/completions")
_peers = _installed(PEERS_PYTHON)
SERVERS = {
    "ours": OURS,
    "nginx": Server(
        "nginx, passing through", _nginx, lambda: "" if which("nginx") else "nginx is missing"
    ),
    "go": Server("Go net/http", *_built("go_relay", "there is no Go")),
    "fiber": Server("Go Fiber", *_built("fiber_relay", "there is no Go, or no access to modules")),
    "aiohttp": Server("aiohttp", _python("aiohttp_relay.py", PEERS_PYTHON), _peers),
    # Our server is built on Tornado, so these two need nothing more.
    "naive": Server("Tornado as in its guide", _python("naive_tornado.py", Path(sys.executable))),
    "bare": Server("our client and writer alone", _python("bare_relay.py", Path(sys.executable))),
    # These need so long to open a stream that a thousand at once take minutes.
    "httpx": Server(
        "FastAPI + httpx", _python("fastapi_httpx.py", PEERS_PYTHON), _peers, most_streams=500
    ),
    "openai": Server(
        "FastAPI + OpenAI SDK", _python("fastapi_openai.py", PEERS_PYTHON), _peers, most_streams=500
    ),
    "litellm": Server(
        "LiteLLM's proxy",
        _litellm,
        _installed(LITELLM_PYTHON),
        "/v1/chat/completions",
        {"LITELLM_LOG": "ERROR", "LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1"},
        most_streams=20,
    ),
}


def present(servers: Mapping[str, Server]) -> dict[str, Server]:
    """Those of the servers that can run here. Prints why each of the others cannot."""
    found = {}
    for name, server in servers.items():
        if why := server.lacks():
            print(f"{server.title} is left out: {why}.", flush=True)
        else:
            found[name] = server
    return found
