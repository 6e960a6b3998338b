"""The tool host against servers that hang, lie, flood, die and rename; and against real ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from client import until

from tests.tools_host.conftest import SERVER
from tornado_stream.settings import Secret
from tornado_stream.tools_host.config import ToolServer
from tornado_stream.tools_host.host import MayHaveRun, NotRun, ToolHost

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

BIN = Path(sys.executable).parent
EVERYTHING = Path("build/mcp/node_modules/.bin/mcp-server-everything").resolve()


@pytest.fixture
def counting(tmp_path) -> ToolServer:
    return ToolServer("c", (sys.executable, str(SERVER), str(tmp_path)), timeout=20)


def started(folder: Path) -> list[str]:
    """The processes that a test with this folder has started."""
    return [p.name for p in Path("/proc").glob("[0-9]*") if str(folder) in cmdline(p)]


def cmdline(process: Path) -> str:
    try:
        return (process / "cmdline").read_text()
    except OSError:
        return ""


async def outcome(host: ToolHost, server: ToolServer, tool: str, **arguments: Any) -> Any:
    try:
        return await host.call(server, tool, arguments)
    except (NotRun, MayHaveRun) as error:
        return type(error), str(error)


@pytest.mark.gen_test
async def test_whatever_a_server_does_is_told_in_words(host, counting, tmp_path):
    quick = ToolServer("q", counting.command, timeout=1.5)
    await host.tools(counting)
    assert await outcome(host, quick, "hang") == (MayHaveRun, "it gave no result in time")
    assert await outcome(host, counting, "die") == (MayHaveRun, "it has ended")
    assert await outcome(host, counting, "flood") == (MayHaveRun, "it sent more than 16 MiB")
    assert await outcome(host, counting, "line") == (MayHaveRun, "it sent more than 16 MiB")
    kind, why = await outcome(host, counting, "lie")
    assert (kind, "no result" in why) == (NotRun, True)
    assert await outcome(host, counting, "nope") == (NotRun, "There is no such method or tool.")
    large = await outcome(host, counting, "large")
    assert (len(large["text"]), large["shortened"]) == (64 * 1024, True)
    refused = await outcome(host, counting, "refuse")
    assert (refused["text"], refused["is_error"]) == ("It cannot.", True)
    drawn = await outcome(host, counting, "draw")
    assert drawn["sources"] == [{"url": "https://example.org/a", "title": "A"}]
    assert [picture["type"] for picture in drawn["pictures"]] == ["image/png"]
    await outcome(host, counting, "rename")
    assert await outcome(host, counting, "count") == (NotRun, "There is no such method or tool.")
    assert "count2" in {tool["name"] for tool in await host.tools(counting)}
    ran = (tmp_path / "ran").read_text().split()
    assert ran == "hang die flood line lie large refuse draw rename".split()


@pytest.mark.gen_test
async def test_a_server_gets_few_variables_and_its_key(host, counting, monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "other")
    server = ToolServer("c", counting.command, key_env="MY_KEY", key=Secret("mine"))
    names = (await host.call(server, "environment", {}))["text"].split()
    assert {"HOME", "MY_KEY", "PATH"} <= set(names)
    assert not {"OTHER_KEY", "PYTHONPATH"} & set(names)


@pytest.mark.gen_test
async def test_servers_that_cannot_be_used_are_told_in_words(host):
    for server, says in [
        (
            ToolServer("a", ("/nowhere/at-all",)),
            r"/nowhere/at-all cannot be started \(there is no such program\)",
        ),
        (ToolServer("b", url="http://127.0.0.1:9/mcp"), "it cannot be reached"),
        (ToolServer("c", (sys.executable, "-c", "pass")), "it has ended"),
        (ToolServer("d", ("sleep", "60"), timeout=1), "it did not start in time"),
    ]:
        with pytest.raises(NotRun, match=says):
            await host.tools(server)


@pytest.mark.gen_test
async def test_when_the_host_dies_a_call_is_unknown_and_the_next_request_starts_it_again(
    host, counting, tmp_path
):
    await host.tools(counting)
    pid = host.pid
    calling = asyncio.ensure_future(outcome(host, counting, "hang"))
    while not (tmp_path / "ran").exists():  # noqa: ASYNC110 (another process writes it)
        await asyncio.sleep(0.01)
    os.kill(pid, 9)
    assert await calling == (MayHaveRun, "the tool host has ended")
    await until(lambda: not started(tmp_path), what="what it had started ends with it")
    assert "number 2" in (await host.call(counting, "count", {}))["text"]
    assert host.pid != pid


@pytest.mark.gen_test
async def test_a_program_that_hangs_is_started_again(host, counting, tmp_path):
    """The first request that it does not answer fails, and the next one starts it."""
    hanging = ToolServer("c", counting.command, timeout=5)
    await host.tools(hanging)
    assert await outcome(host, hanging, "hang") == (MayHaveRun, "it gave no result in time")
    with pytest.raises(NotRun, match="in time"):
        await host.tools(hanging)
    assert "number 2" in (await host.call(hanging, "count", {}))["text"]
    await until(lambda: len(started(tmp_path)) == 1, what="the one that hung has ended")


@pytest.mark.gen_test
async def test_other_servers_answer_during_a_flood(host, counting):
    """`tests/torture/test_tool_steps.py` says what a result of 100 MB does to the loop."""
    other = ToolServer("other", counting.command, timeout=20)
    await host.tools(counting)
    await host.tools(other)
    flood = asyncio.ensure_future(outcome(host, counting, "flood"))
    assert "number" in (await host.call(other, "count", {}))["text"]
    assert (await flood)[0] is MayHaveRun


@pytest.mark.gen_test
async def test_the_servers_of_others(host, monkeypatch):
    """pip has installed them beside this Python, which need not be in the PATH."""
    clock = ToolServer("time", ("mcp-server-time",))
    if not (BIN / "mcp-server-time").exists():
        pytest.skip("mcp-server-time is not installed")
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    assert {tool["name"] for tool in await host.tools(clock)} == {
        *("get_current_time", "convert_time"),
    }
    now = await host.call(clock, "get_current_time", {"timezone": "UTC"})
    assert now["structured"]["timezone"] == "UTC"
    fetch = ToolServer("fetch", ("mcp-server-fetch",))
    assert [tool["name"] for tool in await host.tools(fetch)] == ["fetch"]


@pytest.mark.gen_test
async def test_server_everything_over_pipes_and_over_http(host, unused_port):
    if not EVERYTHING.exists() or not shutil.which("node"):
        pytest.skip("server-everything is not installed")
    pipes = ToolServer("pipes", ("node", str(EVERYTHING)))
    process = await asyncio.create_subprocess_exec(
        *("node", str(EVERYTHING), "streamableHttp"),
        env={**os.environ, "PORT": str(unused_port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    web = ToolServer("web", url=f"http://127.0.0.1:{unused_port}/mcp")
    try:
        await until_reached(host, web)
        for server in (pipes, web):
            assert "echo" in {tool["name"] for tool in await host.tools(server)}
            said = await host.call(server, "echo", {"message": "hé"})
            assert said["text"] == "Echo: hé"
            picture = await host.call(server, "get-tiny-image", {})
            assert picture["pictures"][0]["type"] == "image/png"
        process.kill()
        await process.wait()
        assert (await outcome(host, web, "echo", message="a"))[0] is NotRun
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.gen_test
async def test_a_server_of_the_sdk_over_http_on_the_present_revision(host, unused_port, tmp_path):
    program = tmp_path / "server.py"
    program.write_text(
        "import sys\nfrom mcp.server.mcpserver import MCPServer\n"
        "server = MCPServer('sdk')\n"
        "@server.tool()\ndef add(a: int, b: int) -> int:\n    return a + b\n"
        "server.run('streamable-http', port=int(sys.argv[1]), stateless_http=True)\n"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(program), str(unused_port)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    server = ToolServer("sdk", url=f"http://127.0.0.1:{unused_port}/mcp")
    try:
        await until_reached(host, server)
        assert (await host.call(server, "add", {"a": 2, "b": 3}))["structured"] == {"result": 5}
    finally:
        process.kill()
        await process.wait()


async def until_reached(host: ToolHost, server: ToolServer) -> None:
    for _ in range(600):
        try:
            await host.tools(server)
            return
        except NotRun:
            await asyncio.sleep(0.1)
    raise AssertionError("the server did not start")


@pytest.fixture
def unused_port() -> int:
    from tornado.testing import bind_unused_port

    sock, port = bind_unused_port()
    sock.close()
    return port
