"""Presets and prompts: what they may hold."""

from __future__ import annotations

import pytest

from tornado_stream.values.presets import InvalidPreset, parse_preset

SYSTEM = {"system": "Be brief."}


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (SYSTEM, {"kind": "preset", "system": "Be brief.", "model": None, "options": {}}),
        ({"kind": "preset", "model": "m"}, {"model": "m", "system": None, "text": ""}),
        ({"options": {"a": [1, {"b": None}]}, "tools": []}, {"options": {"a": [1, {"b": None}]}}),
        ({"kind": "prompt", "text": "{{a}} {{a"}, {"kind": "prompt", "text": "{{a}} {{a"}),
    ],
)
def test_a_preset_as_the_api_shows_it(given, shown):
    data = parse_preset("an id", "Name ü", given).to_json()
    assert data | shown == data
    assert (data["id"], data["name"], data["shared"], data["version"]) == (
        "an id",
        "Name ü",
        False,
        1,
    )
    assert data["tools"] == []


@pytest.mark.parametrize(
    ("name", "given", "key", "says"),
    [
        ("a", {}, "", "at least one of system"),
        ("a", {"kind": "prompt"}, "", "must have a text"),
        ("a", {"kind": "promt", "text": "x"}, "kind", '"preset" or "prompt"'),
        ("a", {"kind": ["preset"], "text": "x"}, "kind", '"preset" or "prompt"'),
        ("a", {"text": "x"}, "text", "no such key; it has kind, system, model, options, tools"),
        ("a", {"kind": "prompt", "text": "x", "system": "y"}, "system", "it has kind, text"),
        ("a", SYSTEM | {"temperature": 1}, "temperature", "no such key"),
        ("a", SYSTEM | {"tools": "time"}, "tools", "it must be a list of names"),
        ("a", {"system": 7}, "system", "must be text"),
        ("a", {"system": " \n"}, "system", "must be text"),
        ("a", {"model": "m" * 201}, "model", "at most 200"),
        ("a", {"options": []}, "options", "must be a table"),
        ("a", {"options": {"model": "x"}}, "options", "model is no option"),
        ("a", {"options": {"stream": True}}, "options", "stream is no option"),
        ("a", {"options": {"x": float("nan")}}, "options", "may hold"),
        ("a", {"options": {"x": [float("inf")]}}, "options", "may hold"),
        ("a", {"options": {"x": 2**63}}, "options", "may hold"),
        ("a", {"options": {"x": {"y": object()}}}, "options", "may hold"),
        ("a", {"system": "ü" * 32_768}, "", "more than 64 KiB"),
        *((name, SYSTEM, "", "its name") for name in ("", " a", "a\n", "x" * 65, "a\u202eb", None)),
    ],
)
def test_a_mistake_names_its_member(name, given, key, says):
    with pytest.raises(InvalidPreset, match=says) as caught:
        parse_preset("id", name, given)
    assert caught.value.key == key


def test_options_that_are_nested_without_end_are_refused():
    options: dict = {"x": 1}
    for _ in range(100_000):
        options = {"x": options}
    with pytest.raises(InvalidPreset, match="may hold"):
        parse_preset("id", "a", {"options": options})
