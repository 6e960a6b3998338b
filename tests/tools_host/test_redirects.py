"""Servers of tools that redirect: nothing is sent again, and it is told in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tests.tools_host.test_host import outcome
from tornado_stream.tools_host.config import ToolServer
from tornado_stream.tools_host.host import MayHaveRun, NotRun

pytestmark = [
    pytest.mark.wide,
    pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed"),
]

TOOL = {"name": "count", "inputSchema": {"type": "object"}}
RESULTS: dict[str, dict[str, Any]] = {
    "initialize": {
        "protocolVersion": "2025-06-18",
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "redirecting", "version": "1"},
    },
    "tools/list": {"tools": [TOOL]},
    "tools/call": {"content": [{"type": "text", "text": "It ran."}]},
}


class Server(RequestHandler):
    """Speaks MCP. Below `/{method}/{status}` it redirects the requests with this method, where `_`
    stands for all of them."""

    calls: list[str]

    def initialize(self, calls: list[str], to: str = "/mcp") -> None:
        self.calls, self.to = calls, to

    def get(self, *path: str) -> None:
        self.set_status(405)

    delete = get

    def post(self, method: str = "", status: str = "") -> None:
        message = json.loads(self.request.body)
        asked = message["method"]
        if asked == "tools/call":
            self.calls.append(self.request.path)
        if status and method in ("_", asked.rpartition("/")[2]):
            self.redirect(f"{self.to}?key=secret", status=int(status))
        elif "id" not in message:
            self.set_status(202)
        else:
            error = {"code": -32601, "message": "There is no such method."}
            said = {"result": RESULTS[asked]} if asked in RESULTS else {"error": error}
            self.write({"jsonrpc": "2.0", "id": message["id"], **said})


@pytest.fixture
def calls() -> list[str]:
    """The paths at which calls arrived."""
    return []


@pytest.fixture
def address(io_loop, calls) -> Iterator[str]:
    """The address of a server that redirects within its origin; its name with `elsewhere` is that
    of the same server as another origin."""
    sock, port = bind_unused_port()

    async def serve() -> HTTPServer:
        handlers = [
            (r"/mcp", Server, {"calls": calls}),
            (r"/at/(.*)/(\d+)", Server, {"calls": calls}),
            (r"/to/(.*)/(\d+)", Server, {"calls": calls, "to": f"http://localhost:{port}/mcp"}),
        ]
        server = HTTPServer(Application(handlers))  # type: ignore[arg-type]
        server.add_socket(sock)
        return server

    server = io_loop.run_sync(serve)
    yield f"http://127.0.0.1:{port}"
    server.stop()


def at(address: str, path: str) -> ToolServer:
    return ToolServer("r", url=f"{address}/{path}", timeout=20)


@pytest.mark.gen_test
async def test_a_server_that_does_not_redirect_is_used(host, address, calls):
    assert (await outcome(host, at(address, "mcp"), "count"))["text"] == "It ran."
    assert calls == ["/mcp"]


@pytest.mark.parametrize("path", ["at/_", "to/_"])
@pytest.mark.parametrize("status", [301, 307])
@pytest.mark.gen_test
async def test_a_server_that_has_moved_is_not_used(host, address, calls, path, status):
    """Neither within one origin nor to another one."""
    with pytest.raises(NotRun) as caught:
        await host.tools(at(address, f"{path}/{status}"))
    assert "it redirects to http://" in str(caught.value)
    assert "/mcp, which is not followed; name that url in the file" in str(caught.value)
    assert "secret" not in str(caught.value)
    assert calls == []


@pytest.mark.parametrize(
    "status, kind",
    [(307, NotRun), (308, NotRun), (301, MayHaveRun), (302, MayHaveRun), (303, MayHaveRun)],
)
@pytest.mark.gen_test
async def test_a_call_that_is_redirected_is_sent_once(host, address, calls, status, kind):
    """307 and 308 say that the server has not taken it; after the others it may have run."""
    found, why = await outcome(host, at(address, f"at/call/{status}"), "count")
    assert (found, "which is not followed" in why) == (kind, True)
    assert calls == [f"/at/call/{status}"]
