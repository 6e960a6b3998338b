"""Large pictures in the bytes of an answer: however they are split, and in pieces."""

from __future__ import annotations

import base64
import json
import time
from random import Random

import pytest
from pictures import answer_picture, png
from upstream_json import chunk, fold, say, sse

from tornado_stream.chat.completions import CompletionRequest
from tornado_stream.chat.relay import CompletionRelay
from tornado_stream.providers.openai.answer_decoder import AnswerDecoder
from tornado_stream.providers.openai.picture_data import KEPT, PictureCutter
from tornado_stream.providers.openai.responses_decoder import ResponsesDecoder
from tornado_stream.values.pictures import MAX_PICTURES_SIZE, SentPicture
from tornado_stream.values.sse import MAX_LINE

LARGE = answer_picture(1_500_000)


def url(data: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(data).decode()}"


def picture_chunk(*urls: str, **more) -> dict:
    return chunk({"images": [{"image_url": {"url": url}} for url in urls], **more})


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def sent(picture: SentPicture) -> bytes:
    return base64.b64decode(b"".join(picture.pieces()))


@pytest.mark.parametrize("size", [777, 16 * 1024, 64 * 1024, 1 << 30])
def test_the_result_does_not_depend_on_the_splitting(size: int) -> None:
    stream = sse(
        say("a"),
        picture_chunk(url(png()), url(LARGE), url(LARGE[:-1])),
        say("b " * 40_000),
        picture_chunk(url(answer_picture(KEPT))),
        say("c"),
        "[DONE]",
    )
    answer, decoder = fold(pieces(stream, size))
    assert answer.content == "a" + "b " * 40_000 + "c" and decoder.complete
    expected = [png(), LARGE, LARGE[:-1], answer_picture(KEPT)]
    assert list(map(sent, decoder.take_pictures())) == expected


@pytest.mark.parametrize("head", range(20, 400, 20))
def test_a_large_picture_may_begin_in_the_read_that_ends_a_small_one(head: int) -> None:
    """Before, only lines that began in a later read were looked at."""
    small, large = (
        sse(picture_chunk(url(png()))),
        sse(picture_chunk(url(LARGE)), say("a"), "[DONE]"),
    )
    reads = [small[:9], small[9:] + large[:head], *pieces(large[head:], 5000)]
    answer, decoder = fold(reads)
    assert decoder.complete and answer.content == "a"
    assert list(map(sent, decoder.take_pictures())) == [png(), LARGE]


@pytest.mark.parametrize("seed", range(30))
def test_the_result_does_not_depend_on_random_reads(seed: int) -> None:
    chance = Random(seed)
    text = f"b![a]({url(answer_picture(90_000))})c"
    events = [picture_chunk(url(png())), picture_chunk(url(LARGE)), say("a"), say(text)]
    chance.shuffle(events)
    stream = sse(*events, "[DONE]")
    longest, at, reads = chance.choice([1500, 5000, 65_536]), 0, []
    while at < len(stream):
        reads.append(stream[at : at + chance.randint(1, longest)])
        at += len(reads[-1])
    answer, decoder = fold(reads)
    assert decoder.complete and sorted(answer.content) == ["a", "b", "c"], decoder.error
    found = sorted(map(sent, decoder.take_pictures()), key=len)
    assert found == [png(), answer_picture(90_000), LARGE]


@pytest.mark.parametrize("length", [KEPT - 1, KEPT, KEPT + 1, 2 * KEPT])
def test_bytes_around_the_limit_in_one_byte_steps(length: int) -> None:
    data = b'{"a":"b","url":"data:image/png;base64,' + b"A" * length + b'"}\n'
    cutter = PictureCutter()
    start = data[: KEPT - 100]
    passed = cutter.feed(start) + b"".join(
        cutter.feed(data[n : n + 1]) for n in range(len(start), len(data))
    )
    assert len(passed) <= KEPT + 100
    assert cutter.restored(passed, len(data)) == data


def test_base64_that_is_no_picture_stays_what_it_is() -> None:
    """For example encrypted reasoning, which an upstream wants back unchanged."""
    data = base64.b64encode(Random(1).randbytes(300_000)).decode()
    details = [{"type": "reasoning.encrypted", "data": data}]
    answer, decoder = fold(pieces(sse(chunk({"reasoning_details": details}, "stop")), 5000))
    assert answer.signed == {"reasoning_details": details} and not decoder.take_pictures()


@pytest.mark.parametrize("size", [1000, 5000, 64 * 1024, 1 << 30])
@pytest.mark.parametrize("length", [2000, 40_000, 60_000, 500_000, 5_000_000])
def test_a_picture_in_the_markdown_of_a_text_is_a_picture(length: int, size: int) -> None:
    """Some gateways write it so, in one chunk."""
    picture = answer_picture(length)
    text = f"Here: ![a picture]({url(picture)}) and more"
    stream = sse(say("First. "), say(text), say(" [and](so) on"), "[DONE]")
    answer, decoder = fold(pieces(stream, size))
    assert decoder.complete and answer.content == "First. Here:  and more [and](so) on"
    assert list(map(sent, decoder.take_pictures())) == [picture]


@pytest.mark.parametrize(
    "text",
    [
        f"![a picture]({url(png())}) is an example",
        f"a [link]({url(answer_picture(3000))})",
        f"![a picture]({url(answer_picture(3000))}",
        f"![a picture](data:image/png;base64,{'%' * 3000})",
        f"![a picture](data:text/plain;base64,{'A' * 3000})",
    ],
)
def test_what_is_no_picture_in_markdown_stays_a_part_of_the_text(text: str) -> None:
    for size in (100, 1 << 30):
        answer, decoder = fold(pieces(sse(say(text), "[DONE]"), size))
        assert answer.content == text and not decoder.take_pictures() and decoder.complete


def test_a_picture_in_a_text_of_a_completion_in_one_piece() -> None:
    message = {"role": "assistant", "content": f"Here: ![a]({url(LARGE)})![b]({url(LARGE[:-1])})"}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    answer, decoder = fold(pieces(json.dumps(body, indent=1).encode(), 5000))
    assert answer.content == "Here: " and decoder.complete
    assert list(map(sent, decoder.take_pictures())) == [LARGE, LARGE[:-1]]


def test_a_text_of_pictures_that_is_too_long_is_a_line_that_is_too_long() -> None:
    _, decoder = fold(pieces(sse(say(url(LARGE)), "[DONE]"), 5000))
    assert decoder.error is not None and decoder.error.code == "line_too_long"


def test_a_long_line_without_pictures_is_too_long_as_before() -> None:
    data = sse(picture_chunk(url(LARGE), content="x " * (MAX_LINE // 2)))
    _, decoder = fold(pieces(data, 5000))
    assert decoder.error is not None and decoder.error.code == "line_too_long"


def test_all_pictures_of_an_answer_have_a_limit() -> None:
    start = b'data: {"choices":[{"index":0,"delta":{"images":["data:image/png;base64,'
    decoder = AnswerDecoder()
    decoder.feed(start)
    piece = b"A" * (1 << 20)
    for _ in range(MAX_PICTURES_SIZE // len(piece) + 2):
        decoder.feed(piece)
    assert decoder.error is not None and decoder.error.code == "answer_too_long"


def test_a_completion_in_one_piece_may_have_a_large_picture() -> None:
    message = {"role": "assistant", "content": "a", "images": [{"image_url": {"url": url(LARGE)}}]}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    answer, decoder = fold(pieces(json.dumps(body, indent=1).encode(), 5000))
    assert answer.content == "a" and decoder.complete
    assert list(map(sent, decoder.take_pictures())) == [LARGE]


@pytest.mark.parametrize("escaped", ["\\/", "/"])
def test_slashes_may_be_escaped(escaped: str) -> None:
    data = json.dumps(picture_chunk(url(LARGE))).replace("/", escaped)
    _, decoder = fold(pieces(sse(data), 5000))
    [picture] = decoder.take_pictures()
    assert b"".join(picture.pieces()).replace(b"\\", b"") == base64.b64encode(LARGE)


@pytest.mark.parametrize("place", range(4))
def test_no_picture_is_cut_within_an_escape(place: int) -> None:
    """The mark would stand behind the backslash, and the chunk would be no JSON."""
    before = "iVBORw0KGgo".ljust(KEPT - 2 + place, "A")
    encoded = f"{before}\\/{'B' * MAX_LINE}"
    data = json.dumps(picture_chunk("data:image/png;base64,")).replace(
        ";base64,", f";base64,{encoded}"
    )
    _, decoder = fold(pieces(sse(data, say("a"), "[DONE]"), 5000))
    [picture] = decoder.take_pictures()
    assert decoder.complete, decoder.error
    assert b"".join(picture.pieces()).replace(b"\\", b"") == encoded.replace("\\", "").encode()


def test_a_picture_comes_once_whether_its_line_is_long_or_not() -> None:
    picture = answer_picture(600_000)
    long = picture_chunk(url(picture), content="", more=["x" * 900_000])
    answer, decoder = fold(pieces(sse(picture_chunk(url(picture)), long, "[DONE]"), 5000))
    assert decoder.complete, decoder.error
    assert list(map(sent, decoder.take_pictures())) == [picture]


def test_pictures_of_the_responses_api() -> None:
    result = base64.b64encode(LARGE).decode()
    item = {"type": "image_generation_call", "id": "ig", "status": "completed", "result": result}
    preview = {"type": "response.image_generation_call.partial_image", "partial_image_b64": result}
    done = {"type": "response.output_item.done", "output_index": 0, "item": item}
    whole = {"status": "completed", "output": [item]}
    stream = sse(preview, done, {"type": "response.completed", "response": whole})
    _, decoder = fold(pieces(stream, 5000), kind=ResponsesDecoder)
    assert decoder.complete, decoder.error
    assert list(map(sent, decoder.take_pictures())) == [LARGE]


@pytest.mark.gen_test
async def test_no_step_of_a_large_picture_holds_the_loop() -> None:
    """In time of this thread's processor, so that a busy machine does not count."""
    stream = sse(say("a"), picture_chunk(url(answer_picture(20_000_000))), "[DONE]")
    longest = 0.0
    for relay in (False, True):
        decoder = AnswerDecoder(relay=relay)
        request = CompletionRequest(id="1", messages=[], model="m", stream=True)
        program = CompletionRelay(request) if relay else None
        for piece in pieces(stream, 64 * 1024):
            began = time.thread_time()
            decoder.feed(piece)
            if program and (chunks := decoder.take_chunks()):
                program.take(chunks)
            longest = max(longest, time.thread_time() - began)
        assert len(decoder.take_pictures()) == 1
        print(relay, longest)
    assert longest < 0.05
