"""The loop of an answer with tools: the model asks for calls, they run, it gets their results.

The rules: a call is on the disk as `running` before it is sent, and it is sent once. Its result is
stored before readers see it. Where a person must decide, the loop ends. Everything runs on the
IOLoop's thread.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import orjson

from tornado_stream.providers.base import Emit, ModelInfo, Provider
from tornado_stream.store.call_base import CallStore
from tornado_stream.tools_host.config import ToolServer
from tornado_stream.tools_host.host import MayHaveRun, NotRun
from tornado_stream.tools_host.step import Step, sum_of_usages
from tornado_stream.tools_host.toolbox import Tool, Toolbox
from tornado_stream.values import events
from tornado_stream.values.calls import (
    ASKS,
    CHANGED,
    DONE,
    FAILED,
    REPEATED,
    RUNNING,
    STEPS,
    UNKNOWN,
    WAITING,
    Call,
    told,
)
from tornado_stream.values.costs import sum_of_costs
from tornado_stream.values.errors import ChatError
from tornado_stream.values.events import Delta, Finish, Notice, ToolCall
from tornado_stream.values.messages import ChatRequest, SignedMembers

logger = logging.getLogger(__name__)

#: The same call so many times in a row asks.
IN_A_ROW = 3
#: Calls of one step; further ones fail.
MAX_CALLS = 64

NO_TOOL = "There is no such tool."
OTHER_TOOL = "The tool has changed since this call was asked for, so it did not run."
NOT_STORED = "It did not run, because this server could not store that it would."

#: Keeps the pictures of a result: the files of a message that they are from then on, and for each
#: of the others the code of the error.
KeepPictures = Callable[[list[dict[str, Any]]], Awaitable[tuple[list[dict[str, Any]], list[str]]]]
#: Reads the definitions of the tools that run unasked, by server and name.
Always = Callable[[], Awaitable[dict[tuple[str, str], str]]]


async def nothing() -> dict[tuple[str, str], str]:
    return {}


async def keep_none(pictures: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    return [], []


@dataclass(frozen=True, slots=True)
class ToolUse:
    """What an answer may do with tools.

    `decided` are the calls of the answer before, as `after_decision` makes them: those that wait
    are to run. `always` is asked before each call that it could allow, so that what a person takes
    back holds for an answer that runs. `ledger` is None for an answer that is not stored. Without a
    `person` no call waits: it fails instead, and readers see neither calls nor steps.
    """

    generation_id: str
    servers: Sequence[ToolServer]
    ledger: CallStore | None = None
    decided: Sequence[Call] = ()
    always: Always = nothing
    max_steps: int = 8
    person: bool = True
    keep_pictures: KeepPictures = keep_none


class ToolLoop(Provider):
    """A provider of one answer: it asks the provider `inner` again and again, with the results."""

    def __init__(self, inner: Provider, toolbox: Toolbox, use: ToolUse) -> None:
        self.name, self.origin = inner.name, inner.origin
        self._inner = inner
        self._toolbox = toolbox
        self._use = use

    @property
    def default_model(self) -> str | None:
        return self._inner.default_model

    async def models(self) -> list[ModelInfo]:
        return await self._inner.models()

    async def generate(self, request: ChatRequest, emit: Emit) -> None:
        await _Answer(self._inner, self._toolbox, self._use, emit).produce(request)


@dataclass(slots=True)
class _Answer:
    """One run of the loop."""

    inner: Provider
    toolbox: Toolbox
    use: ToolUse
    emit: Emit
    tools: dict[str, Tool] = field(default_factory=dict)  # by the names that models know
    unlisted: dict[str, str] = field(default_factory=dict)  # servers, and why they failed
    steps: list[Step] = field(default_factory=list)
    last: list[tuple[str, str]] = field(default_factory=list)  # names and arguments of calls

    async def produce(self, request: ChatRequest) -> None:
        await self._find_tools()
        done = [await self._run_decided(call) for call in self.use.decided]
        if any(call.state in (WAITING, UNKNOWN) for call in self._ran(done)):
            return
        request = replace(request, messages=_with_decided(request.messages, done))
        if self.tools:
            tools = [tool.for_model() for tool in self.tools.values()]
            request = replace(request, options={**request.options, "tools": tools})
        used = {call.id for call in self.use.decided}
        while True:
            number = len(self.steps) + 1
            before = self.steps[-1] if self.steps else None
            step = Step(self.emit, number, before, used, hidden=not self.use.person)
            if not self.use.person and number == self.use.max_steps and self.tools:
                request = replace(request, options={**request.options, "tool_choice": "none"})
            self.steps.append(step)
            try:
                await self.inner.generate(request, step)
            finally:
                self._tell_sums(step, request)
            if not step.calls or (not self.use.person and step.number >= self.use.max_steps):
                return
            calls = [
                await self._run(await self._with_tool(number, fragment))
                for number, fragment in enumerate(step.calls)
            ]
            if self.use.person and any(call.state in (WAITING, UNKNOWN) for call in calls):
                return
            request = _with_results(request, step, calls)

    async def _find_tools(self) -> None:
        """Learn the tools of the servers. One that cannot be used is told, and left out."""
        for server in self.use.servers:
            try:
                tools = await self.toolbox.tools(server)
            except NotRun as error:
                details = {"server": server.name, "message": str(error)}
                self.emit(Notice("tools_unavailable", details))
                self.unlisted[server.name] = str(error)
                continue
            if not self.use.person:
                tools = [tool for tool in tools if not server.asks(tool.name)]
            self.tools |= {tool.called: tool for tool in tools}

    def _tell_sums(self, step: Step, request: ChatRequest) -> None:
        """Tell what the step took, and what all steps took together."""
        told = step.ended(request)
        if self.use.person:
            self.emit(told)
        usage = sum_of_usages([one.usage for one in self.steps])
        self.emit(Finish(usage=usage, cost=sum_of_costs([one.cost for one in self.steps])))

    async def _with_tool(self, number: int, fragment: ToolCall) -> Call:
        """The `number`-th call of a step, with the tool that the model means."""
        called, arguments = fragment["name"], fragment["arguments"]
        ids = fragment["index"], fragment["id"] or ""
        tool = self.tools.get(called)
        if tool is None:
            return Call(*ids, called, None, arguments, FAILED, NO_TOOL)
        call = Call(*ids, tool.name, tool.server.name, arguments, RUNNING)
        call = replace(call, definition=tool.definition)
        if number >= MAX_CALLS:
            return replace(call, state=FAILED, why=f"More than {MAX_CALLS} calls in one step.")
        if why := await self._must_wait(tool, called, arguments):
            return replace(call, state=WAITING, why=why, sha256=call.digest())
        return call

    async def _must_wait(self, tool: Tool, called: str, arguments: str) -> str | None:
        """Why a person must decide on this call; None: it runs unasked."""
        self.last = [*self.last, (called, arguments)][-IN_A_ROW:]
        if len(self.steps) >= self.use.max_steps:
            return STEPS
        if len(self.last) == IN_A_ROW and len(set(self.last)) == 1:
            return REPEATED
        if not tool.server.asks(tool.name):
            return None
        allowed = (await self.use.always()).get((tool.server.name, tool.name))
        if allowed is None:
            return ASKS
        return None if allowed == tool.definition else CHANGED

    async def _run_decided(self, call: Call) -> Call:
        """Run a call that a person has allowed. Readers know of the others already."""
        if call.state != WAITING:
            return call
        why = self._is_other(call)
        if call.sha256 != call.digest():
            why = "Its arguments are not those that were allowed."
        if why:
            return self._told(replace(call, state=FAILED, why=why))
        return await self._run(replace(call, state=RUNNING, why=None))

    def _is_other(self, call: Call) -> str | None:
        """Why the tool is not the one for which a call was allowed; None: it is."""
        if not call.definition:
            return None  # an earlier version of this program has stored the call
        of = (call.server, call.name)
        tool = next((t for t in self.tools.values() if (t.server.name, t.name) == of), None)
        if tool is None:
            return self.unlisted.get(call.server or "", NO_TOOL)
        return None if tool.definition == call.definition else OTHER_TOOL

    def _ran(self, done: list[Call]) -> list[Call]:
        """Those of the decided calls that ran now."""
        asked = {call.id for call in self.use.decided if call.state == WAITING}
        return [call for call in done if call.id in asked]

    async def _run(self, call: Call) -> Call:
        """Run a call that is `running`, and tell what became of it; others are only told."""
        if call.state == WAITING and not self.use.person:
            call = replace(call, state=FAILED, why="It did not run: nobody can allow it here.")
        if call.state != RUNNING:
            return self._told(call)
        server = next((s for s in self.use.servers if s.name == call.server), None)
        arguments = _object(call.arguments)
        if server is None:
            return self._told(replace(call, state=FAILED, why=NO_TOOL))
        if arguments is None:
            why = "Its arguments are no JSON object, so it did not run."
            return self._told(replace(call, state=FAILED, why=why))
        try:
            if self.use.ledger:
                await self.use.ledger.begin_call(self.use.generation_id, call)
        except ChatError as error:
            logger.warning("a call of a tool was not sent: %s", error.message)
            return self._told(replace(call, state=FAILED, why=NOT_STORED))
        self._tell(call)
        began = monotonic()
        call = await self._send(call, server, arguments)
        call = replace(call, ms=round((monotonic() - began) * 1000))
        if self.use.ledger:
            try:
                await self.use.ledger.end_call(self.use.generation_id, call)
            except ChatError as error:  # the end of the answer stores it, or it is `unknown`
                logger.warning("the result of a call is not stored yet: %s", error.message)
        return self._told(call)

    async def _send(self, call: Call, server: ToolServer, arguments: dict[str, Any]) -> Call:
        try:
            found = await self.toolbox.call(server, call.name, arguments)
        except NotRun as error:
            return replace(call, state=FAILED, why=str(error))
        except MayHaveRun as error:
            return replace(call, state=UNKNOWN, why=str(error))
        pictures = found.pop("pictures")
        is_error = found.pop("is_error")
        files, lost = await self.use.keep_pictures(pictures) if pictures else ([], [])
        for reason in lost:
            self.emit(Notice("image_not_kept", {"reason": reason}))
        result = {**found, "files": files}
        return replace(call, state=FAILED if is_error else DONE, result=result, is_error=is_error)

    def _tell(self, call: Call) -> None:
        if self.use.person:
            self.emit(events.Tool(call))

    def _told(self, call: Call) -> Call:
        self._tell(call)
        if call.result and call.result["sources"]:
            self.emit(Delta(sources=tuple(call.result["sources"])))
        return call


def _object(arguments: str) -> dict[str, Any] | None:
    """The arguments of a call; None: they are no JSON object. No arguments, or `null`, as some
    upstreams send it, are an empty one."""
    try:
        value = orjson.loads(arguments.strip() or "{}")
    except orjson.JSONDecodeError:
        return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def _with_decided(messages: list[dict[str, Any]], done: Sequence[Call]) -> list[dict[str, Any]]:
    """The messages, in which the results of decided calls are those that they have now. These calls
    are the last ones with a result."""
    results = {call.again or call.id: told(call.to_part()) for call in done}
    new = list(messages)
    for place in range(len(new) - 1, -1, -1):
        id = new[place].get("tool_call_id")
        if id is None:
            break
        if id in results:
            new[place] = {**new[place], "content": results[id]}
    return new


def _with_results(request: ChatRequest, step: Step, calls: Sequence[Call]) -> ChatRequest:
    """The request for the next step."""
    messages = [*request.messages, step.message()]
    signed = request.signed
    if step.signed and step.finish.upstream:
        place = len(messages) - 1, step.finish.upstream, step.finish.model or request.model
        signed = (*signed, SignedMembers(*place, step.signed))
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": told(call.to_part())} for call in calls
    ]
    return replace(request, messages=messages, signed=signed, continued_text="")
