"""Encodes a request for a chat completion as one for OpenAI's Responses API. Pure.

The rule: what has another name or shape there is translated, and everything else is passed on. The
upstream is never asked to store a response
(https://platform.openai.com/docs/api-reference/responses/create).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tornado_stream.providers.openai.responses_output import REASONING_ITEMS

#: Options of chat completions that the Responses API does not have.
NOT_THERE = frozenset(
    "audio frequency_penalty function_call functions logit_bias logprobs modalities n prediction "
    "presence_penalty seed stop web_search_options".split()
)
#: Values of these that ask for nothing.
_NEUTRAL: dict[str, Any] = {
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "modalities": ["text"],
    "n": 1,
    "presence_penalty": 0,
}
#: Options that every request has, unless the upstream refuses them.
DEFAULTS: dict[str, Any] = {"reasoning_summary": "auto", "include": ["reasoning.encrypted_content"]}
#: Names of options in the errors of the Responses API.
SENT_NAMES = {
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning.effort",
    "reasoning_summary": "reasoning.summary",
    "response_format": "text.format",
    "verbosity": "text.verbosity",
}

_NO_PARAMETERS = {"type": "object", "properties": {}}


def not_there(options: dict[str, Any]) -> list[str]:
    """The options that ask for what the Responses API does not have."""
    return sorted(
        name
        for name in NOT_THERE & options.keys()
        if options[name] is not None and options[name] != _NEUTRAL.get(name)
    )


def with_defaults(options: dict[str, Any]) -> dict[str, Any]:
    """The options with those that every request has, without those that are not there."""
    left_out = not_there(options)
    options = {name: value for name, value in options.items() if name not in left_out}
    given = options.get("include")
    include = [*DEFAULTS["include"], *(given if isinstance(given, list) else ())]
    return {**DEFAULTS, **options, "include": list(dict.fromkeys(map(str, include)))}


def responses_body(
    messages: list[dict[str, Any]], options: dict[str, Any], *, model: str
) -> dict[str, Any]:
    """The body of `POST /responses`. None of the options replaces the model, the messages, the
    streaming or `store`. Options that are null, or not there, are left out."""
    given = {n: v for n, v in options.items() if v is not None and n not in NOT_THERE}
    tools = [_tool(tool) for tool in _dicts(given.get("tools"))]
    custom = {str(tool.get("name")) for tool in tools if tool.get("type") == "custom"}
    items = [item for message in messages for item in _items(message, custom)]
    _name_outputs(items)
    body: dict[str, Any] = {
        "model": model,
        "input": items,
        "stream": True,
        "store": False,
    }
    for name, value in _translated(given).items():
        body.setdefault(name, value)
    if tools:
        body["tools"] = tools
    return body


# Options


def _translated(options: dict[str, Any]) -> dict[str, Any]:
    """The options under their names in the Responses API."""
    moved = {*SENT_NAMES, "stream_options"}
    there = {name: value for name, value in options.items() if name not in moved}
    limit = options.get("max_completion_tokens", options.get("max_tokens"))
    if limit is not None:
        there.setdefault("max_output_tokens", limit)
    effort, summary = options.get("reasoning_effort"), options.get("reasoning_summary")
    _set(there, "reasoning", effort=effort, summary=summary)
    form = _form(options.get("response_format"))
    _set(there, "text", format=form, verbosity=options.get("verbosity"))
    if isinstance(stream_options := options.get("stream_options"), dict):
        rest = {name: v for name, v in stream_options.items() if name != "include_usage"}
        if rest:  # the usage comes in any case
            there["stream_options"] = rest
    if "tool_choice" in there:
        there["tool_choice"] = _tool_choice(there["tool_choice"])
    return there


def _set(options: dict[str, Any], name: str, **members: Any) -> None:
    """Set the members of an option that are not None and that it does not have."""
    given = options.get(name, {})
    new = {member: value for member, value in members.items() if value is not None}
    if new and isinstance(given, dict):
        options[name] = {**new, **given}


def _form(form: Any) -> Any:
    """The form of the text: a schema has no object of its own."""
    if isinstance(form, dict) and isinstance(form.get("json_schema"), dict):
        return {"type": form.get("type", "json_schema"), **form["json_schema"]}
    return form


def _tool(tool: dict[str, Any]) -> dict[str, Any]:
    kind = tool.get("type")
    inner = tool.get(kind) if kind in ("function", "custom") else None
    if not isinstance(inner, dict):
        return tool
    given = {name: value for name, value in inner.items() if value is not None}
    if kind == "function":
        # Without `strict` the Responses API is strict, and chat completions are not.
        return {"type": kind, "parameters": _NO_PARAMETERS, "strict": False, **given}
    form = given.get("format")
    if isinstance(form, dict) and isinstance(form.get("grammar"), dict):
        given["format"] = {"type": "grammar", **form["grammar"]}
    return {"type": kind, **given}


def _tool_choice(choice: Any) -> Any:
    match choice:
        case {"type": "function" | "custom" as kind} if isinstance(choice.get(kind), dict):
            return {"type": kind, "name": choice[kind].get("name")}
        case {"type": "allowed_tools", "allowed_tools": {**allowed}}:
            tools = [_tool_choice(tool) for tool in _dicts(allowed.get("tools"))]
            return {"type": "allowed_tools", **allowed, "tools": tools}
        case _:
            return choice


# Messages


def _items(message: dict[str, Any], custom: Collection[str]) -> list[dict[str, Any]]:
    """The items that a message stands for. `custom` are the names of tools that take a text."""
    role, content = message.get("role"), message.get("content")
    if role == "tool":
        id = message.get("tool_call_id")
        return [{"type": "function_call_output", "call_id": id, "output": _content(content)}]
    if role != "assistant":
        return [{"role": role, "content": _content(content)}]
    items = [
        item for item in _dicts(message.get(REASONING_ITEMS)) if item.get("type") == "reasoning"
    ]
    said = _said(content, message.get("refusal"))
    if said:
        head = {} if isinstance(said, str) else {"type": "message"}  # parts are those of an output
        items.append({**head, "role": "assistant", "content": said})
    return items + [_call(call, custom) for call in _dicts(message.get("tool_calls"))]


def _content(content: Any) -> Any:
    """What a user, a system prompt or a tool says."""
    if not isinstance(content, list):
        return "" if content is None else content
    return _joined([_part(part, "input_text") for part in content])


def _said(content: Any, refusal: Any) -> Any:
    """What an assistant said; empty where it said nothing."""
    parts = [{"type": "text", "text": content}] if isinstance(content, str) and content else []
    parts = [_part(p, "output_text") for p in (content if isinstance(content, list) else parts)]
    if isinstance(refusal, str) and refusal:
        parts.append({"type": "refusal", "refusal": refusal})
    return _joined(parts)


def _joined(parts: list[Any]) -> Any:
    """Parts that are plain text as one text, which every server takes."""
    texts = [p.get("text") for p in parts if isinstance(p, dict) and p.keys() <= _PLAIN]
    if len(texts) == len(parts) and all(isinstance(text, str) for text in texts):
        return "".join(map(str, texts))
    return parts


#: The members of a part that has a text and nothing else that matters.
_PLAIN = {"type", "text", "annotations"}


def _part(part: Any, text_type: str) -> Any:
    match part:
        case {"type": "text"}:
            more: dict[str, Any] = {"annotations": []} if text_type == "output_text" else {}
            return {**part, "type": text_type, **more}
        case {"type": "image_url", "image_url": {**image}}:
            return {"type": "input_image", "image_url": image.pop("url", None), **image}
        case {"type": "image_url"}:
            return {"type": "input_image", "image_url": part.get("image_url")}
        case {"type": "file", "file": {**file}}:
            return {"type": "input_file", **file}
        case _:
            return part


def _call(call: dict[str, Any], custom: Collection[str]) -> dict[str, Any]:
    inner = call.get("function") or call.get("custom")
    inner = inner if isinstance(inner, dict) else {}
    name, text = inner.get("name"), inner.get("arguments", inner.get("input", ""))
    head = {"call_id": call.get("id"), "name": name}
    if call.get("type") == "custom" or str(name) in custom:
        return {"type": "custom_tool_call", **head, "input": text}
    return {"type": "function_call", **head, "arguments": text}


def _name_outputs(items: list[dict[str, Any]]) -> None:
    """Give the outputs of tools that take a text their own type."""
    calls = {str(item["call_id"]) for item in items if item.get("type") == "custom_tool_call"}
    for item in items:
        if item.get("type") == "function_call_output" and str(item["call_id"]) in calls:
            item["type"] = "custom_tool_call_output"


def _dicts(values: Any) -> list[dict[str, Any]]:
    values = values if isinstance(values, list) else []
    return [value for value in values if isinstance(value, dict)]
