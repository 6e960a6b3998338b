"""The body of `POST /v1/responses` as a body of `POST /v1/chat/completions`. Pure.

The rule: each member is translated, passed on, left out or refused, as the table in
docs/http-api.md says. A member that neither API knows is passed on.
"""

from __future__ import annotations

from typing import Any

import orjson

from tornado_stream.chat.responses_input import Recall, chat_messages, shown
from tornado_stream.values.errors import InvalidRequest

#: Members that are translated into other members of chat completions.
TRANSLATED = frozenset(
    {"input", "instructions", "max_output_tokens", "reasoning", "text", "tools", "tool_choice"}
    | {"parallel_tool_calls"}
)
#: Members without effect: they are about what this server does not store, or change nothing in an
#: answer that comes from chat completions.
LEFT_OUT = frozenset(
    {"include", "max_tool_calls", "messages", "metadata", "store", "stream_options", "truncation"}
    | {"background", "conversation", "previous_response_id", "prompt", "top_logprobs"}
    | {"context_management"}
)
#: Members that are refused unless they are null, false, 0 or empty; and what to do instead.
REFUSED = {
    "background": "This server answers while its client waits. With the header "
    "Tornado-Stream-Keep: true the answer continues when the client leaves.",
    "conversation": "This server stores no responses. Send the whole conversation as input.",
    "previous_response_id": "This server stores no responses. Send the whole conversation as "
    "input.",
    "prompt": "This server has no stored prompts. Send instructions and input.",
    "top_logprobs": "Log probabilities are in POST /v1/chat/completions only.",
    "context_management": "This server shortens no input. Send a shorter one.",
}
#: Members of the request that the response repeats, and their values where they are not given.
REPEATED: dict[str, Any] = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
}
#: Members of a function tool that chat completions know.
_FUNCTION = ("name", "description", "parameters", "strict")
_SCHEMA = ("name", "description", "schema", "strict")


def chat_body(body: dict[str, Any], recall: Recall) -> dict[str, Any]:
    """The body for chat completions. Raises `InvalidRequest`, and `NotFound` for a reference to an
    item that `recall` does not know."""
    for name, instead in REFUSED.items():
        if body.get(name):
            message = f"{name} is not supported. {instead}"
            raise InvalidRequest(message, code="unsupported_parameter", param=name)
    _check_depth(body)
    skipped = TRANSLATED | LEFT_OUT
    chat = {name: value for name, value in body.items() if name not in skipped}
    chat["messages"] = _instructions(body) + chat_messages(body.get("input"), recall)
    limit = body.get("max_output_tokens")
    if limit is not None:
        if type(limit) is not int or limit < 1:
            raise _invalid("max_output_tokens", "a number, 1 or more")
        chat["max_tokens"] = limit
    if effort := _word(_object(body, "reasoning"), "effort", "reasoning"):
        chat["reasoning_effort"] = effort
    return chat | _text_options(_object(body, "text")) | _tool_options(body)


def response_head(body: dict[str, Any], id: str, created: int, model: str) -> dict[str, Any]:
    """A response that has just begun. `created` is in seconds since the epoch."""
    given = {name: body.get(name) for name in REPEATED}
    repeated = {n: REPEATED[n] if value is None else value for n, value in given.items()}
    return {
        "id": f"resp_{id}",
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "previous_response_id": None,
        "store": False,
        "top_logprobs": 0,
        "usage": None,
        **repeated,
        "truncation": "disabled",
    }


def _check_depth(body: dict[str, Any]) -> None:
    """Check that the response can repeat the members."""
    for name in REPEATED:
        try:
            orjson.dumps([[[body.get(name)]]])  # nested deeper than in an event
        except TypeError:
            raise InvalidRequest(f"{name} is nested too deeply.", param=name) from None


def _instructions(body: dict[str, Any]) -> list[dict[str, Any]]:
    instructions = body.get("instructions")
    if instructions is not None and not isinstance(instructions, str):
        raise _invalid("instructions", "text")
    return [{"role": "system", "content": instructions}] if instructions else []


def _text_options(text: dict[str, Any]) -> dict[str, Any]:
    """The options for the form of the text."""
    verbosity = _word(text, "verbosity", "text")
    options = {} if verbosity is None else {"verbosity": verbosity}
    format = _object(text, "format", "text.format")
    match format.get("type", "text"):
        case "text":
            return options
        case "json_object":
            return options | {"response_format": {"type": "json_object"}}
        case "json_schema":
            schema = {name: format[name] for name in _SCHEMA if format.get(name) is not None}
            return options | {"response_format": {"type": "json_schema", "json_schema": schema}}
        case other:
            raise _unsupported(
                "text.format", f"the type {shown(other)}", "text, json_object, json_schema"
            )


def _tool_options(body: dict[str, Any]) -> dict[str, Any]:
    """The tools and how they are used. Without tools there are no such options, since upstreams
    refuse `tool_choice` and `parallel_tool_calls` then."""
    tools = body.get("tools")
    if not (tools is None or isinstance(tools, list)):
        raise _invalid("tools", "a list")
    parallel = body.get("parallel_tool_calls")
    if not (parallel is None or isinstance(parallel, bool)):
        raise _invalid("parallel_tool_calls", "true or false")
    if not tools:
        return {}
    options: dict[str, Any] = {
        "tools": [_tool(tool, f"tools[{number}]") for number, tool in enumerate(tools)]
    }
    if body.get("tool_choice") is not None:
        options["tool_choice"] = _tool_choice(body["tool_choice"])
    if parallel is not None:
        options["parallel_tool_calls"] = parallel
    return options


def _tool(tool: Any, where: str) -> dict[str, Any]:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        if not isinstance(kind, str):
            raise _invalid(where, 'an object with a type, for example "function"')
        raise _unsupported(
            where,
            f"the tool {shown(kind)}, which this server does not have",
            "function tools, which your program runs itself",
        )
    if isinstance(tool.get("function"), dict):
        return {"type": "function", "function": tool["function"]}  # the form of chat completions
    function = {name: tool[name] for name in _FUNCTION if tool.get(name) is not None}
    if not isinstance(function.get("name"), str):
        raise _invalid(f"{where}.name", "text")
    return {"type": "function", "function": function}


def _tool_choice(choice: Any) -> Any:
    if isinstance(choice, str):
        return choice
    kind = choice.get("type") if isinstance(choice, dict) else None
    if kind == "function":
        return choice if "function" in choice else _named(choice)
    if kind == "allowed_tools" and isinstance(choice.get("tools"), list):
        tools = [_tool_choice(tool) for tool in choice["tools"]]
        allowed = {"mode": choice.get("mode", "auto"), "tools": tools}
        return {"type": "allowed_tools", "allowed_tools": allowed}
    raise _unsupported(
        "tool_choice", f"the type {shown(kind)}", "auto, none, required or a function"
    )


def _named(choice: dict[str, Any]) -> dict[str, Any]:
    return {"type": "function", "function": {"name": choice.get("name")}}


def _object(body: dict[str, Any], name: str, where: str = "") -> dict[str, Any]:
    value = body.get(name)
    if value is not None and not isinstance(value, dict):
        raise _invalid(where or name, "an object")
    return value or {}


def _word(value: dict[str, Any], name: str, where: str) -> str | None:
    word = value.get(name)
    if not (word is None or isinstance(word, str)):
        raise _invalid(f"{where}.{name}", "text")
    return word


def _invalid(param: str, expected: str) -> InvalidRequest:
    return InvalidRequest(f"{param} must be {expected}.", param=param)


def _unsupported(param: str, given: str, taken: str) -> InvalidRequest:
    message = f"{param} has {given}. This server takes {taken}."
    return InvalidRequest(message, code="unsupported_value", param=param)
