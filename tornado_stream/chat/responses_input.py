"""The `input` of `POST /v1/responses` as messages of chat completions. Pure.

The rule: what cannot be said in chat completions is refused with words, never left out. Only
reasoning is left out, because chat completions have no place for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tornado_stream.values.errors import InvalidRequest, NotFound

#: Finds an item of an earlier response by its id; None where it is not known.
Recall = Callable[[str], dict[str, Any] | None]

ROLES = frozenset({"system", "developer", "user", "assistant"})
#: The beginning of every id of a reasoning item. A reference to one is left out like the item.
REASONING_ID = "rs_"
#: Characters of a text that an error repeats.
SHOWN = 60
#: Members of a text part of an earlier answer, which chat completions do not take.
_OUTPUT_ONLY = frozenset({"type", "annotations", "logprobs"})


def chat_messages(given: Any, recall: Recall) -> list[dict[str, Any]]:
    """The messages that an `input` stands for: a text, or a list of items.

    Raises `InvalidRequest` for what is malformed or has no form in chat completions, and `NotFound`
    for a reference that `recall` does not know.
    """
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise InvalidRequest("input is required: a text, or a list of items.", param="input")
    messages: list[dict[str, Any]] = []
    for number, item in enumerate(given):
        _add(messages, item, f"input[{number}]", recall)
    return messages


def shown(value: Any) -> str:
    """A value in the words of an error: short, whatever it is."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return repr(value[:SHOWN] if isinstance(value, str) else value)


def _add(messages: list[dict[str, Any]], item: Any, where: str, recall: Recall) -> None:
    """Append an item, or join it to the assistant's message that it belongs to."""
    if not isinstance(item, dict):
        raise InvalidRequest(f"{where} must be an object.", param=where)
    if _is_reference(item):
        if (found := _recalled(item, where, recall)) is None:
            return
        item = found
    match item.get("type", "message"):
        case "message":
            _add_message(messages, item, where)
        case "function_call":
            _add_call(messages, item, where)
        case "function_call_output":
            output = {"role": "tool", "tool_call_id": _text(item, "call_id", where)}
            content = _content(item.get("output"), f"{where}.output")
            messages.append({**output, "content": content or ""})
        case "reasoning":
            pass
        case other:
            raise InvalidRequest(
                f"{where} has the type {shown(other)}. This server asks its upstream by chat "
                "completions, which know messages, function calls and their outputs only.",
                code="unsupported_value",
                param=where,
            )


def referred_to(given: Any) -> list[str]:
    """The ids of the items that an `input` names instead of sending them; one that is malformed is
    left out."""
    items = given if isinstance(given, list) else []
    ids = [item.get("id") for item in items if isinstance(item, dict) and _is_reference(item)]
    return [id for id in ids if isinstance(id, str) and not id.startswith(REASONING_ID)]


def _is_reference(item: dict[str, Any]) -> bool:
    return item.get("type", "item_reference") == "item_reference" and "role" not in item


def _recalled(item: dict[str, Any], where: str, recall: Recall) -> dict[str, Any] | None:
    """The item that a reference names; None for reasoning."""
    id = _text(item, "id", where)
    if id.startswith(REASONING_ID):
        return None
    found = recall(id)
    if found is None:
        raise NotFound(
            f"This server does not have the item {id[:SHOWN]} (any more). Send the "
            "item itself instead of a reference; clients do so if they are told store: false.",
            code="item_not_found",
            param=where,
        )
    return found


def _add_message(messages: list[dict[str, Any]], item: dict[str, Any], where: str) -> None:
    role = item.get("role")
    if not isinstance(role, str) or role not in ROLES:
        roles = ", ".join(sorted(ROLES))
        raise InvalidRequest(f"{where}.role must be one of {roles}.", param=f"{where}.role")
    if role != "assistant":
        content = _content(item.get("content"), f"{where}.content")
        messages.append({"role": role, "content": content})
        return
    message = _assistant(item.get("content"), f"{where}.content")
    last = messages[-1] if messages else {}
    if "tool_calls" in last:  # the text of a turn may follow its calls
        last |= message | {"content": _joined(last["content"], message["content"])}
    else:
        messages.append(message)


def _assistant(content: Any, where: str) -> dict[str, Any]:
    """An assistant's message; its refusal is a member of its own there."""
    if not isinstance(content, list):
        return {"role": "assistant", "content": _content(content, where)}
    parts = [_object(part, where) for part in content]
    refusals = [part for part in parts if part.get("type") == "refusal"]
    text = _content([part for part in parts if part.get("type") != "refusal"], where)
    if not refusals:
        return {"role": "assistant", "content": text}
    refusal = "".join(_text(part, "refusal", where) for part in refusals)
    return {"role": "assistant", "content": text or None, "refusal": refusal}


def _joined(first: Any, second: Any) -> Any:
    """Two contents in one: texts, parts or None."""
    if not (first and second):
        return first or second
    if isinstance(first, str) and isinstance(second, str):
        return first + second
    return [
        part
        for content in (first, second)
        for part in ([{"type": "text", "text": content}] if isinstance(content, str) else content)
    ]


def _add_call(messages: list[dict[str, Any]], item: dict[str, Any], where: str) -> None:
    """Append a call to the assistant's message that stands last, else to a new one."""
    arguments = item.get("arguments", "")
    if not isinstance(arguments, str):
        raise InvalidRequest(f"{where}.arguments must be text.", param=f"{where}.arguments")
    call = {
        "id": _text(item, "call_id", where),
        "type": "function",
        "function": {"name": _text(item, "name", where), "arguments": arguments},
    }
    last = messages[-1] if messages else {}
    if last.get("role") != "assistant":
        last = {"role": "assistant", "content": None}
        messages.append(last)
    last.setdefault("tool_calls", []).append(call)


def _content(content: Any, where: str) -> str | list[dict[str, Any]]:
    """A text or parts as the content of a message. Parts that are plain text are joined, because
    many upstreams take parts only where there are pictures."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise InvalidRequest(f"{where} must be text, or a list of parts.", param=where)
    parts = [_part(part, f"{where}[{number}]") for number, part in enumerate(content)]
    if all(part.keys() == {"type", "text"} for part in parts):
        return "".join(part["text"] for part in parts)
    return parts


def _part(value: Any, where: str) -> dict[str, Any]:
    part = _object(value, where)
    match part.get("type"):
        case "input_text" | "text":
            return {**part, "type": "text", "text": _text(part, "text", where, empty=True)}
        case "output_text":
            kept = {name: value for name, value in part.items() if name not in _OUTPUT_ONLY}
            return {"type": "text", **kept, "text": _text(part, "text", where, empty=True)}
        case "input_image":
            return _image(part, where)
        case "input_file":
            return _file(part, where)
        case "input_audio" if isinstance(part.get("input_audio"), dict):
            return part
        case other:
            raise InvalidRequest(
                f"{where} has the type {shown(other)}. This server takes input_text, output_text, "
                "input_image, input_file and input_audio.",
                code="unsupported_value",
                param=where,
            )


def _image(part: dict[str, Any], where: str) -> dict[str, Any]:
    if part.get("image_url") is None and part.get("file_id") is not None:
        raise _no_files(f"{where}.file_id", "image_url, which may be a data: URL")
    image = {"url": _text(part, "image_url", where)}
    if part.get("detail") is not None:
        image["detail"] = _text(part, "detail", where)
    return {"type": "image_url", "image_url": image}


def _file(part: dict[str, Any], where: str) -> dict[str, Any]:
    for name in ("file_id", "file_url"):
        if part.get(name) is not None and part.get("file_data") is None:
            raise _no_files(f"{where}.{name}", "file_data")
    file = {"file_data": _text(part, "file_data", where)}
    if part.get("filename") is not None:
        file["filename"] = _text(part, "filename", where)
    return {"type": "file", "file": file}


def _no_files(where: str, instead: str) -> InvalidRequest:
    message = f"{where} names a file, and this server has no store of files. Send {instead}."
    return InvalidRequest(message, code="unsupported_parameter", param=where)


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"{where} must be an object.", param=where)
    return value


def _text(value: dict[str, Any], name: str, where: str, *, empty: bool = False) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not (text or empty):
        raise InvalidRequest(f"{where}.{name} must be text.", param=f"{where}.{name}")
    return text
