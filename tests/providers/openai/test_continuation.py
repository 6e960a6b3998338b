"""Two parts of a text, joined: against upstreams that know the whole of it."""

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


def join(kept: str, rest: str, size: int = 3) -> str:
    trimmer = OverlapTrimmer(kept)
    pieces = [trimmer.feed(rest[i : i + size]) for i in range(0, len(rest), size)]
    return kept + "".join(pieces) + trimmer.close()


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("cut", range(1, len(TEXT)))
def test_going_on_exactly_where_it_stopped(cut, size):
    assert join(TEXT[:cut], TEXT[cut:], size) == TEXT


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("back", [SHORTEST + 2, 30, 70])
@pytest.mark.parametrize("cut", range(75, len(TEXT), 7))
def test_what_is_said_again_is_left_out(cut, back, size):
    assert join(TEXT[:cut], TEXT[cut - back :], size) == TEXT


def test_an_answer_begun_anew_is_left_out_as_far_as_it_is_known():
    assert join(TEXT[:90], TEXT) == TEXT


@pytest.mark.parametrize("cut", range(60, 150, 3))
def test_a_phrase_that_repeats_on_purpose_is_kept(cut):
    assert join(SONG[:cut], SONG[cut:]) == SONG


def test_a_short_text_that_is_said_again_as_a_whole():
    assert join("one two", "one two three") == "one two three"


def test_a_part_that_breaks_off_among_the_words_it_begins_with():
    trimmer = OverlapTrimmer(TEXT[:90])
    assert trimmer.feed(TEXT[30:50]) == ""
    assert trimmer.close(cut_off=True) in ("", TEXT[30:50])
    words = continuation([], TEXT, prefill=False)[-1]["content"].rpartition("\n")[2]
    trimmer = OverlapTrimmer(TEXT)
    assert trimmer.feed(words[:20]) == "" and trimmer.close(cut_off=True) == ""


def test_short_repetitions_are_no_overlap():
    assert join("very, ", "very old") == "very, very old"
    assert join("la la la ", "la la la la") == "la la la la la la la"


@given(
    st.text(alphabet="ab ", max_size=60), st.text(alphabet="ab ", max_size=60), st.integers(1, 9)
)
def test_the_split_does_not_matter_and_nothing_new_is_lost(kept, rest, size):
    whole = join(kept, rest, 1000)
    assert join(kept, rest, size) == whole
    assert whole.startswith(kept)
    assert (kept + rest).endswith(whole[len(kept) :])


def test_a_server_that_takes_a_beginning_is_given_it():
    messages = [{"role": "user", "content": "tell me"}]
    asked = continuation(messages, TEXT, prefill=True)
    assert asked == [*messages, {"role": "assistant", "content": TEXT}]


def test_any_other_is_asked_to_go_on_from_its_last_words():
    messages = [{"role": "user", "content": "tell me"}]
    asked = continuation(messages, TEXT, prefill=False)
    assert asked[1] == {"role": "assistant", "content": TEXT}
    assert asked[2]["role"] == "user" and asked[2]["content"].endswith("again it is told well.")
    assert len(messages) == 1
