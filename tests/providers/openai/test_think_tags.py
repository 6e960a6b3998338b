import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tornado_stream.providers.openai.think_tags import MAX_BLANK, MAX_HEADER, ThinkTags


def split(pieces: list[str], text_so_far: str = "") -> tuple[str, str]:
    """Content and reasoning of a text that comes in these pieces."""
    tags, content, reasoning = ThinkTags(text_so_far), text_so_far, ""

    def take(new_content: str, new_reasoning: str, was_reasoning: bool) -> None:
        nonlocal content, reasoning
        if was_reasoning:
            assert content
            content, reasoning = "", reasoning + content
        content += new_content
        reasoning += new_reasoning

    for piece in pieces:
        if not tags.open:
            content += piece
        elif tags.passing is not None and not re.search(r"[<\[◁]", piece):
            tags.passing.append(piece)
            content += piece
        else:
            take(*tags.feed(piece))
    take(*tags.close())
    return content, reasoning


def parts(text: str, text_so_far: str = "") -> tuple[str, str]:
    """The same for a whole text, which comes also one character at a time."""
    whole = split([text], text_so_far)
    assert split(list(text), text_so_far) == whole
    assert split([text[:7], text[7:]], text_so_far) == whole
    return whole


OPENINGS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<Thought>", "</thought>"),
    ("<REASONING>", "</Reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
]


@pytest.mark.parametrize(("opening", "closing"), OPENINGS)
@pytest.mark.parametrize("blank", ["", "\n ", " "])
def test_a_tag_that_opens_the_answer_holds_reasoning(
    opening: str, closing: str, blank: str
) -> None:
    text = f"{blank}{opening}\nSo < 3 [x] </b>{closing}\n\nThe answer"
    assert parts(text) == ("\n\nThe answer", f"{blank}\nSo < 3 [x] </b>")


def test_several_tags_may_open_the_answer() -> None:
    assert parts("<think>a</think>\n<think>b</think>c<think>d</think>") == (
        "c<think>d</think>",
        "a\nb",
    )


def test_an_answer_may_end_within_its_reasoning() -> None:
    assert parts("<think>So it </thin") == ("", "So it </thin")


@pytest.mark.parametrize(
    "text",
    [
        "<thin",
        "<think",
        "<table><think>a</think>",
        "Use <think> and </think> for it.",
        "The tag </think> ends it.",
        "It ends with </think>",
        "`</think>` ends it",
        "Write “</think>” here",
        "It is **</think>** here",
        "```\n</think>\n```\nThat is how.",
        "[1, 2]",
        "[think about it](https://a.example/)",
        "<|chan",
        "<|start|>" + "x" * MAX_HEADER,
        " " * (MAX_BLANK + 1) + "<think>a</think>",
        "a < b, b > c, [ ◁ </thin",
        " \n ",
        "",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert parts(text) == (text, "")


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        ("Let me think\n</think>\n\nThe answer is 3.", "\n\nThe answer is 3.", "Let me think\n"),
        ("So it is 3.</think>The answer", "The answer", "So it is 3."),
        ("So it is 3. </think>\nThe answer", "\nThe answer", "So it is 3. "),
        ("So it is 3. </think> The answer", " The answer", "So it is 3. "),
        ("So it is `3`.\n[/THINK]The answer", "The answer", "So it is `3`.\n"),
        ("</think>\n\nThe answer", "\n\nThe answer", ""),
        ("  \n</think>The answer", "The answer", "  \n"),
        ("Let me think\n</think>", "", "Let me think\n"),
        ("a\n</think>\nb\n</think>\nc", "\nb\n</think>\nc", "a\n"),
    ],
)
def test_an_end_without_a_beginning_ends_reasoning(text: str, content: str, reasoning: str) -> None:
    assert parts(text) == (content, reasoning)


ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"
BLANK = " " * (MAX_BLANK + 1)
LONG = "<|start|>" + "x" * MAX_HEADER + "<|message|>"


@pytest.mark.parametrize(
    ("text", "content", "reasoning"),
    [
        (f"{ANALYSIS}So<|end|><|start|>assistant{FINAL}3", "3", "So"),
        (
            f"<|start|>assistant{ANALYSIS}So<|start|>assistant<|channel|>"
            "commentary<|message|>it<|end|>\n<|channel|>FINAL<|message|>3<|return|>",
            "3",
            "Soit\n",
        ),
        (
            f"{ANALYSIS}a<|end|><|start|>assistant<|channel|>commentary"
            " to=functions.f <|constrain|>json<|message|>{}<|call|>",
            "",
            "a{}",
        ),
        ("<|start|>assistant<|message|>3<|end|> ", "3 ", ""),
        (f"{FINAL}The token <|end|> ends.<|return|>", "The token <|end|> ends.", ""),
        (f"{FINAL}a<|end|><|start|>assistant{ANALYSIS}b", "a", "b"),
        (f"{FINAL}a<|end|>{BLANK}{ANALYSIS}b", f"a<|end|>{BLANK}{ANALYSIS}b", ""),
        (f"{FINAL}a<|end|>", "a", ""),
        (f"{FINAL}a<|en", "a<|en", ""),
        (f"{ANALYSIS}a<|end|>3", "3", "a"),
        (f"{ANALYSIS}a<|end|>{BLANK}<think>", f"{BLANK}<think>", "a"),
        (LONG, LONG, ""),
        ("<|channel|>news<|message|>a", "<|channel|>news<|message|>a", ""),
        ("<|channel|>analysis<|mess", "<|channel|>analysis<|mess", ""),
    ],
)
def test_channels(text: str, content: str, reasoning: str) -> None:
    assert parts(text) == (content, reasoning)


def test_an_answer_that_goes_on_has_no_beginning_of_its_own() -> None:
    assert parts("<think>a</think>b", "Look: ") == ("Look: <think>a</think>b", "")
    assert parts("ink.\n</think>\nThe answer", "Let me th") == ("\nThe answer", "Let me think.\n")


def test_text_passes_unchanged_once_the_beginning_is_decided() -> None:
    tags = ThinkTags()
    assert tags.passing is None
    assert tags.feed("The").content == "The"
    assert tags.passing == ["The"] and tags.open
    assert tags.feed(" answer <").content == " answer "
    assert tags.passing is None
    tags = ThinkTags()
    assert tags.feed("<think>a</think>b").content == "b"
    assert not tags.open
    assert tags.feed("<think>").content == "<think>"


TAGS = re.compile(
    "|".join(re.escape(tag) for pair in OPENINGS for tag in pair)
    + r"|<\|(start|channel|message|end|return|call)\|>",
    re.IGNORECASE,
)
WORDS = [tag for pair in OPENINGS for tag in pair]
WORDS += ["<|channel|>", "<|start|>", "<|message|>", "<|end|>", "<|return|>"]
WORDS += ["analysis", "final", "assistant", "`", "```", "\n", " ", "<", "</", "[", "|>", "a", "é😀"]


@given(st.lists(st.sampled_from(WORDS), max_size=14).map("".join), st.data())
def test_no_character_is_lost_at_any_splitting(text: str, data: st.DataObject) -> None:
    content, reasoning = parts(text)
    places = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    pieces = [text[i:j] for i, j in zip([0, *places], [*places, len(text)], strict=True)]
    assert split([piece for piece in pieces if piece]) == (content, reasoning)

    header = r"analysis|final|assistant" + (r"|\s" if "<|message|>" in text else "")

    def letters(text: str) -> list[str]:
        """What is left of a text without tags, and without the headers of channels."""
        return sorted(re.sub(rf"{header}|[<>|/\[\]◁▷]", "", TAGS.sub("", text)))

    assert letters(content + "\0" + reasoning) == sorted([*letters(text), "\0"])
