"""The wheel serves the same as `python main.py` in a clone, and upgrades a previous version.

The tests build the wheel from a clean copy of the sources, and install it with its extras, which
pip downloads, into a new environment. They find files that the wheel lacks.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import Client, until
from process import environ
from test_package import copy_tree

pytestmark = [pytest.mark.wide, pytest.mark.timeout(1800)]
long = pytest.mark.gen_test(timeout=300)

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "tornado_stream" / "static"
#: The commit of the previous version, which the upgrade starts from.
PREVIOUS = "d91c7da09b1e734953f520253c35f97ce202f653"
#: Prints all presets, which the package reads from a file.
PRESETS = "from tornado_stream.providers.presets import presets; print(sorted(presets().items()))"


def run(*command: str | Path, **options: Any) -> str:
    """Run a command, which must succeed; returns its standard output."""
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(tree: Path, into: Path) -> Path:
    """Build a wheel from this tree, with pip and in isolation; returns its path."""
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", into, tree)
    return next(into.glob("*.whl"))


def install(wheel: Path, into: Path, extras: str = "") -> Path:
    """Install the wheel into a new environment; returns the folder with its programs."""
    venv.create(into, with_pip=True)
    programs = into / "bin"
    run(programs / "python", "-m", "pip", "install", "-q", f"{wheel}{extras}")
    return programs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("wheel")
    copy_tree(home / "tree")
    return build(home / "tree", home)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(wheel, tmp_path_factory.mktemp("new") / "venv", "[auth,local,metrics]")


@pytest.fixture(scope="module")
def previous(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the programs of the previous version, which is installed without extras."""
    archive = subprocess.run(["git", "archive", PREVIOUS], cwd=ROOT, capture_output=True)
    if archive.returncode:
        pytest.skip(f"the history has no {PREVIOUS[:7]} to upgrade from")
    home = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(home / "tree", filter="data")
    return install(build(home / "tree", home), home / "venv")


class Server:
    """A server as a process. Its working directory has only its data and its log."""

    def __init__(self, command: list[str | Path], home: Path) -> None:
        home.mkdir(exist_ok=True)
        self.log = home / "log"
        with self.log.open("a") as log:
            self._process = subprocess.Popen(
                [*map(str, command), "--port", "0", "--data-dir", str(home / "data")],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=home,
                env=environ(),
            )
        assert self._process.stdout
        line = self._process.stdout.readline()
        port = re.search(r"http://localhost:(\d+)/", line)
        assert port, (line, self.log.read_text())
        self.client = Client(int(port[1]))

    async def stop(self) -> None:
        self._process.terminate()
        await until(lambda: self._process.poll() is not None, what="it has not exited")
        assert self._process.returncode == 0
        assert "Traceback" not in self.log.read_text()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()


@pytest.fixture
def start(upstream: Any, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Starts `program` in the folder `name`, with the fake upstream; kills it after the test."""
    servers: list[Server] = []

    def begin(name: str, *program: str | Path) -> Server:
        command = [*program, "--base-url", upstream.url, "--model", "fake-model"]
        servers.append(Server(command, tmp_path / name))
        return servers[-1]

    yield begin
    for server in servers:
        server.close()


def test_the_wheel_has_the_files_that_git_has(wheel: Path) -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is not a clone")
    tracked = set(run("git", "ls-files", "tornado_stream", cwd=ROOT).split())
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert held == tracked


@long
async def test_the_wheel_serves_what_a_clone_serves(installed: Path, start: Any) -> None:
    wheel = start("wheel", installed / "tornado-stream").client
    clone = start("clone", sys.executable, ROOT / "main.py").client

    async def same(path: str, **headers: str) -> str:
        """Request a path from both servers; their bodies must be equal. Returns the body. The
        time of a model that the upstream does not date is that of the server's start, the form of
        each page has an id of its own, and the page names the command that runs its server."""
        pair = [await chat.request("GET", path, headers=headers) for chat in (wheel, clone)]
        differs = rb'127\.0\.0\.1:\d+|"created":\d+|value="[0-9a-f-]{36}"'
        assert (b" tornado-stream<" in pair[0].body) == (b" python main.py<" in pair[1].body)
        commands = rb"(?<= )(tornado-stream|python main\.py)(?=<)"
        bodies = [re.sub(differs, b"", re.sub(commands, b"", one.body)) for one in pair]
        assert [response.status for response in pair] == [200, 200], path
        assert bodies[0] == bodies[1], path
        return bodies[0].decode(errors="replace")

    page = await same("/")
    version = re.search(r"/static/([0-9a-f]{16})/", page)
    assert version
    for language in ("en", "de", "zh"):
        page = await same("/", **{"Accept-Language": language})
        words = re.search(
            r'"skip": "(.+)"', (STATIC / f"lang/pages/{language}.js").read_text("utf-8")
        )
        assert f'lang="{language}' in page and words and words[1] in page
    files = [path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 100 and any(name.startswith("vendor/") for name in files)
    for name in files:
        await same(f"/static/{version[1]}/{name}")
    for path in ("/favicon.ico", "/v1/models", "/api/models", "/readyz"):
        await same(path)
    answers = [await chat.ask("one two three") for chat in (wheel, clone)]
    assert [answer.text for answer in answers] == ["one two three"] * 2
    # How many deltas a text has is a matter of the moment.
    names = [list(dict.fromkeys(event.name for event in answer.events)) for answer in answers]
    assert names[0] == names[1] and answers[0].end["state"] == "done"


def test_the_wheel_has_all_presets(installed: Path, tmp_path: Path) -> None:
    known = run(installed / "python", "-c", PRESETS, cwd=tmp_path)
    assert known == run(sys.executable, "-c", PRESETS, cwd=ROOT) and "openai" in known
    assert "--base-url" in run(installed / "tornado-stream", "--help", cwd=tmp_path)


@long
async def test_an_upgrade_keeps_conversations_and_users(
    previous: Path, installed: Path, start: Any, tmp_path: Path
) -> None:
    data = tmp_path / "home" / "data"
    run(previous / "tornado-stream", "--data-dir", data, "--set-password", "anna", input="hers\n")
    old = start("home", previous / "tornado-stream")
    anna = await log_in(old.client)
    first = await ask(old.client, anna, "first question", "say=first answer")
    endless = {"message": "second", "model": "gap=0.02;count=100000"}
    running = await old.client.open("POST", "/stream", endless, anna)
    while (await running.until("delta")).id < 60:  # by then, the store has some of them
        pass
    before = await conversations(old.client, anna)
    assert len(before) == 2
    old.close()  # kills it: the new version must end the answer

    for turn in range(2):
        new = start("home", installed / "tornado-stream")
        anna = await log_in(new.client)
        assert await conversations(new.client, anna) == before
        messages = await read(new.client, anna, first["conversation_id"])
        assert [m["content"] for m in messages[:2]] == ["first question", "first answer"]
        messages = await read(new.client, anna, running.answer.start["conversation_id"])
        assert messages[1]["state"] == "interrupted"
        stored, seen = messages[1]["content"], running.answer.text
        # The client may not have read yet what the store had when the server was killed.
        assert stored and (seen.startswith(stored) or stored.startswith(seen))
        await ask(new.client, anna, f"again {turn}", "say=new", first["conversation_id"])
        messages = await read(new.client, anna, first["conversation_id"])
        assert len(messages) == 2 * (turn + 2) and messages[-1]["content"] == "new"
        await new.stop()


async def log_in(chat: Client) -> dict[str, str]:
    """Log in; returns the header of the session."""
    response = await chat.request("POST", "/login", {"name": "anna", "password": "hers"})
    assert response.status == 204, response
    return {"Cookie": response.headers["set-cookie"].partition(";")[0]}


async def ask(
    chat: Client, session: dict[str, str], message: str, model: str, conversation: str = ""
) -> dict[str, Any]:
    """Ask, and read the answer to its end; returns the data of its `start`."""
    body = {"message": message, "model": model}
    if conversation:
        body["conversation_id"] = conversation
    answer = await (await chat.open("POST", "/stream", body, session)).read()
    assert answer.end["state"] == "done"
    return answer.start


async def conversations(chat: Client, session: dict[str, str]) -> set[str]:
    """The ids of all conversations."""
    response = await chat.request("GET", "/api/conversations", headers=session)
    return {conversation["id"] for conversation in response.json()["conversations"]}


async def read(chat: Client, session: dict[str, str], id: str) -> list[dict[str, Any]]:
    response = await chat.request("GET", f"/api/conversations/{id}", headers=session)
    return response.json()["messages"]
