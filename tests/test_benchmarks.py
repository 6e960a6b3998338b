"""The benchmarks: their client notices every damaged answer, and their reports are correct."""

from __future__ import annotations

import asyncio
import http.client
import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import plot, report
from benchmarks.capacity import MIB, measure
from benchmarks.machine import ROOT
from benchmarks.relay import servers_for

compiled = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs Linux and a C compiler"
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in ("load", "upstream"):
        source = ROOT / "benchmarks" / f"{name}.c"
        command = ["cc", "-o", str(folder / name), str(source)]
        subprocess.run(command, check=True)
    return folder


def event(number: int, last: bool = False, stream: int = 0) -> bytes:
    marker = f"@{stream:04x}{number:06x}{last:x}{12345:014x}"
    return f'data: {{"content": "word{marker}"}}\n\n'.encode()


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def load(programs: Path, port: int, *flags: str) -> tuple[int, dict[str, float]]:
    command = [str(programs / "load"), "-p", str(port), "-P", "/chat", "-t", "20", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout)


def load_from(programs: Path, response: list[bytes]) -> tuple[int, dict[str, float]]:
    """The client's result for a server that sends these pieces and closes."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(65536)
            for piece in response:
                connection.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        found = load(programs, listener.getsockname()[1])
        thread.join()
        return found


FIRST, SECOND, LAST = event(0), event(1), event(2, last=True)
WHOLE = CHUNKED + chunks(FIRST, SECOND, LAST) + b"0\r\n\r\n"


@compiled
@pytest.mark.parametrize(
    "response",
    [
        [WHOLE],
        [WHOLE[at : at + 1] for at in range(len(WHOLE))],
        [CHUNKED + chunks(FIRST + SECOND[:40], SECOND[40:] + LAST) + b"0\r\n\r\n"],
        [HEAD + b"Connection: close\r\n\r\n" + FIRST + SECOND + LAST],
        [HEAD + b"Content-Length: %d\r\n\r\n" % len(LAST) + event(0, last=True)],
    ],
    ids=["at once", "byte by byte", "cut elsewhere", "until close", "of one length"],
)
def test_the_client_accepts_whole_answers(programs, response):
    status, found = load_from(programs, response)
    assert (status, found["whole"], found["damaged"]) == (0, 1, 0)


@compiled
@pytest.mark.parametrize(
    ("events", "lost", "again"),
    [
        ([FIRST, LAST], 1, 0),
        ([FIRST, SECOND, SECOND, LAST], 0, 1),
        ([SECOND, FIRST, LAST], 1, 1),
        ([FIRST, SECOND, LAST, LAST], 0, 1),
        ([FIRST, SECOND], 0, 0),
        ([FIRST, SECOND.replace(b"@00", b"@0-"), LAST], 1, 0),
    ],
    ids=["lost", "doubled", "reordered", "doubled end", "no end", "spoilt"],
)
def test_the_client_notices_wrong_tokens(programs, events, lost, again):
    status, found = load_from(programs, [CHUNKED + chunks(*events) + b"0\r\n\r\n"])
    assert (status, found["whole"], found["damaged"]) == (1, 0, 1)
    assert (found["lost"], found["again"]) == (lost, again)


@compiled
@pytest.mark.parametrize(
    "response",
    [WHOLE[:-5], WHOLE[:-30], b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", b"", CHUNKED + b"x"],
    ids=["no last chunk", "half a chunk", "an error", "nothing", "no size"],
)
def test_the_client_notices_a_cut_off_answer(programs, response):
    status, found = load_from(programs, [response])
    assert (status, found["whole"], found["damaged"]) == (1, 0, 1)


@contextmanager
def upstream(programs: Path) -> Iterator[int]:
    command = [str(programs / "upstream"), "0", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


@compiled
@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("lockstep-0", ["-l", "-m", "0.05", "-w", "0.05"]),
        ("backlog-0", ["-m", "0.05", "-w", "0.05"]),
        ("paced-100", ["-m", "0.1", "-w", "0.05"]),
        ("lockstep-0", ["-l", "-i", "0.05"]),
        ("lockstep-2", ["-l", "-g", "5"]),
    ],
    ids=["lockstep", "backlog", "paced", "idle", "first"],
)
def test_upstream_and_client_agree(programs, model, flags):
    with upstream(programs) as port:
        flags = [*flags, "-n", "5", "-u", str(port), "-b", json.dumps({"model": model})]
        for _ in (1, 2):
            status, found = load(programs, port, *flags)
            assert (status, found["whole"]) == (0, 5)
        assert found["all_tokens"] >= 5


@compiled
def test_the_upstream_sends_what_a_model_sends(programs):
    with upstream(programs) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        for count in (30, 2):  # on one connection
            connection.request("POST", "/v1/chat/completions", f'{{"model": "backlog-{count}"}}')
            text = connection.getresponse().read().decode()
            *events, done, rest = text.split("\n\n")
            assert (done, rest) == ("data: [DONE]", "")
            choices = [json.loads(one.removeprefix("data: "))["choices"][0] for one in events]
            contents = [content for one in choices if (content := one["delta"].get("content"))]
            assert len(contents) == count
            numbers = [int(content.rpartition("@")[2][4:10], 16) for content in contents]
            assert numbers == list(range(count))
            assert choices[-1]["finish_reason"] == "stop"
            assert all(300 <= len(one.encode()) <= 360 for one in events[1:-1])
        connection.close()


# ---- reports ----

ROUNDS = [
    {"ours": {"us": 10.0}, "naive": {"us": 40.0}, "go": {"us": 11.0}},
    {"ours": {"us": 20.0}, "naive": {"us": 60.0}},
    {"naive": {"us": 500.0}, "go": {"us": 30.0}},
    {"ours": {"us": 12.0}, "naive": {"us": 60.0}, "go": {"us": 9.0}},
]


def test_figures_are_medians_with_their_range():
    assert report.figure(ROUNDS, "ours", "us") == report.Spread(12, 10, 20)
    assert str(report.figure(ROUNDS, "naive", "us")) == "60 (40–500)"
    assert report.figure(ROUNDS, "nginx", "us") is None


def test_ratios_are_taken_within_a_round():
    assert report.ratio(ROUNDS, "naive", "us") == report.Spread(4, 3, 5)
    assert report.ratio(ROUNDS, "go", "us") == report.Spread(0.925, 0.75, 1.1)
    assert report.ratio(ROUNDS[2:3], "naive", "us") is None


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.123, "0.12"), (7, "7"), (9.96, "9.96"), (12.34, "12.3"), (54321.6, "54,322")],
)
def test_numbers(value, text):
    assert report.number(value) == text


def test_a_table_is_sorted_by_its_figure():
    lines = report.table("lockstep", ROUNDS).splitlines()
    assert [line.split("|")[1].strip() for line in lines[2:]] == [
        "Go net/http",
        "**Tornado Stream**",
        "Tornado as in its guide",
    ]
    assert lines[-1].endswith("| 4 (3–5) |")


def test_titles_describe_the_workload():
    assert report.title("paced") == "100 streams of 30 tokens a second"
    assert report.title("paced:800:50+tls") == "800 streams of 50 tokens a second, TLS to the model"
    assert report.title("lockstep:1000") == "One token, 1000 streams"


def test_a_report_states_the_noise():
    rounds = [{"ours": {"strangers": n}, "go": {"strangers": n + 1}} for n in (1, 2, 40)]
    assert "2 % of a core in the median run, 41 % in the worst" in report.noise(rounds)
    assert report.noise(ROUNDS) == "4 rounds."


def test_servers_for_each_workload():
    names = ["ours", "go", "openai"]
    assert list(servers_for("readers", names)) == ["ours"]
    assert list(servers_for("growth", names)) == ["ours", "go"]
    assert servers_for("paced", names)["none"] is None


def test_bars_show_their_values():
    picture = plot.bars("A < b", [plot.Bar("one", 10, 8, 12, "10", True)])
    assert "A &lt; b" in picture and "prefers-color-scheme: dark" in picture
    assert "bar ours" in picture


def test_the_document_shows_the_recorded_figures():
    kept = report.read()
    text = report.PAGE.read_text(encoding="utf-8")
    assert text == report.page(text, kept), "run `make bench ARGS=--record`"
    assert report.PLOT.read_text(encoding="utf-8") == report.picture(kept)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_many_streams_and_many_idle_connections():
    found = asyncio.run(measure(streams=50, idle=300, rate=5, seconds=1))
    assert found.streaming == 50
    assert found.rss < 150 * MIB and found.lag_p99 < 10 * 50
