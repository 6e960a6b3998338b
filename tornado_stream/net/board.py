"""What the processes of one server count together: connections, bodies and running answers.

The rule: each process writes into its own part and reads those of all, without a lock. A limit
holds because a process counts first and looks at the sum then. What a dead process has counted is
removed by the one that started it.
"""

from __future__ import annotations

from mmap import mmap

#: Counters for addresses, in each part. The name of an address leads to one of them.
ADDRESSES = 1 << 16
#: Connections that a process may have more than another one, and a quarter of those of the other.
LEAD = 8
#: What is counted as a number.
CONNECTIONS, BODIES, ANSWERS = range(3)
_KINDS = 3
_DIGEST = (1 << 64) - 1


class Board:
    """Memory that all processes share that are forked after it was made."""

    def __init__(self, processes: int, max_answers: int) -> None:
        self.processes = processes
        self.max_answers = max_answers
        self.numbers = memoryview(mmap(-1, 8 * _KINDS * processes)).cast("q")
        #: For each process the digest of the owner of each of its running answers; 0 is none.
        self.owners = mmap(-1, 8 * max_answers * processes)
        self.addresses = memoryview(mmap(-1, 4 * ADDRESSES * processes)).cast("I")

    def clear(self, process: int) -> None:
        """Forget what a process has counted, which is dead."""
        for kind in range(_KINDS):
            self.numbers[kind * self.processes + process] = 0
        size = 8 * self.max_answers
        self.owners[size * process : size * (process + 1)] = bytes(size)
        start = ADDRESSES * process
        self.addresses[start : start + ADDRESSES] = memoryview(bytes(4 * ADDRESSES)).cast("I")


class Part:
    """The part of one process of the board. Everything runs on the loop's thread."""

    def __init__(self, board: Board, process: int) -> None:
        self._board = board
        self._process = process
        self._digests = memoryview(board.owners).cast("Q")
        self._first = board.max_answers * process
        self._free: list[int] = []  # places in `_digests` that are free again
        self._unused = self._first  # the first place that was never used
        self._taken: dict[str, list[int]] = {}

    @property
    def connections(self) -> int:
        """How many connections all processes have."""
        return self._sum(CONNECTIONS)

    @property
    def is_ahead(self) -> bool:
        """Whether this process has many more connections than another one."""
        first = CONNECTIONS * self._board.processes
        numbers = self._board.numbers[first : first + self._board.processes]
        return numbers[self._process] > LEAD + min(numbers) * 5 // 4

    @property
    def bodies(self) -> int:
        """How many bytes the bodies of requests hold in all processes."""
        return self._sum(BODIES)

    @property
    def answers(self) -> int:
        """How many answers all processes have."""
        return self._sum(ANSWERS)

    def hold(self, size: int) -> None:
        """Count so many more bytes of bodies."""
        self._count(BODIES, size)

    def take(self, owner: str) -> None:
        """Count an answer of this owner."""
        if self._free:
            place = self._free.pop()
        else:
            place, self._unused = self._unused, self._unused + 1
        self._digests[place] = _digest(owner)
        self._taken.setdefault(owner, []).append(place)
        self._count(ANSWERS, 1)

    def release(self, owner: str) -> None:
        """Undo one `take`."""
        places = self._taken[owner]
        self._digests[place := places.pop()] = 0
        self._free.append(place)
        if not places:
            del self._taken[owner]
        self._count(ANSWERS, -1)

    def answers_of(self, owner: str) -> int:
        """How many answers of this owner all processes have."""
        digest = _digest(owner).to_bytes(8, "little")
        return self._board.owners[:].count(digest)

    def connected(self, address: str, number: int) -> None:
        """Count so many more connections from this address."""
        self._board.addresses[ADDRESSES * self._process + _address(address)] += number
        self._count(CONNECTIONS, number)

    def connections_of(self, address: str) -> int:
        """How many connections all processes have from this address. Very rarely, two addresses
        are counted together."""
        return sum(self._board.addresses[_address(address) :: ADDRESSES])

    def _count(self, kind: int, number: int) -> None:
        self._board.numbers[kind * self._board.processes + self._process] += number

    def _sum(self, kind: int) -> int:
        first = kind * self._board.processes
        return sum(self._board.numbers[first : first + self._board.processes])


def _digest(owner: str) -> int:
    """The same in all processes that were forked from one. Never 0."""
    return hash(owner) & _DIGEST or 1


def _address(address: str) -> int:
    return hash(address) & (ADDRESSES - 1)
