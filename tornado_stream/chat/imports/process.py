"""The child process that reads an export, from the server's side.

The rule: what it tells is checked line by line, and what it does not tell has failed. All calls
block; they belong to the thread of an import, but for `stop`.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from pathlib import Path

from tornado_stream.chat.imports.wire import MAX_LINE, BadLine, LineReader, Told
from tornado_stream.files.foreign import ForeignProcess

CHILD = Path(__file__).with_name("child.py")
#: Seconds that an import may take. The child has a limit of its own for the processor's time.
LONGEST = 24 * 3600.0


class ExportChild:
    """One process that reads one export, without the first `skip` results. Raises `OSError` if it
    cannot be started, or the file cannot be read."""

    def __init__(self, path: Path, owner: str, skip: int = 0) -> None:
        with path.open("rb") as file:
            self._process = ForeignProcess(CHILD, (owner, str(skip)), file, longest=LONGEST)
        #: Why the results ended: "" for the end of the file; "failed" if the process did not say.
        self.ended = "failed"

    @property
    def pid(self) -> int:
        return self._process.pid

    def results(self) -> Generator[Told, None, None]:
        """The results as they come. Afterwards `ended` says why there are no more, and the process
        is over."""
        reader = LineReader()
        with closing(self._process.lines(MAX_LINE)) as lines:
            for line in lines:
                try:
                    result = reader.feed(line)
                except BadLine:
                    return
                if reader.ended is not None:
                    self.ended = reader.ended
                    return
                if result is not None:
                    yield result

    def stop(self) -> None:
        """End the process; its results end too. Any thread may call this."""
        self._process.kill()
