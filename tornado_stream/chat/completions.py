"""Answers for programs that speak OpenAI's API, over the same upstreams as the chat's.

The rule: an answer that the client did not ask to keep is only in memory, and is cancelled when
the client leaves. An answer that the client asked to keep is a conversation like any other.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tornado_stream.chat.requests import SendRequest, new_answer, new_thread, now_ms, user_message
from tornado_stream.generations.generation import Generation
from tornado_stream.generations.producer import Job
from tornado_stream.generations.registry import Generations
from tornado_stream.providers.base import Provider
from tornado_stream.values.costs import TOKEN_LENGTH
from tornado_stream.values.messages import LOCAL_OWNER, ChatRequest


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """The content of `POST /v1/chat/completions`. `messages` are passed on unchanged; `keep` says
    that the answer is saved, and continues when its client leaves."""

    id: str
    messages: list[dict[str, Any]]
    model: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    include_usage: bool = False
    keep: bool = False
    owner: str = LOCAL_OWNER


class CompletionService:
    """Starts such answers, and cancels those whose clients have left."""

    def __init__(self, generations: Generations, provider: Provider) -> None:
        self._generations = generations
        self._provider = provider

    async def start(self, request: CompletionRequest) -> Generation:
        """Start the answer. Raises what `Generations.start` raises."""
        text = last_question(request.messages)
        send = SendRequest(request.id, text, model=request.model, owner=request.owner)
        thread = new_thread(text)
        answer = new_answer(send, thread, user_message(text, thread), self._provider.default_model)
        chat_request = ChatRequest(request.messages, request.model, request.options)
        job = Job(answer, self._provider, chat_request, owner=request.owner, persisted=request.keep)
        return await self._generations.start(job)

    def response_ended(self, request: CompletionRequest) -> None:
        """Cancel the answer if it is still running, unless the client asked to keep it."""
        if not request.keep:
            self._generations.cancel(request.id)


def last_question(messages: list[dict[str, Any]]) -> str:
    """The text of the user's last message; "" where there is none."""
    for message in reversed(messages):
        if message.get("role") == "user":
            content = message.get("content")
            return content if isinstance(content, str) else ""
    return ""


class Chunks:
    """An answer's events as the chunks of OpenAI's stream."""

    def __init__(self, request: CompletionRequest, generation: Generation) -> None:
        self._request = request
        self._length = 0
        self._head = {
            "id": f"chatcmpl-{generation.id}",
            "object": "chat.completion.chunk",
            "created": now_ms() // 1000,
            "model": generation.message.model or "",
        }
        self._begun = False
        self._named: set[int] = set()

    def delta(self, data: dict[str, Any]) -> dict[str, Any]:
        """The chunk of a `delta` event."""
        delta: dict[str, Any] = {} if self._begun else {"role": "assistant"}
        self._begun = True
        self._length += len(data.get("content", "")) + len(data.get("reasoning", ""))
        if "content" in data:
            delta["content"] = data["content"]
        if "reasoning" in data:
            delta["reasoning_content"] = data["reasoning"]
        if "refusal" in data:
            delta["refusal"] = data["refusal"]
        if "tool_calls" in data:
            delta["tool_calls"] = [self._tool_call(call) for call in data["tool_calls"]]
        return self._chunk(delta, None)

    def end(self, data: dict[str, Any], tools: bool) -> list[dict[str, Any]]:
        """The last chunks: finish reason and usage, or the error."""
        if data["state"] != "done":
            return [{"error": error_object(data)}]
        reason = data["finish_reason"] or ("tool_calls" if tools else "stop")
        chunks = [self._chunk({}, reason)]
        if self._request.include_usage:
            usage = data["usage"] or estimated_usage(self._request, self._length)
            chunks.append({**self._head, "choices": [], "usage": usage})
        return chunks

    def _tool_call(self, call: dict[str, Any]) -> dict[str, Any]:
        function = {"arguments": call["arguments"]}
        fragment = {"index": call["index"], "function": function}
        if call["index"] not in self._named:  # only the first fragment has id and type
            self._named.add(call["index"])
            fragment |= {"id": call["id"], "type": "function"}
        if call["name"]:
            function["name"] = call["name"]
        return fragment

    def _chunk(self, delta: dict[str, Any], reason: str | None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**self._head, "choices": [choice]}


def estimated_usage(request: CompletionRequest, answer_length: int) -> dict[str, Any]:
    """An estimate, marked as one, for clients that need a usage when the upstream sent none."""
    texts = [message["content"] for message in request.messages]
    prompt = sum(len(text) for text in texts if isinstance(text, str)) // TOKEN_LENGTH
    answer = answer_length // TOKEN_LENGTH
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answer,
        "total_tokens": prompt + answer,
        "estimated": True,
    }


def completion(request: CompletionRequest, generation: Generation) -> dict[str, Any]:
    """An ended answer in the form of OpenAI's whole completion."""
    answer = generation.message
    message: dict[str, Any] = {
        "role": "assistant",
        "content": answer.content if answer.content or not answer.tool_calls else None,
        "refusal": answer.refusal or None,
    }
    if answer.reasoning:
        message["reasoning_content"] = answer.reasoning
    if answer.tool_calls:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["arguments"]},
            }
            for call in answer.tool_calls
        ]
    reason = answer.finish_reason or ("tool_calls" if answer.tool_calls else "stop")
    return {
        "id": f"chatcmpl-{generation.id}",
        "object": "chat.completion",
        "created": answer.created_at // 1000,
        "model": answer.model or "",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": answer.usage or estimated_usage(request, len(answer.content + answer.reasoning)),
    }


def error_object(end: dict[str, Any]) -> dict[str, Any]:
    """The error of an answer that did not end as `done`, in OpenAI's form."""
    kind, error = "upstream_error", end["error"]
    if error is None:
        kind = "server_error"
        error = {"message": f"The answer was {end['state']}.", "code": end["state"]}
    elif error["code"] == "rate_limit":
        kind = "rate_limit_error"
    return {"message": error["message"], "type": kind, "param": None, "code": error["code"]}
