"""Continuing an answer: both parts are cut from a known text, which the result must equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_stream.providers.openai.continuation import SHORTEST, OverlapTrimmer, continuation

TEXT = (
    "The quick brown fox jumps over the lazy dog, and the dog does not mind. "
    "It is a very, very old story, told again and again, and again it is told well."
)
SONG = "We will, we will rock you. " * 6 + "Sing it!"


def join(begin: str, rest: str, size: int = 3) -> str:
    """The two parts as one text; `rest` streams in pieces of `size` characters."""
    trimmer = OverlapTrimmer(begin)
    pieces = [trimmer.feed(rest[i : i + size]) for i in range(0, len(rest), size)]
    return begin + "".join(pieces) + trimmer.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("cut", range(1, len(TEXT)))
def test_a_part_that_continues_exactly_at_the_end(cut, size):
    assert join(TEXT[:cut], TEXT[cut:], size) == TEXT


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("back", [SHORTEST + 2, 30, 70])
@pytest.mark.parametrize("cut", range(75, len(TEXT), 7))
def test_repeated_words_are_removed(cut, back, size):
    assert join(TEXT[:cut], TEXT[cut - back :], size) == TEXT


def test_an_answer_that_begins_anew_loses_its_known_part():
    assert join(TEXT[:90], TEXT) == TEXT


@pytest.mark.parametrize("cut", range(60, 150, 3))
def test_a_text_that_repeats_a_phrase_keeps_it(cut):
    assert join(SONG[:cut], SONG[cut:]) == SONG


def test_a_short_text_is_removed_if_all_of_it_is_repeated():
    assert join("one two", "one two three") == "one two three"


def test_a_part_that_breaks_off_within_the_repeated_words():
    trimmer = OverlapTrimmer(TEXT[:90])
    assert trimmer.feed(TEXT[30:50]) == ""
    assert trimmer.close(cut_off=True) in ("", TEXT[30:50])
    words = continuation([], TEXT, prefill=False)[-1]["content"].rpartition("\n")[2]
    trimmer = OverlapTrimmer(TEXT)
    assert trimmer.feed(words[:20]) == "" and trimmer.close(cut_off=True) == ""


def test_short_repetitions_stay():
    assert join("very, ", "very old") == "very, very old"
    assert join("la la la ", "la la la la") == "la la la la la la la"


@given(
    st.text(alphabet="ab ", max_size=60), st.text(alphabet="ab ", max_size=60), st.integers(1, 9)
)
def test_the_split_does_not_matter_and_nothing_new_is_lost(begin, rest, size):
    whole = join(begin, rest, 1000)
    assert join(begin, rest, size) == whole
    assert whole.startswith(begin)
    assert (begin + rest).endswith(whole[len(begin) :])


def test_an_upstream_with_prefill_gets_the_beginning():
    messages = [{"role": "user", "content": "tell me"}]
    asked = continuation(messages, TEXT, prefill=True)
    assert asked == [*messages, {"role": "assistant", "content": TEXT}]


def test_any_other_upstream_is_asked_to_begin_with_the_last_words():
    messages = [{"role": "user", "content": "tell me"}]
    asked = continuation(messages, TEXT, prefill=False)
    assert asked[1] == {"role": "assistant", "content": TEXT}
    assert asked[2]["role"] == "user" and asked[2]["content"].endswith("again it is told well.")
    assert len(messages) == 1
