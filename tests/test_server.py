"""The process: its start, its one-line errors, its exit. Each test runs `python main.py`."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from client import Client, read_head, until
from deadlines import DEADLINE, at_most
from process import environ
from tornado.iostream import StreamClosedError
from tornado.tcpclient import TCPClient

from tornado_stream.net.addresses import address, bind
from tornado_stream.settings import Settings
from tornado_stream.signals import HANGUP

MAIN = Path(__file__).resolve().parent.parent / "main.py"


class Server:
    """`python main.py` as a child, with a data directory of the test's own."""

    def __init__(self, tmp_path: Path, *arguments: str, **variables: str) -> None:
        self.log = tmp_path / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(MAIN), "--data-dir", str(tmp_path), *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=tmp_path,
                env=environ(**variables),
            )

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def started(self) -> Client:
        line = self.process.stdout.readline()
        port = re.search(r"http://localhost:(\d+)/", line)
        assert port, (line, self.log.read_text())
        return Client(int(port[1]))

    async def exit_status(self) -> int:
        await until(lambda: self.process.poll() is not None, what="it has not exited")
        assert "Traceback" not in self.log.read_text()
        return self.process.returncode


@pytest.fixture
def start(tmp_path, upstream):
    servers: list[Server] = []

    def begin(*arguments: str) -> Server:
        server = Server(tmp_path, "--port", "0", "--base-url", upstream.url, *arguments)
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.close()


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(MAIN), *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environ(**variables),
    )


@pytest.mark.parametrize(
    ("arguments", "environ", "says"),
    [
        (["--prot", "1"], {}, "did you mean --port?"),
        (["--port", "x"], {}, "--port cannot be 'x'"),
        ([], {"TORNADO_STREAM_IDLE_TIMEOUT": "soon"}, "TORNADO_STREAM_IDLE_TIMEOUT cannot be"),
        (["--host", "0.0.0.0", "--port", "0"], {}, "TORNADO_STREAM_PASSWORD, or --set-password"),
        (["--host", "::", "--port", "0"], {"TORNADO_STREAM_NO_LOCAL": "1"}, "--allow-anyone"),
        (["--host", "192.0.2.1"], {}, "cannot listen on 192.0.2.1"),
        (["--host", "no-such-host.invalid"], {}, "cannot listen on no-such-host.invalid"),
    ],
)
def test_what_is_wrong_is_one_line_and_status_2(tmp_path, arguments, environ, says):
    done = run(*arguments, TORNADO_STREAM_DATA_DIR=str(tmp_path), **environ)
    assert done.returncode == 2
    assert done.stdout == "" and done.stderr.count("\n") == 1
    assert says in done.stderr


def test_a_port_that_is_taken_names_the_next_command(tmp_path):
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        done = run("--no-local", "--port", str(port), "--data-dir", str(tmp_path))
    assert done.returncode == 2 and f"port {port} is taken" in done.stderr
    command = done.stderr.strip().splitlines()[-1].strip()
    free = int(re.search(r"--port (\d+)$", command)[1])
    assert free > port and f"--no-local --data-dir {tmp_path}" in command
    assert str(MAIN) in command and str(port) not in command.replace(str(tmp_path), "").split()


@pytest.mark.skipif(not shutil.which("make"), reason="make is not installed")
def test_started_by_make_a_taken_port_names_the_next_make(tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    directory = str(tmp_path / "it's $5")

    def run_python(does: str) -> None:
        python.write_text(f"#!/bin/sh\n{does}\n")
        python.chmod(0o700)
        (tmp_path / "venv" / "run.stamp").touch()

    def make(command: str) -> subprocess.CompletedProcess[str]:
        variables = environ(VENV=str(tmp_path / "venv"))
        return subprocess.run(
            command, shell=True, cwd=MAIN.parent, env=variables, capture_output=True, text=True
        )

    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        arguments = ["--port", str(sock.getsockname()[1]), "--data-dir", directory]
        given = shlex.quote(shlex.join(arguments).replace("$", "$$"))
        run_python(f'exec {shlex.quote(sys.executable)} "$@"')
        hint = make(f"make -s run ARGS={given}").stderr.splitlines()[1].strip()
    assert hint.startswith("make run ARGS=")
    run_python('printf "%s\\n" "$@"')
    main, *words, flag, port = make(hint).stdout.splitlines()
    assert [main, *words, flag] == ["main.py", "--data-dir", directory, "--port"]
    assert int(port) > int(arguments[1])


@pytest.mark.gen_test
async def test_it_starts_prints_its_address_and_stops(start, tmp_path, upstream):
    server = start()
    chat = server.started()
    assert server.process.stdout.readline() == (
        f"Models: {upstream.url} (OPENAI_BASE_URL); the default is the first that it lists\n"
    )
    assert server.process.stdout.readline() == f"Data: {tmp_path}\n"
    assert (await chat.request("GET", "/readyz")).status == 200
    server.process.send_signal(signal.SIGINT)
    assert await server.exit_status() == 0


@pytest.mark.gen_test
async def test_a_request_that_is_being_served_gets_its_response_before_the_end(tmp_path):
    asked, told = asyncio.Event(), asyncio.Event()

    async def list_models(reader, writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.set()
        await told.wait()
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"data":[{"id":"abc"}]}')
        await writer.drain()
        writer.close()

    upstream = await asyncio.start_server(list_models, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{upstream.sockets[0].getsockname()[1]}/v1"
    server = Server(tmp_path, "--port", "0", "--base-url", url)
    chat = server.started()
    request = asyncio.ensure_future(chat.request("GET", "/v1/models"))
    await asked.wait()
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(StreamClosedError):
        while True:
            (await chat.connect()).close()
    await asyncio.sleep(0.03)  # longer than a server needs that does not wait
    told.set()
    response = await request
    assert (response.status, response.json()["data"][0]["id"]) == (200, "abc")
    assert await server.exit_status() == 0
    server.close()
    upstream.close()


@pytest.mark.gen_test
async def test_20_running_answers_are_let_finish(start, upstream):
    server = start("--drain-timeout", "60")
    chat = server.started()
    streams = [await chat.send(model="count=30;hold") for _ in range(20)]
    ids = [(await stream.until("start")).data["generation_id"] for stream in streams]
    server.process.send_signal(signal.SIGTERM)
    await until_draining(chat)
    # While draining, no answer begins, but resume, health and stop work.
    refused = await chat.request("POST", "/stream", {"message": "hi"})
    assert (refused.status, refused.json()["error"]["code"]) == (503, "draining")
    assert (await chat.request("GET", "/healthz")).status == 200
    resumed = asyncio.ensure_future(chat.resume(ids[0], 1))
    assert (await chat.stop(ids[1])).json()["state"] == "stopped"
    upstream.released.set()
    answers = await asyncio.gather(*(stream.read() for stream in streams))
    assert [a.end["state"] for a in answers] == ["done", "stopped"] + ["done"] * 18
    whole = "".join(f"t{n} " for n in range(30))
    assert all(a.text == whole for a in answers[2:])
    assert (await resumed).text == whole
    assert await server.exit_status() == 0


@pytest.mark.parametrize(
    ("arguments", "file", "says"),
    [
        (
            ["--no-local"],
            "",
            "Models: none. The local model cannot run: it is switched off (--no-local). To use",
        ),
        (
            [],
            """
[upstream.desk]
base_url = "http://name:secret@127.0.0.1:9/v1?key=secret"
models = ["one", "two"]
[upstream.cloud]
preset = "openai"
key_env = "KEY"
""",
            "http://127.0.0.1:9/v1 (tornado-stream.toml), OpenAI (tornado-stream.toml); "
            "the default is one",
        ),
        (["--base-url", "http://127.0.0.1:9/v1", "--model", "mine"], "", "; the default is mine"),
    ],
)
def test_it_says_which_models_answer(tmp_path, arguments, file, says):
    if file:
        (tmp_path / "tornado-stream.toml").write_text(file)
    server = Server(tmp_path, "--port", "0", "--no-discovery", *arguments, KEY="sk-secret")
    try:
        server.started()
        line = server.process.stdout.readline()
        assert line.startswith("Models: ") and says in line and "secret" not in line
    finally:
        server.close()


needs_hangup = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="Windows has no SIGHUP")


@contextmanager
def hangups(action: signal.Handlers) -> Iterator[None]:
    """What a process that is started within the block does at a SIGHUP, however the tests
    themselves were started."""
    before = signal.signal(signal.SIGHUP, action)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


async def hang_up_during(start, script: str):
    """Start a server, ask it, and send it SIGHUP within the answer."""
    with hangups(signal.SIG_DFL):
        server = start("--drain-timeout", "60")
    chat = server.started()
    stream = await chat.send(model=script)
    await stream.until("delta")
    server.process.send_signal(signal.SIGHUP)
    return server, chat, stream


@needs_hangup
@pytest.mark.gen_test
async def test_a_hangup_lets_running_answers_finish(start, upstream):
    server, chat, stream = await hang_up_during(start, "count=3;hold")
    await asyncio.sleep(0.05)
    server.process.send_signal(signal.SIGHUP)  # a shell that ends sends another one
    await until_draining(chat)
    upstream.released.set()
    answer = await stream.read()
    assert (answer.end["state"], answer.text) == ("done", "t0 t1 t2 ")
    assert await server.exit_status() == 0


@needs_hangup
@pytest.mark.gen_test
async def test_a_second_hangup_hurries(start):
    server, chat, stream = await hang_up_during(start, "say=a;stall")
    await until_draining(chat)
    await asyncio.sleep(HANGUP + 0.2)
    server.process.send_signal(signal.SIGHUP)
    assert (await stream.read()).end["state"] == "interrupted"
    assert await server.exit_status() == 128 + signal.SIGHUP


@needs_hangup
@pytest.mark.gen_test
async def test_a_hangup_that_was_ignored_stays_ignored(start, upstream):
    """As `nohup` starts it."""
    with hangups(signal.SIG_IGN):
        server = start()
    chat = server.started()
    stream = await chat.send(model="say=a;hold")
    await stream.until("delta")
    server.process.send_signal(signal.SIGHUP)
    await asyncio.sleep(0.3)
    assert (await chat.request("GET", "/readyz")).status == 200
    upstream.released.set()
    assert (await stream.read()).end["state"] == "done"
    server.process.send_signal(signal.SIGTERM)
    assert await server.exit_status() == 0


def start_in_terminal(tmp_path: Path, url: str) -> tuple[int, subprocess.Popen[bytes]]:
    """The server as a process whose terminal is ours, as a descriptor."""
    ours, theirs = os.openpty()
    code = "import fcntl, runpy, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
    code += f"sys.argv = sys.argv[1:]; runpy.run_path({str(MAIN)!r}, run_name='__main__')"
    command = [sys.executable, "-c", code, str(MAIN), "--port", "0", "--data-dir", str(tmp_path)]
    with hangups(signal.SIG_DFL):
        process = subprocess.Popen(
            [*command, "--base-url", url],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=MAIN.parent,
            env=environ(),
            start_new_session=True,
        )
    os.close(theirs)
    return ours, process


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="this system has no terminals")
@pytest.mark.gen_test
async def test_a_closed_terminal_lets_running_answers_finish(tmp_path, upstream):
    """Standard output and error are gone too."""
    ours, process = start_in_terminal(tmp_path, upstream.url)
    try:
        shown = b""
        while not (port := re.search(rb"http://localhost:(\d+)/", shown)):
            loop = asyncio.get_running_loop()
            shown += await loop.run_in_executor(None, os.read, ours, 1000)
        chat = Client(int(port[1]))
        stream = await chat.send(model="say=a;hold")
        await stream.until("delta")
        os.close(ours)
        await until_draining(chat)
        upstream.released.set()
        assert (await stream.read()).end["state"] == "done"
        await until(lambda: process.poll() is not None, what="it has not exited")
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


@pytest.mark.gen_test
async def test_endless_answers_are_interrupted_with_an_end(start):
    server = start("--drain-timeout", "0.5")
    chat = server.started()
    scripts = ["gap=0.01;count=100000", "say=a;stall", "nohead=600", "gap=0.001;count=100000"]
    streams = [await chat.send(model=scripts[n % 4]) for n in range(20)]
    for stream in streams:
        await stream.until("start")
    idle = await chat.connect()
    server.process.send_signal(signal.SIGTERM)
    answers = await asyncio.gather(*(stream.read() for stream in streams))
    assert {a.end["state"] for a in answers} == {"interrupted"}
    assert all(a.events[-1].name == "end" for a in answers)
    assert await server.exit_status() == 0
    idle.close()


@pytest.mark.timed
@pytest.mark.gen_test
async def test_a_second_signal_ends_it_at_once(start):
    server = start("--drain-timeout", "60")
    chat = server.started()
    streams = [await chat.send(model="say=a;stall") for _ in range(3)]
    for stream in streams:
        await stream.until("delta")
    server.process.send_signal(signal.SIGTERM)
    await until_draining(chat)
    began = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    answers = await asyncio.gather(*(stream.read() for stream in streams))
    assert {a.end["state"] for a in answers} == {"interrupted"}
    assert await server.exit_status() == 128 + signal.SIGTERM
    assert time.monotonic() - began < at_most(1)


@pytest.mark.gen_test
async def test_a_reader_that_reads_nothing_does_not_hold_it_up(start):
    server = start("--drain-timeout", "1")
    chat = server.started()
    stream = await chat.send(model="fill=2000x4000")
    await stream.until("start")
    server.process.send_signal(signal.SIGTERM)
    assert await server.exit_status() == 0
    stream.close()


@pytest.mark.gen_test
async def test_it_starts_without_a_model_and_says_what_to_set(tmp_path):
    server = Server(tmp_path, "--port", "0", "--no-local")
    chat = server.started()
    models = (await chat.request("GET", "/api/models")).json()["models"]
    assert models[0]["state"] == "failed" and "OPENAI_API_KEY" in models[0]["detail"]
    answer = await chat.ask("hi")
    assert answer.end["state"] == "error" and "OPENAI_API_KEY" in answer.end["error"]["message"]
    server.process.send_signal(signal.SIGTERM)
    assert await server.exit_status() == 0
    server.close()


@pytest.mark.parametrize(
    ("arguments", "environ", "status"),
    [
        (["--host", "0.0.0.0"], {"TORNADO_STREAM_PASSWORD": "secret"}, 401),
        (["--host", "0.0.0.0", "--allow-anyone"], {}, 200),
        (["--host", "127.0.0.2"], {}, 200),
    ],
)
@pytest.mark.gen_test
async def test_an_exposed_server_needs_a_login_or_the_flag(tmp_path, arguments, environ, status):
    server = Server(tmp_path, "--port", "0", "--no-local", *arguments, **environ)
    line = server.process.stdout.readline()
    client = Client(int(re.search(r":(\d+)/", line)[1]))
    address = "127.0.0.2" if "127.0.0.2" in arguments else "127.0.0.1"
    stream = await TCPClient().connect(address, client.port)
    await stream.write(client.encode("GET", "/api/models", None, {"Host": "127.0.0.2"}))
    assert (await read_head(stream)).status == status
    stream.close()
    server.process.send_signal(signal.SIGTERM)
    assert await server.exit_status() == 0
    assert ("anyone who reaches" in server.log.read_text()) == ("--allow-anyone" in arguments)
    server.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(
    ("host", "url", "addresses"),
    [
        ("::", r"http://localhost:\d+/ \(all addresses, IPv4 and IPv6\)", ("127.0.0.1", "::1")),
        ("0:0::0", r"http://localhost:\d+/ \(all addresses, IPv4 and IPv6\)", ("127.0.0.3",)),
        ("::1", r"http://\[::1\]:\d+/", ("::1",)),
        ("localhost", r"http://localhost:\d+/", ("127.0.0.1",)),
    ],
)
@pytest.mark.gen_test
async def test_it_listens_where_the_banner_says(tmp_path, host, url, addresses):
    server = Server(tmp_path, "--port", "0", "--no-local", "--host", host, "--allow-anyone")
    line = server.process.stdout.readline()
    assert re.fullmatch(f"Tornado Stream is at {url}\n", line)
    client = Client(int(re.search(r":(\d+)/", line)[1]))
    for one in addresses:
        stream = await TCPClient().connect(one, client.port)
        name = f"[{one}]" if ":" in one else one
        await stream.write(client.encode("GET", "/api/models", None, {"Host": name}))
        assert (await read_head(stream)).status == 200
        stream.close()
    server.process.send_signal(signal.SIGTERM)
    assert await server.exit_status() == 0
    log = server.log.read_text()
    assert "::ffff:" not in log
    server.close()


def test_without_ipv6_all_addresses_are_those_of_ipv4(monkeypatch):
    class OnlyIPv4(socket.socket):
        def __init__(self, family=socket.AF_INET, *rest):
            if family == socket.AF_INET6:
                raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
            super().__init__(family, *rest)

    monkeypatch.setattr(socket, "socket", OnlyIPv4)
    settings = Settings(host="::", port=0)
    sockets = bind(settings)
    assert [sock.family for sock in sockets] == [socket.AF_INET]
    assert address(settings, sockets).endswith("/ (all addresses, IPv4)")
    for sock in sockets:
        sock.close()


async def until_draining(chat: Client) -> None:
    due = time.monotonic() + DEADLINE
    while (await chat.request("GET", "/readyz")).status != 503:
        assert time.monotonic() < due
        await asyncio.sleep(0.01)


LARGE_PIECES = """
import sys
from pathlib import Path
from tornado_stream.server import _return_memory

def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

if sys.argv[1] == "set":
    _return_memory()
large = b"x" * (16 << 20)
del large  # from here on glibc does not return blocks of this size
before, pieces = resident(), []
for _ in range(20):
    pieces += [b"x" * (1 << 20), b"x" * 2000]
del pieces[::2]  # frees the large ones; small ones remain between them
print(resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is tested")
def test_large_blocks_are_returned_to_the_system():
    resident = {}
    for mode in ("unset", "set"):
        command = [sys.executable, "-c", LARGE_PIECES, mode]
        root = MAIN.parent
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
        resident[mode] = int(done.stdout)
    if resident["unset"] < 10_000:
        pytest.skip("this C library returns large blocks by itself")
    assert resident["set"] < 1000
