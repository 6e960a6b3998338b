"""What a finish reason means, whatever its spelling.

OpenAI's API has five: `stop`, `length`, `tool_calls`, `function_call` and `content_filter`
(https://platform.openai.com/docs/api-reference/chat/streaming). Servers have others, in any case,
with `-`, `_` or nothing between the words, and some report a failure in this way only. The rule:
the meaning follows from the words of a reason, and a reason without a known word is no failure.
A word that means "not yet" is no reason at all.
Pure.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Literal

Meaning = Literal["stop", "length", "tools", "filter", "cut_off", "error", "unknown"]

_FAILURES: tuple[Meaning, ...] = ("cut_off", "error")
#: A name in front of the reason itself, as in `FinishReason.STOP` or `FINISH_REASON_STOP`.
_PREFIX = re.compile(r"^(finish|stop|end|done|completion)_?reason_(?=.)")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHER = re.compile(r"[^a-z0-9]+")
#: Words of servers that have no null where a choice is not finished: DashScope's "null", Google's
#: FINISH_REASON_UNSPECIFIED, Python's "None". They say nothing of the end.
_NOT_YET = re.compile(
    r"null|none|nil|undefined|unspecified|not_yet|in_progress|running|pending|ongoing|started"
    r"|continu(e|ed|es|ing)|generating|streaming|processing"
)
#: A reason is longer only by mistake; what follows is not looked at.
_LONGEST = 200


#: The five of OpenAI's API, with which nearly all answers end.
_USUAL: dict[str, Meaning] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filter",
}


def _words(*patterns: str) -> str:
    """A pattern that finds one of these where a word begins."""
    return rf"(?:^|_)(?:{'|'.join(patterns)})"


#: The first family that fits counts, so a failure counts before everything that it is a failure of.
_FAMILIES: tuple[tuple[Meaning, str], ...] = (
    (
        "cut_off",
        _words(
            r"\w*(abort|cancel|interrupt|preempt|timeout|timedout)",
            r"pre_empt",
            r"evict",
            r"time(d|s)?_(out|limit)",
            r"(max|over)_?time",
            r"deadline",
            r"insufficient_(system_)?(resource|memory|capacity)",
            r"(out_of|no|lack_of)_(system_)?(resource|memory|capacity)",
            r"(disconnect|terminat|kill|shut_?(ting_?)?down|drain)",
            r"(connection|stream|client|server|worker|engine)_(was_)?(lost|closed|reset|gone|dropped|died|dead)",
            r"broken_pipe|partial$|incomplete",
            r"(un|not_)(finished|complete|done|ended)",
            r"(oom(_|$)|expire)",
            r"\w*(memory|cache|capacity|resource|block)s?_(exhaust|full$)",
        ),
    ),
    (
        "error",
        _words(
            r"err(_|$)",
            r"\w*(errors?|errored)(_|$)",
            r"\w*(fail|malformed)",
            r"invalid",
            r"illegal",
            r"unexpected",
            r"unsupported",
            r"unavailable",
            r"missing",
            r"corrupt",
            r"exception",
            r"crash",
            r"fault",
            r"panic",
            r"bad_",
            r"too_many",
            r"over_?load",
            r"throttl",
            r"over_?capacity",
            r"no_(image|output|response|content|answer)",
            r"image_other",
            r"insufficient",
            r"(rate|quota)_?limit",
            r"(quota|budget|credits?|balance)_",
            r"(unauthori[sz]ed|forbidden|denied|rejected)",
        ),
    ),
    (
        "filter",
        _words(
            r"content_?(filter|policy|block|moderat|management|violation)",
            r"(un)?safe(ty)?(_|$)",
            r"(image_)?(safety|prohibited|recitation)",
            r"sensitive",
            r"block",
            r"blacklist",
            r"spii",
            r"pii(_|$)",
            r"(model_)?(refusal|refused)",
            r"guard_?rail",
            r"moderat",
            r"censor",
            r"violat",
            r"polic(y|ies)",
            r"harm",
            r"risk",
            r"filter",
        ),
    ),
    (
        "length",
        _words(
            r"length",
            r"limit$",
            r"max$",
            r"max(imum)?_?(\w+_)?(token|length|len(_|$)|char)",
            r"(\w+_)?(token|length|size|context)s?_?(budget|limit|exceeded|full|reached)",
            r"(model_)?context_(window|length|size)",
            r"model_length",
            r"truncated",
        ),
    ),
    ("tools", _words(r"tools?(_|$)", r"tool_?(call|use)", r"functions?(_|$)", r"function_?call")),
    (
        "stop",
        _words(
            r"stop",
            r"eos",
            r"eot",
            r"eom",
            r"end(_|$)",
            r"end_?(of|turn)",
            r"(is_)?finish(ed)?$",
            r"complete(d)?$",
            r"(is_)?done$",
            r"(success|succeeded)",
            r"normal$",
            r"ok$",
            r"pause_turn",
        ),
    ),
)


def meaning_of(reason: str) -> Meaning:
    """What a finish reason means; `unknown` where no family has such a word."""
    if usual := _USUAL.get(reason):
        return usual
    words = _in_words(reason[:_LONGEST])
    return next((name for name, family in _families() if family.search(words)), "unknown")


@cache
def _families() -> list[tuple[Meaning, re.Pattern[str]]]:
    """The families with their patterns compiled, which takes some milliseconds."""
    return [(name, re.compile(pattern)) for name, pattern in _FAMILIES]


def read_reason(value: Any) -> str:
    """The finish reason that the member of a choice is; "" if the choice is not finished. Some
    servers send an object, whose `type` it is (SGLang's own form)."""
    text = value.get("type") if isinstance(value, dict) else value
    if not isinstance(text, str) or not text.strip():
        return ""
    return "" if _NOT_YET.fullmatch(_in_words(text[:_LONGEST])) else text


def failing_reason(reason: str | None, native: str | None) -> str | None:
    """The one of both reasons that means a failure; None: neither does.

    `native` is the reason of the server behind a router, in that server's own words (OpenRouter's
    `native_finish_reason`). Where the router says that a limit or a filter ended the answer, its
    word counts: some servers call such an answer incomplete.
    """
    meaning = meaning_of(reason) if reason else None
    if meaning in _FAILURES:
        # The server behind it often says more than "error".
        return native if native and meaning_of(native) == meaning else reason
    if native and meaning not in ("length", "filter") and meaning_of(native) in _FAILURES:
        return native
    return None


def _in_words(reason: str) -> str:
    """The words in lower case, joined by one `_`: `maxTokens`, `MAX-TOKENS` and `max tokens` are
    the same."""
    words = _OTHER.sub("_", _CAMEL.sub("_", reason).lower()).strip("_")
    return _PREFIX.sub("", words)
