"""The list of servers of tools, and what a request says of tools."""

from __future__ import annotations

from typing import Any

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.values.errors import InvalidRequest


class ToolsHandler(BaseHandler):
    """The servers of tools that the user may use, and their tools."""

    async def get(self) -> None:
        live = self.get_argument("live", "1") != "0"
        servers = await self.application.tools.toolbox.listing(self.owner, live=live)
        self.write_json({"servers": servers})


def parse_tools(body: dict[str, Any]) -> tuple[str, ...]:
    """The names of servers of tools, each once. Raises `InvalidRequest`."""
    tools = body.get("tools")
    if not tools:
        return ()
    if not (isinstance(tools, list) and all(isinstance(name, str) and name for name in tools)):
        raise InvalidRequest("tools must be a list of names of servers of tools.")
    if isinstance(options := body.get("options"), dict) and options.get("tools"):
        raise InvalidRequest("tools and options.tools cannot be sent together.")
    return tuple(dict.fromkeys(tools))


def parse_always(value: Any) -> list[dict[str, str]]:
    """The tools that go on running unasked in a conversation. Raises `InvalidRequest`."""
    tools = value or []
    if isinstance(tools, list) and all(map(_names_a_tool, tools)):
        return [{name: tool[name] for name in ("server", "name")} for tool in tools]
    raise InvalidRequest(
        "always must be a list of the tools that go on running unasked: "
        '[{"server": "notes", "name": "add"}]. The others ask again.'
    )


def _names_a_tool(tool: Any) -> bool:
    names = [tool.get("server"), tool.get("name")] if isinstance(tool, dict) else [None]
    return all(isinstance(name, str) for name in names)


def parse_decide(body: dict[str, Any], message: Any) -> dict[str, str] | None:
    """What is decided of calls; None: the request is not about calls. Raises
    `InvalidRequest`."""
    decide = body.get("decide")
    if decide is None:
        return None
    if not isinstance(decide, dict) or not all(isinstance(v, str) for v in decide.values()):
        raise InvalidRequest('decide must be an object: {"call id": "run", …}.')
    if message is not None or not body.get("parent_id"):
        raise InvalidRequest(
            "A request with decide must have no message, and the id of the answer that waits as "
            "parent_id."
        )
    for name in ("continue", "summary", "preset", "system", "keep"):
        if body.get(name) is not None:
            raise InvalidRequest(f"A request with decide must not have {name}.")
    return decide
