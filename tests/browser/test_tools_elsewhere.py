"""Tools in the page where several processes serve: two workers, and two servers behind nginx. A
person asks at one of them, and decides at whichever gets the next request, also after a restart and
after a crash.
"""

from __future__ import annotations

import os
import re
import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deadlines import DEADLINE
from deploy.proxy_programs import find, nginx
from deploy.test_servers import site
from workers.pair import is_zombie, workers_of

from .access import cut, violations
from .chat import Page, ask, expect, status
from .conftest import Browser, Program, Watch, fresh_page
from .test_returning import NETWORK
from .test_tools import CALLS, call, call_of, choose, config, decide, finished, script

pytestmark = pytest.mark.wide

PHONE, DESK = 320, 1280


class Place(ABC):
    """Where the page is served from. What runs in the server of tools is noted in `folder`."""

    url: str

    def __init__(self, run: Callable[..., Program], folder: Path, **environ: str) -> None:
        self._run = run
        self.folder = folder
        self._environ = environ | {"TORNADO_STREAM_CONFIG": config(folder)}

    @property
    def ran(self) -> list[str]:
        file = self.folder / "ran"
        return file.read_text().splitlines() if file.exists() else []

    @abstractmethod
    def crash(self) -> None:
        """Kill every process that serves; returns when the page is served again."""

    @abstractmethod
    def restart(self) -> None:
        """End all, and start all again."""


class Workers(Place):
    """One server with two workers. It starts again those that are killed."""

    def __init__(self, *arguments: Any, **environ: str) -> None:
        super().__init__(*arguments, **environ)
        self._start("0")
        self.url = self._program.url

    def _start(self, port: str) -> None:
        arguments = "--port", port, "--data-dir", str(self.folder / "data"), "--workers", "2"
        self._program = self._run("main.py", *arguments, **self._environ)

    def crash(self) -> None:
        for worker in workers_of(self._program.process.pid):
            kill(worker)

    def restart(self) -> None:
        self._program.process.terminate()
        self._program.process.wait(DEADLINE)
        self._start(str(self._program.port))


class Servers(Place):
    """Two servers over one PostgreSQL. nginx sends each request to the next one."""

    def __init__(self, *arguments: Any, **environ: str) -> None:
        super().__init__(*arguments, **environ)
        self._programs = [self._start("0", name) for name in ("first", "second")]

    @property
    def ports(self) -> list[int]:
        return [program.port for program in self._programs]

    def _start(self, port: str, name: str) -> Program:
        arguments = "--port", port, "--data-dir", str(self.folder / name)
        return self._run("main.py", *arguments, **self._environ)

    def crash(self) -> None:
        for program in self._programs:
            program.process.kill()
        self._start_again()

    def restart(self) -> None:
        for program in self._programs:
            program.process.terminate()
        self._start_again()

    def _start_again(self) -> None:
        for program in self._programs:
            program.process.wait(DEADLINE)
        names = ("first", "second")
        pairs = zip(self.ports, names, strict=True)
        self._programs = [self._start(str(port), name) for port, name in pairs]


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while not is_zombie(pid):
        pass


@pytest.fixture(params=["workers", "servers"])
def place(
    request: pytest.FixtureRequest, run: Callable[..., Program], upstream: Program, tmp_path: Path
) -> Iterator[Place]:
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    environ["OPENAI_API_KEY"] = "sk-x"
    if request.param == "workers":
        yield Workers(run, tmp_path, **environ)
        return
    find("nginx")
    environ["TORNADO_STREAM_DATABASE"] = request.getfixturevalue("postgres").new_database()
    servers = Servers(run, tmp_path, **environ)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    servers.url = f"http://127.0.0.1:{port}/"
    with nginx(tmp_path, site(servers.ports, port), [listener]):
        yield servers


@pytest.mark.timeout(600)
@pytest.mark.parametrize("width", [PHONE, DESK])
def test_all_that_a_person_decides(
    open_page: Callable[..., Page], browser: Browser, watch: Watch, place: Place, width: int
) -> None:
    watch.allow(NETWORK)
    where = f"{width} {type(place).__name__}"
    page = open_page(place.url)
    page.set_viewport_size({"width": width, "height": 800})
    choose(page)
    # The arguments are read, and the call is allowed: here, and on another device.
    words = {"text": f"{width} " + "and then everything that the list of yesterday has " * 3}
    ask(page, script(f"here {where}", f"say=I write.;{call('count', words)};{CALLS}", "say=Done."))
    waits(page, width)
    expect(call_of(page, "count")).to_contain_text(f'"text": "{words["text"]}"')
    decide(page, "Run")
    finished(page, "Done.")
    ask(page, script(f"device {where}", f"{call('count', {'text': 'device'})};{CALLS}", "say=Far."))
    waits(page, width)
    with fresh_page(browser, Program(place.url, None)) as other:  # type: ignore[arg-type]
        other.goto(page.url)
        decide(other, "Run")
        finished(other, "Far.")
    finished(page, "Far.")
    # Refused, and allowed for good.
    ask(page, script(f"no {where}", f"{call('count', {'text': 'refused'})};{CALLS}", "say=No."))
    waits(page, width)
    decide(page, "Refuse")
    finished(page, "No.")
    expect(call_of(page, "count").locator(".tool-state")).to_have_text("Refused")
    ask(page, script(f"always {where}", f"{call('count', {'text': 'a1'})};{CALLS}", "say=First."))
    waits(page, width)
    decide(page, "Always in this conversation")
    finished(page, "First.")
    ask(page, script(f"again {where}", f"{call('count', {'text': 'a2'})};{CALLS}", "say=Second."))
    finished(page, "Second.")
    assert place.ran == [words["text"], "device", "a1", "a2"]
    unanswered = page.get_by_text("This question got no answer")
    expect(unanswered.filter(visible=True)).to_have_count(0)
    # What waits can be decided after all has been started again.
    ask(page, script(f"later {where}", f"{call('die')};{CALLS}", "say=Later."))
    waits(page, width)
    place.restart()
    page.reload()
    waits(page, width)
    decide(page, "Run")
    may_have_run(page, "die", width)
    decide(page, "Tell the model")
    finished(page, "Later.")
    # A crash while a tool runs.
    ask(page, script(f"crash {where}", f"say=One.;{call('hang')};{CALLS}", "say=I go on."))
    expect(call_of(page, "hang").locator(".tool-state")).to_have_text(re.compile("^Running"))
    while "hang" not in place.ran:
        page.evaluate("new Promise(requestAnimationFrame)")
    place.crash()
    may_have_run(page, "hang", width)
    page.reload()
    may_have_run(page, "hang", width)
    decide(page, "Tell the model")
    finished(page, "I go on.")
    assert place.ran == [words["text"], "device", "a1", "a2", "die", "hang"]
    assert violations(page) == []


def waits(page: Page, width: int) -> None:
    expect(status(page)).to_contain_text("Waiting for you")
    expect(page.get_by_role("button", name="Refuse", exact=True)).to_be_visible()
    assert cut(page, width) == []


def may_have_run(page: Page, name: str, width: int) -> None:
    expect(call_of(page, name).locator(".tool-state")).to_have_text("May have run")
    expect(page.get_by_role("button", name="Tell the model", exact=True)).to_be_visible()
    expect(status(page)).to_contain_text("Waiting for you")
    assert cut(page, width) == []
