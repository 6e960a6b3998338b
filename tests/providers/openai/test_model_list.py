"""Lists of models in the formats of real upstreams."""

from __future__ import annotations

import pytest

from tornado_stream.providers.openai.model_list import read_models
from tornado_stream.values.costs import Price


def only(entry):
    (model,) = read_models({"data": [{"id": "m", **entry}]}, "p", "detail")
    assert (model.id, model.provider, model.state, model.detail) == ("m", "p", "ready", "detail")
    return model


@pytest.mark.parametrize(
    "entry",
    [
        {"context_length": 8192},  # OpenRouter, Together
        {"context_window": 8192},  # Groq
        {"max_model_len": 8192},  # vLLM
        {"max_context_length": 8192},  # Mistral, LM Studio
        {"meta": {"n_ctx_train": 8192}},  # llama.cpp
        {"meta": {"n_ctx_train": 32768, "n_ctx": 8192}},  # llama.cpp, started with less
        {"meta": {"n_ctx_train": 8192, "n_ctx": None}},
        {"context_length": None, "top_provider": {"context_length": 8192}},
    ],
)
def test_the_context_of_a_model(entry):
    assert only(entry).context == 8192


@pytest.mark.parametrize(
    ("entry", "can"),
    [
        ({"supported_parameters": ["tools", "include_reasoning", "seed"]}, ("tools", "reasoning")),
        ({"architecture": {"input_modalities": ["text", "image"]}}, ("vision",)),
        ({"capabilities": {"vision": True, "function_calling": False}}, ("vision",)),
        ({"capabilities": ["completion", "multimodal"]}, ("vision",)),
        ({"capabilities": "everything", "architecture": 7}, ()),
    ],
)
def test_the_abilities_that_an_upstream_lists(entry, can):
    assert only(entry).can == can


@pytest.mark.parametrize(
    ("entry", "created", "owned_by"),
    [
        ({"created": 1754524800, "owned_by": "an owner"}, 1754524800, "an owner"),
        ({"created": 0, "owned_by": ""}, 0, ""),
        ({"created": 1754524800000, "owned_by": None}, 0, ""),
        ({"created": "2026-01-01", "owned_by": {"name": "x"}}, 0, ""),
        ({"created": True, "owned_by": "x" * 500}, 0, "x" * 100),
        ({}, 0, ""),
    ],
)
def test_when_and_by_whom_a_model_was_made(entry, created, owned_by):
    assert (only(entry).created, only(entry).owned_by) == (created, owned_by)


@pytest.mark.parametrize(
    ("id", "owner", "maker"),
    [
        ("qwen/qwen3-32b", "openrouter", "qwen"),
        ("a/b/c", "", "a"),
        ("gpt-5-mini", "openai", "openai"),
        ("qwen3:8b", "library", ""),  # Ollama
        ("gpt-5", "system", ""),  # OpenAI
        ("m", "organization_owner", ""),  # LM Studio
        ("m", "", ""),
    ],
)
def test_who_made_a_model(id, owner, maker):
    (model,) = read_models([{"id": id, "owned_by": owner}], "p")
    assert model.maker == maker


@pytest.mark.parametrize(
    ("pricing", "price"),
    [
        ({"prompt": "0.00000025", "completion": "0.000002"}, Price(0.25, 2.0)),  # OpenRouter
        ({"input": "0.000003", "output": "0.000015"}, Price(3.0, 15.0)),  # Vercel
        (
            {"prompt": "0.00000125", "completion": "0.00001", "input_cache_read": "0.000000125"},
            Price(1.25, 10.0, 0.125),
        ),
        ({"prompt": "0", "completion": "0"}, Price(0.0, 0.0)),
        ({"prompt": "-1", "completion": "-1"}, None),  # depends on the request
        ({"prompt": "0.00000025"}, None),
        ({"input": 0.25, "output": 2}, None),  # of a token, or of a million?
        ({"prompt": "nan", "completion": "inf"}, None),
        ({"prompt": "0.25", "completion": "2.0"}, None),
        ({"prompt": "free", "completion": None}, None),
        ("cheap", None),
    ],
)
def test_the_price_that_an_upstream_lists(pricing, price):
    assert only({"pricing": pricing}).price == price


def test_entries_without_an_id_are_left_out():
    entries = [{"id": "a"}, None, {}, {"id": 7}, {"id": ""}, "b", {"id": "a"}, {"id": "c"}]
    assert [m.id for m in read_models({"data": entries}, "p")] == ["a", "c"]
    assert [m.id for m in read_models([{"id": "a"}], "p")] == ["a"]  # Together sends a bare list


@pytest.mark.parametrize("answer", [None, 7, "x", {}, {"data": None}, {"data": {"id": "a"}}])
def test_other_json_is_not_a_list(answer):
    assert read_models(answer, "p") is None
