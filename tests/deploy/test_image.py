"""The container image is built and run as the Dockerfile says: `make image-check`.

IMAGE_CHECK=1 builds it without the local model, IMAGE_CHECK=local with it. The tests print what
they measured at the end.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from client import Client, until
from fake_upstream import FakeUpstream

from benchmarks.machine import free_port

from .image import PATH, Build, Container

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / "build" / "image"
CHECK = os.environ.get("IMAGE_CHECK", "")
pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(not CHECK, reason="some minutes: make image-check"),
    pytest.mark.skipif(
        not shutil.which("debootstrap", path=PATH), reason="debootstrap is not installed"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="chroot needs root"),
]

TOKEN = secrets.token_urlsafe(32)
SECRETS = {"TORNADO_STREAM_TOKEN": TOKEN, "TORNADO_STREAM_PASSWORD": secrets.token_urlsafe(16)}


class TokenClient(Client):
    """A client that sends the token, as programs do."""

    def encode(self, method, path, body, headers):
        return super().encode(method, path, body, {"Authorization": f"Bearer {TOKEN}"} | headers)


@pytest.fixture(scope="module")
def build(request: pytest.FixtureRequest) -> Iterator[Build]:
    stages = WORK / "stages"
    shutil.rmtree(stages, ignore_errors=True)
    stages.mkdir(parents=True)
    build = Build(ROOT / "deploy/Dockerfile", ROOT, stages, LOCAL="1" if CHECK == "local" else "")
    yield build
    shutil.rmtree(stages)


@pytest.fixture
def container(
    build: Build, tmp_path: Path, upstream: FakeUpstream
) -> Iterator[Callable[..., tuple[Container, TokenClient]]]:
    """Starts the image with a volume that lasts for the test; returns it and its client."""
    started: list[Container] = []

    def start(**environ: str) -> tuple[Container, TokenClient]:
        container = Container(build.image, tmp_path / "volume")
        started.append(container)
        port = free_port()
        model = {"OPENAI_BASE_URL": upstream.url, "OPENAI_MODEL": "fake-model"}
        container.start(**SECRETS | model | {"TORNADO_STREAM_PORT": str(port)} | environ)
        return container, TokenClient(port)

    yield start
    for container in started:
        container.end(0)


@pytest.fixture(scope="module")
def report(build: Build) -> Iterator[Callable[[str, float], None]]:
    """Collects figures, given in bytes, and prints them in MB at the end."""
    rows = [("size without the base image", build.image.added / 1e6)]
    yield lambda what, value: rows.append((what, value / 1e6))
    print("\n\nimage" + (" with the local model" if CHECK == "local" else ""))
    for what, value in rows:
        print(f"  {what:45} {value:7.1f} MB")


@pytest.mark.timeout(1200)
def test_the_image_contains_no_build_tools(build: Build) -> None:
    root = build.image.root
    for name in ("gcc", "cc", "make", "git"):
        assert not shutil.which(name, path=f"{root}/usr/bin:{root}/venv/bin")
    packages = {path.name for path in root.glob("venv/lib/python3.*/site-packages/*")}
    assert "tornado_stream" in packages and not packages & {"pip", "setuptools", "pytest"}
    assert not (root / "src").exists()
    assert build.image.user.split(":")[0].isdecimal()  # Kubernetes' runAsNonRoot needs a number


@pytest.mark.gen_test
async def test_it_runs_read_only_and_lets_answers_finish(container, report) -> None:
    sealed, chat = container()
    await in_thread(sealed.listening)
    report("memory before the first request", sealed.memory("VmRSS"))
    assert await in_thread(sealed.is_healthy)
    for path in ("/healthz", "/readyz"):
        assert (await chat.request("GET", path)).status == 200
    assert os.stat(f"/proc/{sealed.pid}").st_uid == 10001
    answers = await asyncio.gather(*(chat.ask(model="gap=0.2;count=20") for _ in range(200)))
    assert {answer.text for answer in answers} == {"".join(f"t{n} " for n in range(20))}
    report("largest memory, 200 answers at once", sealed.memory("VmHWM"))
    stream = await chat.send(model="gap=0.1;count=20;say=last")
    await stream.until("delta")
    sealed.term()
    answer = await stream.read()
    assert answer.end["state"] == "done" and answer.text.endswith("t19 last")
    status, output = await in_thread(sealed.end)
    assert status == 0 and "Traceback" not in output
    assert not await in_thread(sealed.is_healthy)
    _, chat = container()
    await listening(chat)
    assert (await chat.resume(answer.start["generation_id"])).text == answer.text


@pytest.mark.gen_test
async def test_the_volume_is_for_its_owner_alone(container, tmp_path) -> None:
    sealed, chat = container()
    await in_thread(sealed.listening)
    await chat.ask()
    for path in [tmp_path / "volume", *(tmp_path / "volume").iterdir()]:
        assert path.stat().st_uid == 10001 and not stat.S_IMODE(path.stat().st_mode) & 0o077


@pytest.mark.gen_test
async def test_endless_answers_end_in_time(container) -> None:
    sealed, chat = container(
        TORNADO_STREAM_DRAIN_TIMEOUT="0.5",
    )
    await in_thread(sealed.listening)
    stream = await chat.send(model="say=a;stall")
    await stream.until("delta")
    sealed.term()
    assert (await stream.read()).end["state"] == "interrupted"
    assert (await in_thread(sealed.end))[0] == 0


@pytest.mark.skipif(CHECK != "local", reason="make image-check LOCAL=1")
@pytest.mark.gen_test
async def test_the_local_model_answers(container) -> None:
    sealed, chat = container(
        OPENAI_BASE_URL="",
        OPENAI_MODEL="",
    )
    await in_thread(sealed.listening)
    answer = await chat.ask("Say hello.", options={"max_tokens": 20})
    assert answer.end["state"] == "done", answer.end["error"]
    sealed.term()
    assert (await in_thread(sealed.end))[0] == 0


async def in_thread(function):
    return await asyncio.get_running_loop().run_in_executor(None, function)


async def listening(chat: Client) -> None:
    async def try_once() -> bool:
        try:
            return (await chat.request("GET", "/readyz")).status == 200
        except OSError:
            return False

    for _ in range(500):
        if await try_once():
            return
        await asyncio.sleep(0.01)
    await until(lambda: False, 0, "it does not listen")
