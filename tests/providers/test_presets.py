"""What is known of servers by name."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tornado_stream.providers.presets import CUSTOM, preset_for, presets

NAMED = (
    "openai azure azure-v1 openrouter groq mistral deepseek together fireworks gemini anthropic "
    "ollama llamacpp lmstudio vllm"
).split()


def test_all_are_there_and_whole():
    assert list(presets()) == NAMED
    for name, preset in presets().items():
        parts = urlsplit(preset.base_url.replace("{resource}", "mine"))
        assert preset.name == name and preset.title
        if preset.local_port:
            assert (parts.hostname, parts.port) == ("127.0.0.1", preset.local_port)
        else:
            assert parts.scheme == "https" and preset.key_env.endswith("_API_KEY")


def test_one_is_known_by_its_address():
    assert preset_for("https://api.openai.com/v1").name == "openai"
    assert preset_for("https://example.com/v1") is CUSTOM


@pytest.mark.parametrize("model", ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini"])
def test_reasoning_models_want_other_names_and_no_temperature(model):
    options = {"max_tokens": 7, "temperature": 1, "top_p": 1, "reasoning_effort": "low"}
    adapted = presets()["openai"].adapt(model, options)
    assert adapted == {"max_completion_tokens": 7, "reasoning_effort": "low"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "chatgpt-4o-latest", "gpt-3.5-turbo"])
def test_others_get_what_was_set(model):
    options = {"max_tokens": 7, "temperature": 1}
    assert presets()["openai"].adapt(model, options) == options
    assert CUSTOM.adapt("o1", options) == options
