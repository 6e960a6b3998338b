"""Says of every answer whether it is what was said: no token lost, doubled or asked for twice."""

from __future__ import annotations

import traceback
from collections import Counter

from torture.reader import Reader, Wrong
from torture.truth import answer_to

from .upstream import Upstream

#: Wrongs of which the whole story is kept.
KEPT = 20


class Judge:
    """`states` counts answers by how they ended, `actions` what users did; `wrong` tells what was
    not right, the first with where."""

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

    def answer(self, reader: Reader, message: str, kept: str = "") -> None:
        """Judge an answer that has ended. `kept` is what it went on from."""
        said = self._upstream.said.pop(reader.id, None)
        asked = self._upstream.asked[reader.id]
        text, whole = reader.text, answer_to(message)
        away = self._upstream.turned_away.pop(reader.id, 0)
        self._hold(asked <= 1, reader, f"asked for {asked} times")
        self._hold(asked + away <= 3, reader, f"turned away {away} times")
        self._hold(whole.startswith(text), reader, f"{text!r} is not the begin of {whole!r}")
        self._hold(text.startswith(kept), reader, "what was kept is not there")
        new = text if not kept else ""  # a continuation says its first words again
        self._hold(not new or (said and said.text.startswith(new)), reader, "more than was said")
        match reader.state:
            case "done":
                self._hold(said and said.whole and text == whole, reader, f"not all of it: {said}")
            case "cut_off":
                self._hold(said and said.status == 200, reader, f"cut off, of {said}")
            case "error":
                code = reader.end["error"]["upstream_status"]
                expected = code is None or (said and said.end in ("status", "error"))
                self._hold(expected, reader, f"status {code}, of {said}")
            case state:
                self._hold(state == "stopped", reader, state)
        self.states[reader.state] += 1
        self.connections += reader.connections
        self.characters += len(text)

    def failed(self, error: Exception, where: str) -> None:
        """What a user met that it should not."""
        self.failures += 1
        if len(self.wrong) < KEPT:
            story = "".join(traceback.format_exception(error)[-8:])
            self.wrong.append(f"{where}: {error!r}\n{story}")

    def _hold(self, condition: object, reader: Reader, what: str) -> None:
        if not condition:
            raise Wrong(f"{reader}, {reader.state}: {what}")
