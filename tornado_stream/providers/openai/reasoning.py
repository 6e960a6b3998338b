"""Finds the reasoning in a delta or a message, wherever an upstream puts it. Pure; nothing raises.

OpenAI's API of chat completions has no member for it, so servers have their own:
`reasoning_content` (DeepSeek, vLLM), `reasoning` and `reasoning_details` (OpenRouter),
`reasoning_text` and `cot_summary` (GitHub Copilot), `thinking_blocks` (LiteLLM), `reasoning_steps`
(Perplexity), parts of the content (Mistral). Some send the same text in two members, in the same
chunk or at the end once more; it counts once.
"""

from __future__ import annotations

from typing import Any

#: Members with reasoning. Of several with text in one delta the first counts.
MEMBERS = (
    "reasoning_content",
    "reasoning",
    "reasoning_text",
    "thinking",
    "thinking_content",
    "thoughts",
    "thought",
    "reasoning_details",
    "thinking_blocks",
    "reasoning_summary",
    "reasoning_steps",
    "cot_summary",
)
#: The member that goes back with the calls of tools which followed the reasoning, to the server
#: that sent it. DeepSeek answers 400 without it (anomalyco/opencode#24722), also where it is empty
#: (deepseek-ai/deepseek-harness#739), and so does Moonshot (cloudwego/eino-ext#700). Servers that
#: send their reasoning in another member refuse this one:
#: Groq (janhq/jan#8136), Cerebras (QwenLM/qwen-code#11045), Mistral (charmbracelet/crush#1590).
ECHOED = "reasoning_content"
#: Kinds of parts of a content that are reasoning.
_PART_TYPES = frozenset(
    "thinking reasoning reasoning_text reasoning_content reasoning_summary thought".split()
)
#: Members of an object that have its text; the first that has some counts.
_TEXTS = ("text", "thinking", "thought", "reasoning", "reasoning_text", "summary", "content")
_DEEPEST = 5


def read_reasoning(delta: dict[str, Any]) -> tuple[str, str]:
    """The name of the member that has the delta's reasoning, and the text; or two empty ones. The
    member that is echoed has a name without a text, too."""
    for name in MEMBERS:
        if (value := delta.get(name)) and (text := text_in(value)):
            return name, text
    return ECHOED if delta.get(ECHOED) == "" else "", ""


def is_reasoning_part(part: dict[str, Any]) -> bool:
    """Whether a part of a content list is reasoning."""
    kind = part.get("type")
    return isinstance(kind, str) and (kind in _PART_TYPES or kind.startswith("reasoning."))


def text_in(value: Any, depth: int = 0) -> str:
    """The text of a value of any shape: a string, an object, or a list of these."""
    if isinstance(value, str):
        return value
    if depth == _DEEPEST:
        return ""
    if isinstance(value, list):
        return "".join(text_in(item, depth + 1) for item in value)
    if isinstance(value, dict):
        return next((text for n in _TEXTS if (text := text_in(value.get(n), depth + 1))), "")
    return ""


class ReasoningOnce:
    """Takes the reasoning of an answer with the name of its member, and returns what is new.

    The member that comes first is the one that counts. What another one says is left out as far as
    it is the same text from its beginning on. Each text is compared once.
    """

    def __init__(self) -> None:
        self._first = ""
        self._is_echoed = False
        self._pieces: list[str] = []
        #: For each other member the place up to which it was the same: a piece and a position in
        #: it. None: it has said something else.
        self._places: dict[str, tuple[int, int] | None] = {}

    @property
    def echo(self) -> str | None:
        """The text that the server wants back with calls of tools; None: it wants none."""
        return "".join(self._pieces) if self._is_echoed and self._first in (ECHOED, "") else None

    def add(self, member: str, text: str) -> str:
        self._is_echoed = self._is_echoed or member == ECHOED
        if not text:
            return text
        self._first = self._first or member
        if member == self._first:
            self._pieces.append(text)
            return text
        place = self._places.get(member, (0, 0))
        if place is None:
            return text
        rest = self._skip(member, text, *place)
        return text if rest is None else rest

    def _skip(self, member: str, text: str, index: int, position: int) -> str | None:
        """The part of a text that goes beyond what is known; None: it differs."""
        while text and index < len(self._pieces):
            piece = self._pieces[index]
            length = min(len(piece) - position, len(text))
            if not piece.startswith(text[:length], position):
                self._places[member] = None
                return None
            text, position = text[length:], position + length
            if position == len(piece):
                index, position = index + 1, 0
        self._places[member] = index, position
        return text
