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

from benchmarks import plot, report, scale_model, stage, workloads
from benchmarks.capacity import MIB, measure
from benchmarks.machine import ROOT, Failed
from benchmarks.servers import SERVERS, Place, Server, ours_of, present
from benchmarks.workloads import calm_run, servers_for

compiled = pytest.mark.skipif(
    shutil.which("cc") is None or sys.platform != "linux", reason="needs Linux and a C compiler"
)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in ("load", "upstream", "prices"):
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
        ("lockstep-3", ["-l", "-e", "1"]),
        ("lockstep-0", ["-l", "-f"]),
    ],
    ids=["lockstep", "backlog", "paced", "idle", "first", "answers", "opening"],
)
def test_upstream_and_client_agree(programs, model, flags):
    with upstream(programs) as port:
        flags = [*flags, "-n", "5", "-u", str(port), "-b", json.dumps({"model": model})]
        for _ in (1, 2):
            status, found = load(programs, port, *flags)
            assert (status, found["whole"]) == (0, 5)
        assert found["all_tokens"] >= 5


@compiled
def test_a_burst_is_measured_until_its_last_first_token(programs):
    with upstream(programs) as port:
        flags = ["-l", "-f", "-n", "20", "-u", str(port), "-b", '{"model": "lockstep-0"}']
        status, found = load(programs, port, *flags)
    assert (status, found["whole"], found["all_tokens"]) == (0, 20, 40)
    assert found["tokens"] == 20  # no stream has had its second one
    assert 0 < found["first_p50_ms"] <= found["first_last_ms"] <= 1000 * found["seconds"]


@compiled
def test_the_upstream_says_that_it_numbers_streams_anew(programs):
    """A client that did not wait for it could ask for a stream that is numbered before."""
    with upstream(programs) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as control:
            control.sendall(b"CTRL")
            assert control.recv(100) == b"\0"


@compiled
def test_prices_of_calls(programs):
    done = subprocess.run([programs / "prices"], capture_output=True, timeout=60, check=True)
    found = json.loads(done.stdout)
    assert found.keys() == report.PRICES.keys() - {"python_call"}
    assert all(price > 0 for price in found.values())


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


@compiled
@pytest.mark.parametrize("name", ["ours", "naive", "bare"])
def test_servers_that_need_nothing_more_are_measured(programs, monkeypatch, name):
    """Each passes on whole streams, so that a change of ours does not break its peers unseen."""
    monkeypatch.setattr(stage, "BUILD", programs)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = workloads.run("whole:3", SERVERS[name], 0.1, tls=False)
    assert found["us"] > 0 and 0 < found["p50_ms"] <= found["last_ms"]


@compiled
def test_openings_and_answers_are_measured(programs, monkeypatch):
    monkeypatch.setattr(stage, "BUILD", programs)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opening = workloads.run("opening:5", SERVERS["ours"], 0.1, tls=False)
    assert 0 < opening["p50_ms"] <= opening["last_ms"] and "last_1000_ms" not in opening
    answers = workloads.run("answers:5:2", SERVERS["ours"], 0.1, tls=False)
    assert answers.keys() == {"ms_2", "strangers"} and answers["ms_2"] > 0


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


def test_figures_that_no_server_has_make_no_column():
    head, *_ = report.table("lockstep", ROUNDS).splitlines()
    assert head == "|  | CPU µs per token | times ours |"


def test_a_table_names_another_checkout():
    rounds = [{"ours": {"us": 10.0}, "before": {"us": 20.0}}]
    text = report.table("lockstep", rounds, report.TITLE_OF | {"before": "As it was"})
    assert "| As it was | 20 | 2 |" in text


def test_the_page_tells_what_a_system_call_costs():
    kept = {"machine": {"processor": "x", "system": "y", "prices": {"getpid": 140.0}}, "works": {}}
    kept["works"]["start"] = {"date": "2026-01-01", "rounds": [{"ours": {"ms": 200}}]}
    text = report.page("<!-- figures -->\n<!-- /figures -->", kept)
    assert "There, a system call that does nothing costs 140 ns." in text


def test_servers_for_each_workload():
    servers = {name: SERVERS[name] for name in ("ours", "go", "openai", "litellm")}
    servers["before"] = ours_of(ROOT)
    assert list(servers_for("readers", servers)) == ["ours", "before"]
    assert list(servers_for("growth", servers)) == ["ours", "go", "before"]
    assert list(servers_for("lockstep", servers)) == ["ours", "go", "openai", "before"]
    assert list(servers_for("lockstep:20", servers)) == list(servers)
    assert servers_for("first", servers).keys() == {*servers, "none"}
    assert servers_for("paced", servers)["none"] is None


def test_another_checkout_runs_its_own_code(tmp_path):
    """It is asked as our server is, and Python finds its package before the installed one."""
    (tmp_path / "tornado_stream").mkdir()
    (tmp_path / "tornado_stream" / "__init__.py").touch()
    (tmp_path / "main.py").write_text("import tornado_stream; print(tornado_stream.__file__)")
    server = ours_of(tmp_path)
    command = server.command(Place(1, 2, None, tmp_path))
    done = subprocess.run(command, env=server.environ, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == str(tmp_path / "tornado_stream" / "__init__.py"), done.stderr
    assert json.loads(server.body("m")).keys() == {"message", "model"}


def test_a_folder_that_is_no_checkout(tmp_path):
    with pytest.raises(Failed, match="is no checkout of this project"):
        ours_of(tmp_path)


def test_a_server_that_is_missing_is_left_out_with_the_reason(capsys):
    servers = {"ours": SERVERS["ours"], "x": Server("X", lambda place: [], lambda: "no compiler")}
    assert list(present(servers)) == ["ours"]
    assert capsys.readouterr().out == "X is left out: no compiler.\n"


@pytest.mark.parametrize(
    ("noise", "runs", "kept"), [([3], 1, 3), ([40, 9, 1], 2, 9), ([40, 30, 50, 1], 3, 30)]
)
def test_noisy_runs_are_repeated(monkeypatch, noise, runs, kept):
    found = [{"strangers": float(strangers)} for strangers in noise]
    left = iter(found)
    monkeypatch.setattr(workloads, "run", lambda *_: next(left))
    monkeypatch.setattr(workloads, "wait_for_calm", lambda limit: None)
    assert calm_run("lockstep", None, 1, False, quiet=10) == {"strangers": kept}
    assert len(list(left)) == len(noise) - runs


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


def test_the_table_of_docs_scaling_is_what_the_simulation_says():
    text = (ROOT / "docs" / "scaling.md").read_text()
    assert "\n".join(scale_model.table(scale_model.Use(), scale_model.Primary())) in text


def test_the_simulation_finds_the_wall_where_the_prices_say():
    use, primary = scale_model.Use(), scale_model.Primary()
    most, wall = scale_model.streams_of_a_primary(use, primary)
    each = scale_model.streams_of_a_server(use)
    seen = scale_model.simulate(most, most // each, use, primary)
    cores, log = scale_model.need(most, most // each, use)
    assert seen.late == 0 and seen.lag < scale_model.TICK / 4
    assert abs(seen.cores / cores - 1) < 0.05 and abs(seen.log / log - 1) < 0.05
    assert wall == "the log" and abs(log / primary.log / scale_model.LOAD - 1) < 0.01
    beyond = scale_model.simulate(2 * most, 2 * most // each, use, primary)
    assert beyond.late > 0.25, "twice as many streams would not wait"
