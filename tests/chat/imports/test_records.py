"""Objects are found in JSON of any size, and damage costs only what it hits."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tornado_stream.chat.imports import records
from tornado_stream.chat.imports.records import Damaged, Records, loads


def known(record: dict[str, Any]) -> bool:
    return "mapping" in record


def conversation(number: int, size: int = 10) -> dict[str, Any]:
    text = f'a "quoted\\" {{[ ]}} \\ é \u2028 {number} ' * size
    nodes = {f"n{n}": {"id": f"n{n}", "title": text, "parts": [text, {"a": []}]} for n in range(5)}
    return {"title": f"title {number}", "create_time": 1.5 + number, "mapping": nodes}


class Pieces:
    """A file whose reads return pieces of random lengths."""

    def __init__(self, data: bytes, seed: int = 0) -> None:
        self._file = io.BytesIO(data)
        self._random = random.Random(seed)

    def __call__(self, size: int) -> bytes:
        return self._file.read(self._random.choice([1, 7, 50, 3000, 9000]))


def read(data: bytes, seed: int = 0) -> list[Any]:
    return list(Records(Pieces(data, seed), known))


FORMS = {
    "a list": lambda values: json.dumps(values),
    "a list with indents": lambda values: json.dumps(values, indent=2),
    "without escapes": lambda values: "\ufeff" + json.dumps(values, ensure_ascii=False),
    "lines": lambda values: "\n".join(map(json.dumps, values)),
    "lists in a list": lambda values: json.dumps([values[:2], [values[2:]]]),
    "with other values": lambda values: json.dumps([None, "{", 7, *values, "}", []]),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", range(3))
def test_objects_come_one_by_one(form, seed):
    values = [conversation(number) for number in range(5)]
    assert read(FORMS[form](values).encode(), seed) == values


def test_one_object_and_none():
    assert read(json.dumps(conversation(1)).encode()) == [conversation(1)]
    assert read(b'{"a": {}} {"b": 1}') == [{"a": {}}, {"b": 1}]
    for nothing in (b"", b" \n", b"[]", b"[[], 7]", b"text", b'"', b"\x00" * 1000, b"]}" * 9):
        assert read(nothing) == []


@settings(max_examples=25)
@given(
    st.lists(
        st.recursive(
            st.none() | st.text() | st.integers(-(2**63), 2**64 - 1),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ).map(lambda value: {"mapping": value})
    )
)
def test_any_objects_come_as_they_are(values):
    assert read(json.dumps(values).encode()) == values
    assert read(json.dumps(values, ensure_ascii=False, indent=1).encode()) == values


def damage(data: bytes, at: int, by: bytes, length: int) -> bytes:
    return data[:at] + by + data[at + length :]


@pytest.mark.parametrize("form", ["a list", "a list with indents", "lines"])
@pytest.mark.parametrize("by", [b"", b'"', b"\x00" * 400, b"}}}", b"{", b"\\", b"\xff\xfe"])
def test_damage_in_the_middle_costs_one(form, by):
    values = [conversation(number, 30) for number in range(9)]
    whole = FORMS[form](values).encode()
    place = whole.index(b"title 4") + 900
    for shift in range(0, 600, 73):
        data = damage(whole, place + shift, by, len(by) or 300)
        found = list(Records(io.BytesIO(data).read, known))
        good = [one for one in found if not isinstance(one, Damaged) and one in values]
        assert [one["title"] for one in good if one["title"] != "title 4"] == [
            f"title {number}" for number in (0, 1, 2, 3, 5, 6, 7, 8)
        ]
        for one in found:
            assert one in good or one == Damaged("damaged", "title 4") or one["title"] == "title 4"


def test_damage_at_the_beginning_and_a_cut_at_the_end():
    values = [conversation(number) for number in range(4)]
    whole = json.dumps(values).encode()
    place = whole.index(b"title 0") + 300
    for by in (b'"', b"\x00" * 99, b"{", b"}}"):
        found = read(damage(whole, place, by, len(by)))
        assert [one for one in found if one in values] == values[1:]
        assert isinstance(found[0], Damaged | dict)
    assert read(whole[: whole.index(b"title 3") + 99]) == [
        *values[:3],
        Damaged("damaged", "title 3"),
    ]
    assert read(whole[10:])[-3:] == values[1:]


def test_an_error_of_the_file_ends_it():
    whole = json.dumps([conversation(number) for number in range(3)]).encode()
    file = io.BytesIO(whole[: whole.index(b"title 2")])

    def broken(size: int) -> bytes:
        if piece := file.read(100):
            return piece
        raise OSError("Bad CRC-32")

    found = list(Records(broken, known))
    assert found[:2] == [conversation(0), conversation(1)] and found[2].why == "damaged"

    def broken_at_once(size: int) -> bytes:
        raise OSError("Bad magic number")

    assert list(Records(broken_at_once, known)) == [Damaged("damaged", "")]


def test_an_object_that_is_too_large_is_left_out(monkeypatch):
    monkeypatch.setattr(records, "MAX_RECORD", 20_000)
    values = [conversation(0), conversation(1, 500), conversation(2)]
    whole = json.dumps(values).encode()
    assert read(whole) == [values[0], Damaged("too_large", "title 1"), values[2]]
    monkeypatch.setattr(records, "MAX_VALUES", 3)
    assert read(whole)[0] == Damaged("damaged", "title 0")


def test_what_is_nearly_json_is_read():
    assert loads(b'{"a": "\\ud800", "b": "x\ny", "c": NaN}')["a"] == "\ud800"
    assert loads(b'{"a": "\xff"}') == {"a": "\ufffd"}
    assert [loads(odd) for odd in (b"", b"{", b"[" * 100_000, b"9" * 5000)] == [None] * 4


def test_memory_does_not_grow_with_the_file(monkeypatch):
    """What is held is the object that is read, however many there are."""
    one = json.dumps(conversation(7)).encode()
    most = 0

    def endless() -> Any:
        yield b"["
        for _ in range(3000):
            yield one + b","

    pieces = endless()
    reader = Records(lambda size: next(pieces, b""), known)
    for count, _ in enumerate(reader, 1):  # noqa: B007
        most = max(most, len(reader._buffer))
    assert count == 3000 and most < 3 * records.PIECE
