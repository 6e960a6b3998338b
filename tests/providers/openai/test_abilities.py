"""What models can do, as their servers say it in their own ways."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler

from tornado_stream.providers.openai.abilities import abilities_in
from tornado_stream.providers.openai.provider import OpenAIProvider
from tornado_stream.providers.presets import presets
from tornado_stream.providers.upstream import Upstream
from tornado_stream.providers.upstream_config import UpstreamConfig

MODELS = ["llava", "qwen3"]
OLLAMA = {"llava": ["completion", "vision"], "qwen3": ["completion", "tools", "thinking"]}


@pytest.fixture
def server(io_loop):
    """A server whose `answers` are by path; `asked` has the requests."""
    asked: list[str] = []
    answers: dict[str, Any] = {"/v1/models": {"data": [{"id": id} for id in MODELS]}}

    class Answer(RequestHandler):
        def get(self) -> None:
            asked.append(self.request.path)
            found = answers.get(self.request.path)
            if found is None:
                self.send_error(404)
            else:
                self.finish(found(self) if callable(found) else json.dumps(found))

        post = get

    async def start() -> HTTPServer:
        server = HTTPServer(Application([(r".*", Answer)], log_function=lambda _: None))
        sock, server.port = bind_unused_port()
        server.add_socket(sock)
        server.asked, server.answers = asked, answers
        return server

    server = io_loop.run_sync(start)
    yield server
    server.stop()
    io_loop.run_sync(server.close_all_connections)


def provider(server, preset: str, **more: Any) -> OpenAIProvider:
    url = f"http://127.0.0.1:{server.port}/v1"
    config = UpstreamConfig("u", url, preset=replace(presets()[preset], base_url=url), **more)
    return OpenAIProvider(Upstream(), config)


async def known(one: OpenAIProvider) -> dict[str, Any]:
    models = {m.id: set(m.can) if m.can_known else None for m in await one.models()}
    for id, can in models.items():
        assert one.can(id) == can
    await one.close(0)
    return models


def shown(handler: RequestHandler) -> str:
    return json.dumps({"capabilities": OLLAMA[json.loads(handler.request.body)["model"]]})


@pytest.mark.gen_test
async def test_ollama_is_asked_for_each_model_once(server):
    server.answers["/api/show"] = shown
    one = provider(server, "ollama")
    assert one.can("llava") is None
    await one.models()
    one._listing._due = 0
    assert await known(one) == {"llava": {"vision"}, "qwen3": {"tools", "reasoning"}}
    assert server.asked.count("/api/show") == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(("vision", "can"), [(True, {"vision"}), (False, set())])
async def test_llama_cpp_says_what_its_model_takes(server, vision, can):
    server.answers["/props"] = {"modalities": {"vision": vision, "audio": False}}
    assert await known(provider(server, "llamacpp")) == dict.fromkeys(MODELS, can)


@pytest.mark.gen_test
async def test_lm_studio_has_a_list_of_its_own(server):
    server.answers["/api/v0/models"] = {
        "data": [
            {"id": "llava", "type": "vlm", "capabilities": []},
            {"id": "qwen3", "type": "llm", "capabilities": ["tool_use"]},
            {"id": "other", "type": "embeddings"},
        ]
    }
    assert await known(provider(server, "lmstudio")) == {"llava": {"vision"}, "qwen3": {"tools"}}


@pytest.mark.gen_test
@pytest.mark.parametrize("preset", ["ollama", "llamacpp", "lmstudio", "vllm"])
@pytest.mark.parametrize("answer", [None, [], {}, {"data": [1]}, {"modalities": {"vision": 1}}])
async def test_what_is_not_said_is_not_known(server, preset, answer):
    if answer is not None:
        path = presets()[preset].abilities
        server.answers |= {path: answer} if path else {}
    assert await known(provider(server, preset)) == dict.fromkeys(MODELS)


@pytest.mark.gen_test
async def test_the_configuration_says_more_than_the_server(server):
    server.answers["/api/show"] = shown
    one = provider(server, "ollama", can={"llava": ("tools",)})
    assert one.can("llava") == {"tools"}
    assert await known(one) == {"llava": {"tools"}, "qwen3": {"tools", "reasoning"}}
    assert server.asked.count("/api/show") == 1


def test_other_answers_say_nothing():
    for answer in (None, 1, "x", [], {"data": {}}, {"data": [{"id": 1, "type": "vlm"}]}):
        assert abilities_in(answer, MODELS) == {}
