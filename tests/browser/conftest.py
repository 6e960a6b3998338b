"""A real Chromium, a real server, and the fake upstream behind it.

All tests of a process share one browser, one server and one upstream. A test also fails when the
page violates its content security policy, logs an error, or sends a request to another host.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from deadlines import DEADLINE

from benchmarks.machine import free_port

from .proxy import CuttableProxy

if TYPE_CHECKING:
    from .states import World

try:
    from playwright.sync_api import (
        Browser,
        ConsoleMessage,
        Error,
        Page,
        Request,
        expect,
        sync_playwright,
    )
except ImportError:  # chat.py skips every test then
    pass

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # One renderer for all pages, because a process for each of them costs more than the page.
    "--disable-site-isolation-trials",
    "--renderer-process-limit=1",
]
#: How many processes serve: `BROWSER_WORKERS=2` runs the tests over two.
WORKERS = os.environ.get("BROWSER_WORKERS", "1")
VIEWPORT: Any = {"width": 1024, "height": 768}
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@dataclass
class Program:
    """A process that has printed its URL."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


@dataclass
class Watch:
    """Collects the faults of a page. `allow` takes patterns of faults that a test provokes."""

    base: str
    faults: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def allow(self, *patterns: str) -> None:
        self.allowed += patterns

    def on(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", self._on_error)
        page.on("request", self._on_request)

    def off(self, page: Page) -> None:
        page.remove_listener("console", self._on_console)
        page.remove_listener("pageerror", self._on_error)
        page.remove_listener("request", self._on_request)

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(message.text)

    def _on_error(self, error: Error) -> None:
        self.faults.append(f"uncaught: {error}")

    def _on_request(self, request: Request) -> None:
        host = urlsplit(request.url).netloc
        if host not in ("", urlsplit(self.base).netloc):
            self.faults.append(f"a request to {request.url}")

    def unexpected(self) -> list[str]:
        return [f for f in self.faults if not any(re.search(p, f) for p in self.allowed)]


#: The fixture `release`: lets an answer go on that waits at the step `hold=NAME`.
Release = Callable[[str], None]


@pytest.fixture(autouse=True)
def no_running_loop() -> None:
    """Playwright's loop stays the running one: the tests in this folder use it."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM:
        pytest.skip("there is no Chromium: set CHROMIUM to its path")
    expect.set_options(timeout=DEADLINE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Program]]:
    """Starts a program, and ends it after the last test. Its log must not have a traceback."""
    started: list[tuple[subprocess.Popen[str], Path]] = []

    def start(*arguments: str, **environ: str) -> Program:
        log = tmp_path_factory.mktemp("log") / "stderr"
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=_clean_environ() | environ,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        started.append((process, log))
        assert process.stdout
        return Program(_printed_url(process.stdout, log), process)

    yield start
    for process, _ in reversed(started):
        process.terminate()
    logs = [(process.args, log.read_text()) for process, log in started if _ended(process)]
    assert not [log for log in logs if "Traceback" in log[1]], logs


@pytest.fixture(scope="session")
def upstream(run: Callable[..., Program]) -> Program:
    return run("tests/browser/upstream.py")


@pytest.fixture(scope="session")
def serve(
    run: Callable[..., Program], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Program]:
    """Starts a server with this environment and a data directory of its own."""

    def start(**environ: str) -> Program:
        data = tmp_path_factory.mktemp("data")
        arguments = "--port", "0", "--data-dir", str(data), "--workers", WORKERS
        return run("main.py", *arguments, **environ)

    return start


@pytest.fixture(scope="session")
def server(serve: Callable[..., Program], upstream: Program) -> Program:
    return serve(OPENAI_BASE_URL=upstream.url, OPENAI_MODEL="fake-model", OPENAI_API_KEY="sk-x")


@pytest.fixture
def release(upstream: Program) -> Release:
    """Lets the answers go on that wait at the step `hold=NAME`."""

    def release(name: str) -> None:
        url = upstream.url.replace("/v1", f"/__release/{name}")
        urllib.request.urlopen(url, timeout=DEADLINE).close()

    return release


@pytest.fixture
def seen(upstream: Program) -> Callable[[], dict[str, Any]]:
    """Returns the requests that the upstream has got so far, and how many streams are open."""
    url = upstream.url.replace("/v1", "/__seen")
    others = 0  # streams of servers that other tests started

    def ask() -> dict[str, Any]:
        with urllib.request.urlopen(url, timeout=DEADLINE) as response:
            seen: dict[str, Any] = json.load(response)
            return seen | {"open": seen["open"] - others}

    others = ask()["open"]

    return ask


@pytest.fixture
def world(serve: Callable[..., Program], upstream: Program, release: Release) -> World:
    """Two servers without conversations, the first with shared links and the second with a
    password, to walk through all states."""
    from .states import World

    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    environ["OPENAI_API_KEY"] = "sk-x"
    return World(
        serve(**environ, TORNADO_STREAM_SHARING="1"),
        serve(**environ, TORNADO_STREAM_PASSWORD="correct horse"),
        release,
    )


@dataclass
class MortalServer:
    """A server that a test can kill and start again, on the same port and data directory."""

    run: Callable[..., Program]
    data: Path
    environ: dict[str, str]
    port: int = field(default_factory=free_port)

    def start(self) -> None:
        arguments = ("--port", str(self.port), "--data-dir", str(self.data))
        self.program = self.run("main.py", *arguments, **self.environ)
        self.url = self.program.url

    def kill(self) -> None:
        self.program.process.kill()
        self.program.process.wait(DEADLINE)


@pytest.fixture
def mortal(
    run: Callable[..., Program], upstream: Program, tmp_path: Path, tab: Page
) -> Iterator[MortalServer]:
    """A server that only this test uses."""
    environ = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
    server = MortalServer(run, tmp_path / "data", environ | {"OPENAI_API_KEY": "sk-x"})
    server.start()
    yield server
    tab.goto("about:blank")  # a page that asks this server would log an error
    server.kill()


@pytest.fixture
def proxy(server: Program) -> Iterator[CuttableProxy]:
    proxy = CuttableProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def tab(browser: Browser) -> Page:
    """The tab that all tests use. Before each test, the storage of its site is cleared."""
    context = browser.new_context(viewport=VIEWPORT, reduced_motion="reduce")
    context.add_init_script(REPORT_VIOLATIONS)
    return context.new_page()


@contextmanager
def fresh_page(browser: Browser, server: Program, **options: Any) -> Iterator[Page]:
    """The server's page in a new browser context with these options. Afterwards nothing unexpected
    may have happened in it."""
    context = browser.new_context(**({"viewport": VIEWPORT} | options))
    context.add_init_script(REPORT_VIOLATIONS)
    page = context.new_page()
    watch = Watch(server.url)
    watch.on(page)
    page.goto(server.url)
    yield page
    context.close()
    assert watch.unexpected() == []


@pytest.fixture
def watch(tab: Page, server: Program) -> Iterator[Watch]:
    watch = Watch(server.url)
    watch.on(tab)
    yield watch
    tab.goto("about:blank")
    watch.off(tab)
    assert not watch.unexpected()


@pytest.fixture
def open_page(tab: Page, server: Program, watch: Watch) -> Iterator[Callable[..., Page]]:
    """Opens the server's page, or `url`, in the tab, whose storage is empty."""

    def open(url: str = "") -> Page:
        watch.base = url or server.url
        _forget(tab, watch.base)
        tab.goto(watch.base)
        return tab

    yield open
    tab.unroute_all(behavior="ignoreErrors")
    tab.context.set_offline(False)
    tab.context.clear_permissions()
    tab.goto("about:blank")  # before the size changes: a drawer that closes then goes back
    tab.set_viewport_size(VIEWPORT)
    tab.emulate_media(color_scheme="light", reduced_motion="reduce")
    stop_all(server.url)


@pytest.fixture
def open_tab(tab: Page, watch: Watch) -> Iterator[Callable[[str], Page]]:
    """Opens another tab of the same browser; its faults count, too."""
    opened: list[Page] = []

    def open(url: str) -> Page:
        page = tab.context.new_page()
        opened.append(page)
        watch.on(page)
        page.goto(url)
        return page

    yield open
    for page in opened:
        page.close()


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


def stop_all(url: str) -> None:
    """Stop all answers that the test left running, so that the next test has an idle server."""
    with urllib.request.urlopen(f"{url}api/conversations?limit=200", timeout=DEADLINE) as response:
        listed = json.load(response)["conversations"]
    headers = {"Content-Type": "application/json"}
    for running in filter(None, (one["generation_id"] for one in listed)):
        stop = urllib.request.Request(f"{url}stream/{running}/stop", b"{}", headers)
        urllib.request.urlopen(stop, timeout=DEADLINE).close()


def _forget(tab: Page, url: str) -> None:
    where = {"origin": url.rstrip("/"), "storageTypes": "local_storage,session_storage"}
    devtools = tab.context.new_cdp_session(tab)
    devtools.send("Storage.clearDataForOrigin", where)
    devtools.detach()
    tab.context.clear_cookies(name="ts_choices")


def _clean_environ() -> dict[str, str]:
    prefixes = ("OPENAI_", "TORNADO_STREAM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(prefixes)}


def _printed_url(stdout: IO[str], log: Path) -> str:
    for line in stdout:
        if found := re.search(r"http://\S+", line):
            return found[0]
    raise AssertionError(f"no address was printed: {log.read_text()}")


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(DEADLINE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(DEADLINE)
    if process.stdout:
        process.stdout.close()
    return True
