"""Compares every answer with what the upstream sent: no text is lost, doubled or changed."""

from __future__ import annotations

import traceback
from collections import Counter

from torture.reader import Reader, Wrong
from torture.truth import answer_to

from .upstream import Upstream

#: How many failures are stored with their traceback.
MOST_FAILURES = 20


class Judge:
    """Judges answers and collects failures.

    `states` counts answers by their final state, `actions` what users did. `wrong` describes the
    first failures, each with its traceback.
    """

    def __init__(self, upstream: Upstream) -> None:
        self.states: Counter[str] = Counter()
        self.actions: Counter[str] = Counter()
        self.connections = 0
        self.characters = 0
        self.failures = 0
        self.wrong: list[str] = []
        self._upstream = upstream

    @property
    def answers(self) -> int:
        return self.states.total()

    def answer(self, reader: Reader, message: str, continued_text: str = "") -> None:
        """Judge an answer that has ended. Raises Wrong.

        `continued_text` is the text of the answer that this one continues, if it does.
        """
        said = self._upstream.said.pop(reader.id, None)
        asked = self._upstream.asked[reader.id]
        text, whole = reader.text, answer_to(message)
        away = self._upstream.turned_away.pop(reader.id, 0)
        self._hold(asked <= 1, reader, f"asked for {asked} times")
        self._hold(asked + away <= 3, reader, f"turned away {away} times")
        self._hold(whole.startswith(text), reader, f"{text!r} is not the beginning of {whole!r}")
        self._hold(text.startswith(continued_text), reader, "the continued text is missing")
        # For a continuation the upstream first repeats some words, which the server removes.
        new = text if not continued_text else ""
        self._hold(
            not new or (said and said.text.startswith(new)), reader, "more than the upstream sent"
        )
        match reader.state:
            case "done":
                self._hold(said and said.whole and text == whole, reader, f"incomplete: {said}")
            case "cut_off":
                self._hold(said and said.status == 200, reader, f"cut off after {said}")
            case "error":
                code = reader.end["error"]["upstream_status"]
                expected = code is None or (said and said.end in ("status", "error"))
                self._hold(expected, reader, f"status {code} after {said}")
            case state:
                self._hold(state == "stopped", reader, state)
        self.states[reader.state] += 1
        self.connections += reader.connections
        self.characters += len(text)

    def failed(self, error: Exception, where: str) -> None:
        """Count an exception that an action of a user has raised."""
        self.failures += 1
        if len(self.wrong) < MOST_FAILURES:
            story = "".join(traceback.format_exception(error)[-8:])
            self.wrong.append(f"{where}: {error!r}\n{story}")

    def _hold(self, condition: object, reader: Reader, what: str) -> None:
        if not condition:
            raise Wrong(f"{reader}, {reader.state}: {what}")
