"""The presets of well-known upstreams."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tornado_stream.providers.presets import CUSTOM, preset_for, presets

NAMED = (
    "openai azure azure-v1 openrouter groq mistral deepseek together fireworks gemini anthropic "
    "ollama llamacpp lmstudio vllm"
).split()


def test_every_preset_is_complete():
    assert list(presets()) == NAMED
    for name, preset in presets().items():
        parts = urlsplit(preset.base_url.replace("{resource}", "mine"))
        assert preset.name == name and preset.title
        if preset.local_port:
            assert (parts.hostname, parts.port) == ("127.0.0.1", preset.local_port)
        else:
            assert parts.scheme == "https" and preset.key_env.endswith("_API_KEY")


def test_a_preset_is_found_by_its_base_url():
    assert preset_for("https://api.openai.com/v1").name == "openai"
    assert preset_for("https://example.com/v1") is CUSTOM


@pytest.mark.parametrize("model", ["o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-mini"])
def test_reasoning_models_get_other_names_and_no_temperature(model):
    options = {"max_tokens": 7, "temperature": 1, "top_p": 1, "reasoning_effort": "low"}
    adapted = presets()["openai"].adapt(model, options)
    assert adapted == {"max_completion_tokens": 7, "reasoning_effort": "low"}


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "chatgpt-4o-latest", "gpt-3.5-turbo"])
def test_other_models_get_the_options_unchanged(model):
    options = {"max_tokens": 7, "temperature": 1}
    assert presets()["openai"].adapt(model, options) == options
    assert CUSTOM.adapt("o1", options) == options
