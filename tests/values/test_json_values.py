"""Values of JSON are counted before they are decoded."""

from __future__ import annotations

from tornado_stream.values.json_values import MAX_VALUES, too_many_values


def test_too_many_values_are_found_outside_of_strings():
    assert not too_many_values(b"[" + b"[]," * (MAX_VALUES // 2 - 2) + b"0]")
    assert too_many_values(b"[" + b"[]," * (MAX_VALUES // 2 + 2) + b"0]")
    assert not too_many_values(b'["' + b"[]," * MAX_VALUES + b'"]')


def test_values_of_an_event_of_many_lines_are_limited():
    from tornado_stream.values.sse import SSEDecoder

    decoder = SSEDecoder(max_line=100)
    events = decoder.feed(b"data: a\n\n" + b"data: 12345678\n" * 20)
    assert decoder.error == "line_too_long"
    assert [event.data for event in events] == [b"a"]
