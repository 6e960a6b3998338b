import json
from typing import Any

import pytest

from tornado_stream.providers.openai.lenient_json import (
    MAX_DEPTH,
    NOT_JSON,
    mend,
    parse_bounded,
    parse_json,
    to_json_text,
)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b'{"a":[1,2.5,null,true,"x"]}', {"a": [1, 2.5, None, True, "x"]}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b' "x" ', "x"),
        (b"7", 7),
        (b'["\\ud83d"]', ["\ud83d"]),
        (b'["\\ud83d\\ude00"]', ["😀"]),
        (b'["\xff"]', ["\ufffd"]),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":[Infinity,-Infinity,NaN,1e999]}', {"a": [None] * 4}),
        (b'{"a":"b\tc\x00"}', {"a": "b\tc\0"}),
        (b"[" + b"9" * 5000 + b"]", [None]),
    ],
)
def test_parse_json(data: bytes, value: Any) -> None:
    assert parse_json(data) == value


@pytest.mark.parametrize(
    "data", [b"", b"x", b"{", b"[DONE]", b"NaN", b'{"a":1}}', b"[" * 100_000, b"\xff", b"\xef\xbb"]
)
def test_parse_json_refuses(data: bytes) -> None:
    assert parse_json(data) is NOT_JSON


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("", ""),
        ("aé😀", "aé😀"),
        ("\ud83d\ude00", "😀"),
        ("\ud83d", "\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83da\ude00b", "\ufffda\ufffdb"),
    ],
)
def test_mend(text: str, mended: str) -> None:
    assert mend(text) == mended


@pytest.mark.parametrize("value", [{"a": [1, "é"]}, {"a": "\ud800"}, 2**70, []])
def test_to_json_text(value: Any) -> None:
    text = to_json_text(value)
    text.encode()
    assert json.loads(text) == value


def test_to_json_text_of_values_that_cannot_be_encoded() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    assert to_json_text(deep) == ""
    assert to_json_text({"a": object()}) == ""


def test_a_bounded_value_is_cut_where_it_is_too_deep() -> None:
    assert parse_bounded(b'{"a":[1]}') == ({"a": [1]}, True)
    assert parse_bounded(b'{"a":NaN}') == ({"a": None}, False)
    assert parse_bounded(b"x") == (NOT_JSON, False)
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        value, _ = parse_bounded(opening * 900 + b"1" + closing * 900)
        depth = 0
        while value is not None:
            value, depth = (value["a"] if isinstance(value, dict) else value[0]), depth + 1
        assert depth == MAX_DEPTH
    wide = b"[" + b"[]," * 500 + b"[]]"
    assert parse_bounded(wide)[0] == [[]] * 501
