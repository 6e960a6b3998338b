from typing import Any

import pytest
from upstream_json import call, chunk, fold, sse

from tornado_stream.providers.openai.answer_decoder import AnswerDecoder


def calls(*payloads: Any) -> list[tuple[Any, ...]]:
    answer, _ = fold(sse(*payloads))
    for index, tool_call in enumerate(answer.tool_calls):
        assert tool_call["index"] == index
    return [(c["id"], c["name"], c["arguments"]) for c in answer.tool_calls]


def test_tool_call_in_fragments() -> None:
    first = call(index=0, id="c1", type="function", name="look", arguments="")
    rest = [call(index=0, arguments=text) for text in ('{"a"', ":1", "}")]
    assert calls(first, *rest) == [("c1", "look", '{"a":1}')]


def test_tool_call_fragments_as_clients_get_them() -> None:
    decoder = AnswerDecoder()
    first = decoder.feed(sse(call(index=3, id="c", name="f", arguments="{")))
    assert first is not None
    assert first.tool_calls == ({"index": 0, "id": "c", "name": "f", "arguments": "{"},)
    both = decoder.feed(sse(call(index=3, arguments='"a":'), call(index=3, arguments="1}")))
    assert both is not None
    assert both.tool_calls == ({"index": 0, "id": None, "name": "", "arguments": '"a":1}'},)
    assert decoder.feed(sse(call(index=3, id="c", name="f", arguments=""))) is None


def test_parallel_calls_by_index() -> None:
    first = chunk({"tool_calls": [{"index": i, "id": f"c{i}"} for i in (0, 1)]})
    pieces = [call(index=i, name=n, arguments=a) for i, n, a in ((1, "g", "{}"), (0, "f", "[]"))]
    assert calls(first, *pieces) == [("c0", "f", "[]"), ("c1", "g", "{}")]


def test_calls_without_index_by_id() -> None:
    a, b = call(id="a", name="f", arguments="{}"), call(id="b", name="f", arguments="{}")
    assert calls(a, b) == [("a", "f", "{}"), ("b", "f", "{}")]
    more = [call(id="a", arguments="1"), call(id="b", arguments="2"), call(id="a", arguments="3")]
    assert [c[2] for c in calls(call(id="a"), call(id="b"), *more)] == ["13", "2"]


def test_same_index_with_another_id_is_another_call() -> None:
    a = call(index=0, id="a", name="f", arguments="{")
    b = call(index=0, id="b", name="f", arguments="[")
    rest = call(index=0, arguments="]")
    assert calls(a, b, rest) == [("a", "f", "{"), ("b", "f", "[]")]
    assert calls(a, b, call(index=0, id="a", name="f", arguments="}"))[0] == ("a", "f", "{}")


def test_new_id_without_a_name_is_the_same_call() -> None:
    a, b = call(index=0, id="a", name="f", arguments="{"), call(index=0, id="b", arguments="}")
    assert calls(a, b) == [("a", "f", "{}")]


def test_fragment_with_neither_goes_to_the_last_call() -> None:
    start = [call(id="a", name="f", arguments="{"), call(id="b", name="g", arguments="[")]
    assert [c[2] for c in calls(*start, call(arguments="]"))] == ["{", "[]"]
    assert calls(call(name="f", arguments="{"), call(arguments="}")) == [(None, "f", "{}")]


def test_calls_with_names_but_neither_index_nor_id() -> None:
    f = call(name="f", arguments='{"a":1}')
    assert calls(f, call(name="g", arguments="{}")) == [(None, "f", '{"a":1}'), (None, "g", "{}")]
    assert len(calls(f, call(name="f", arguments='{"a":2}'))) == 2
    assert len(calls(f, call(name="f", arguments=" "))) == 1
    assert calls(f, f) == [(None, "f", '{"a":1}')]
    two = chunk({"tool_calls": [f["choices"][0]["delta"]["tool_calls"][0]] * 2})
    assert calls(two) == [(None, "f", '{"a":1}')] * 2


def test_id_may_come_late() -> None:
    first, second = call(index=0, name="f", arguments="{"), call(index=0, id="a", arguments="}")
    assert calls(first, second) == [("a", "f", "{}")]


def test_name_in_pieces() -> None:
    pieces = [call(index=0, id="a", name="get_"), call(index=0, name="it"), call(index=0, name="")]
    assert calls(*pieces) == [("a", "get_it", "")]


def test_name_repeated_with_every_fragment() -> None:
    pieces = [call(index=0, id="a", name="get", arguments=text) for text in ("", "{", "}")]
    assert calls(*pieces) == [("a", "get", "{}")]


def test_whole_call_once_more_at_the_end() -> None:
    pieces = [call(index=0, id="a", name="f", arguments="{"), call(index=0, arguments='"n":1}')]
    whole = call(index=0, id="a", name="f", arguments='{"n":1}')
    assert calls(*pieces, whole, whole) == [("a", "f", '{"n":1}')]
    assert calls(*pieces, call(index=0, name="f", arguments='{"n":1}')) == [("a", "f", '{"n":1}')]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [({"a": [1, "é"]}, '{"a":[1,"é"]}'), (None, ""), ([], "[]"), (7, ""), ("", ""), ({}, "{}")],
)
def test_arguments_that_are_not_text(arguments: Any, text: str) -> None:
    assert calls(call(index=0, id="a", name="f", arguments=arguments)) == [("a", "f", text)]


def test_function_without_its_object() -> None:
    flat = {"id": "a", "name": "f", "arguments": "{}"}
    assert calls(chunk({"tool_calls": flat})) == [("a", "f", "{}")]


def test_endless_name_takes_bounded_time() -> None:
    (found,) = calls(*[call(index=0, name=f"n{i}") for i in range(2000)])
    assert len(found[1]) < 2000
