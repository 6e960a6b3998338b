"""Lists of models as servers give them."""

from __future__ import annotations

import pytest

from tornado_stream.providers.openai.model_list import read_models


def only(entry):
    (model,) = read_models({"data": [{"id": "m", **entry}]}, "p", "why")
    assert (model.id, model.provider, model.state, model.detail) == ("m", "p", "ready", "why")
    return model


@pytest.mark.parametrize(
    "entry",
    [
        {"context_length": 8192},  # OpenRouter, Together
        {"context_window": 8192},  # Groq
        {"max_model_len": 8192},  # vLLM
        {"max_context_length": 8192},  # Mistral, LM Studio
        {"meta": {"n_ctx_train": 8192}},  # llama.cpp
        {"context_length": None, "top_provider": {"context_length": 8192}},
    ],
)
def test_how_much_a_model_takes(entry):
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
def test_what_a_model_can_do_where_the_server_says_so(entry, can):
    assert only(entry).can == can


def test_odd_entries_are_left_out():
    entries = [{"id": "a"}, None, {}, {"id": 7}, {"id": ""}, "b", {"id": "a"}, {"id": "c"}]
    assert [m.id for m in read_models({"data": entries}, "p")] == ["a", "c"]
    assert [m.id for m in read_models([{"id": "a"}], "p")] == ["a"]  # Together sends a bare list


@pytest.mark.parametrize("answer", [None, 7, "x", {}, {"data": None}, {"data": {"id": "a"}}])
def test_what_is_no_list_is_none(answer):
    assert read_models(answer, "p") is None
