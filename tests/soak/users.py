"""Simulated users, who use the server in every way there is until the run is over.

Most requests go through the bad network of `World.client`; those that need a response at once go
through `World.direct`. An action raises Wrong if the server breaks its contract, and the judge
counts it.
"""

from __future__ import annotations

import asyncio
import random
import socket
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from client import Client, Response, Stream, read_head
from tornado.iostream import IOStream
from torture.reader import Reader, Wrong
from torture.truth import question

from .judge import Judge

#: How many conversations a user has at most, and how many turns in each.
CONVERSATIONS, TURNS = 3, 4
#: Characters of a text that are enough to find the place where an answer broke off:
#: docs/durability.md.
QUOTABLE = 20
UNKNOWN = str(uuid.UUID(int=7))


@dataclass
class World:
    """What all users share. `patience` scales their pauses and timeouts; `over` ends the run."""

    client: Client
    direct: Client
    judge: Judge
    patience: float = 1.0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def request(self, method: str, path: str, body: Any = None, **headers: str) -> Response:
        """Send a request through the bad network, up to 30 times, until a response arrives."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        for _ in range(30):
            try:
                async with asyncio.timeout(5 * self.patience):
                    return await self.client.request(method, path, body, fields)
            except (OSError, ValueError, IndexError):  # the response was cut, perhaps in a line
                await asyncio.sleep(0.05)
        raise Wrong(f"{method} {path}: no response")


@dataclass
class Turn:
    """A question and its answer. `continued_text`: the text of the answer that this continues."""

    message: str
    reader: Reader
    continued_text: str = ""

    @property
    def start(self) -> dict[str, Any]:
        return self.reader.start


@dataclass
class Talk:
    """A conversation of a user: its id, and those turns that the user has seen."""

    id: str
    turns: list[Turn]


class Leaving(Reader):
    """A reader that closes its connection after a random event, and resumes a little later."""

    away = 1.0

    def _take(self, frame: str) -> None:
        super()._take(frame)
        if not self.ended and self._rng.random() < 0.04:
            raise ConnectionError("left")

    async def _connect(self) -> None:
        if self.connections:
            await asyncio.sleep(self._rng.uniform(0, self.away))
        await super()._connect()


class User:
    """A user. `name` is the seed of its random choices and of the texts that it asks for."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name
        self._rng = random.Random(name)
        self._count = 0
        self._talks: list[Talk] = []

    async def run(self) -> None:
        """Do one action after another until the run is over, then delete all conversations."""
        actions, weights = zip(*ACTIONS.items(), strict=True)
        while not self._world.over.is_set():
            [action] = self._rng.choices(actions, weights)
            await self._guarded(action)
            await self._pause(0.2, 2)
        await self._guarded(User.leave)

    async def leave(self) -> None:
        """Delete all conversations of this user."""
        while self._talks:
            await self._forget(self._talks[0])

    # -- answers

    async def ask(self) -> None:
        """Ask in a known or a new conversation, and read the answer to its end."""
        await self._ask(Reader)

    async def leave_and_come_back(self) -> None:
        await self._ask(Leaving)

    async def open_tabs(self) -> None:
        """Read an answer in three tabs at once and once more afterwards; all get the same."""
        message = self._question()
        first = self._reader({"message": message})
        asking = asyncio.ensure_future(first.run())
        await self._started(first, asking)
        tabs = [self._tab(first.id, cls) for cls in (Reader, Leaving)]
        async with asyncio.TaskGroup() as group:
            for tab in tabs:
                group.create_task(tab.run())
                await self._pause(0, 0.5)
        await asking
        tabs.append(await self._tab(first.id).run())
        for tab in tabs:
            self._same(tab.log, first.log, f"{tab} and {first} differ")
        await self._judged(Turn(message, first))

    async def stop(self) -> None:
        """Stop an answer at a random moment, perhaps before it exists; repeat until it ends."""
        message = self._question()
        reader = self._reader({"message": message})
        asking = asyncio.ensure_future(reader.run())
        await self._pause(0, self._rng.choice([0, 0.05, 3]))
        while not asking.done():
            response = await self._world.request("POST", f"/stream/{reader.id}/stop", {})
            self._same(response.status in (200, 404), True, f"stop: {response}")
            if response.status == 200:
                break
            await asyncio.sleep(0.02)
        await asking
        await self._judged(Turn(message, reader))

    async def never_read(self) -> None:
        """Ask for more than all buffers hold, and read nothing for a while; then resume."""
        message = self._question(int(200_000 * self._world.patience), 0)
        reader = self._reader({"message": message})
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.connect(("127.0.0.1", self._world.direct.port))
            sock.sendall(self._world.direct.encode("POST", "/stream", reader.body, {}))
            await self._pause(1, 6)
        await self._judged(Turn(message, await reader.run()))

    async def regenerate(self) -> None:
        talk = await self._talk()
        turn = self._rng.choice(talk.turns)
        body = {"message": None, "parent_id": turn.start["user_message_id"]}
        await self._ask_in(talk, turn.message, body)

    async def edit(self) -> None:
        """Replace a question by another one."""
        talk = await self._talk()
        message = self._question()
        body = {"message": message, "parent_id": self._rng.choice(talk.turns).start["parent_id"]}
        await self._ask_in(talk, message, body)

    async def continue_answer(self) -> None:
        """Continue an answer that broke off; without one, stop an answer."""
        for talk in self._talks:
            for turn in talk.turns:
                text = turn.reader.text
                if turn.reader.state != "done" and len(text) >= QUOTABLE:
                    body = {"continue": turn.start["message_id"]}
                    await self._judged(
                        Turn(turn.message, await self._reader(body).run(), text), talk
                    )
                    return
        await self.stop()

    # -- conversations

    async def rename(self) -> None:
        talk = await self._talk()
        title = f"renamed {self._name} {self._count}"
        response = await self._world.request(
            "PATCH", f"/api/conversations/{talk.id}", {"title": title}
        )
        self._same(response.status, 200, f"rename: {response}")
        path, found, next = f"/api/conversations?q={self._name}%20{self._count}", {}, ""
        while next is not None and not found:
            response = await self._world.request("GET", path + (next and f"&before={next}"))
            found = {match["id"]: match["title"] for match in response.json()["conversations"]}
            next = response.json()["next"]
        self._same(found.get(talk.id), title, f"{talk.id} is not found by its name: {response}")

    async def look(self) -> None:
        """Open the page, the lists and a conversation; compare it with what the user has seen."""
        talk = await self._talk()
        for path in ("/", "/api/models", "/api/conversations?limit=20", f"/c/{talk.id}"):
            response = await self._world.request("GET", path)
            self._same(response.status, 200, f"{path}: {response}")
        path = f"/api/conversations/{talk.id}"
        response = await self._world.request("GET", path)
        while response.status == 429:  # so many others are reading large conversations
            await asyncio.sleep(int(response.headers["retry-after"]))
            response = await self._world.request("GET", path)
        self._same(response.status, 200, f"{path}: {response}")
        if etag := response.headers.get("etag"):  # a large conversation has none
            again = await self._world.request("GET", path, If_None_Match=etag)
            self._same(again.status, 304, f"{path}: {again}")
        messages = {message["id"]: message for message in response.json()["messages"]}
        for turn in talk.turns:
            stored = messages[turn.start["message_id"]]
            self._same(stored["content"], turn.reader.text, f"{turn.reader} is stored as {stored}")
            self._same(stored["state"], turn.reader.state, f"{turn.reader} is stored as {stored}")
        turn = self._rng.choice(talk.turns)
        again = await self._tab(turn.reader.id).run()
        self._same(again.log, turn.reader.log, f"{turn.reader} has changed")

    async def export(self) -> None:
        """Download a conversation; the file also contains the text of a running answer."""
        talk = await self._talk()
        for form in ("md", "json", "txt"):
            response = await self._world.direct.request("GET", f"/c/{talk.id}.{form}")
            self._same(response.status, 200, f"{form}: {response}")
        message = self._question()
        reader = self._reader({"message": message, "conversation_id": talk.id})
        asking = asyncio.ensure_future(reader.run())
        await self._started(reader, asking)
        file = await self._world.direct.request("GET", f"/c/{talk.id}.txt")
        await asking
        text = file.body.decode()
        self._same(reader.text.strip() in text, True, f"{reader} is not in its file: {text!r}")
        await self._judged(Turn(message, reader), talk)

    async def delete(self) -> None:
        if self._talks:
            await self._forget(self._rng.choice(self._talks))

    async def delete_running(self) -> None:
        """Delete a conversation with a running answer: its reader gets `end`, then all is 404."""
        message, direct = self._question(), self._world.direct
        reader = Reader(direct, {"message": message})
        asking = asyncio.ensure_future(reader.run())
        await self._started(reader, asking)
        await self._pause(0, 2)
        path = f"/api/conversations/{reader.start['conversation_id']}"
        response = await direct.request("DELETE", path)
        self._same(response.status, 204, f"delete: {response}")
        await asking
        self._world.judge.answer(reader, message)
        for gone in (path, f"/stream/{reader.id}"):
            response = await direct.request("GET", gone)
            self._same(response.status, 404, f"{gone}: {response}")

    # -- connections

    async def idle(self) -> None:
        """Send some requests on one connection, with pauses between them."""
        direct = self._world.direct
        connection = await direct.connect()
        try:
            for _ in range(3):
                await connection.write(direct.encode("GET", "/healthz", None, {}))
                response = await read_head(connection)
                self._same(response.status, 200, f"idle: {response}")
                await connection.read_bytes(int(response.headers["content-length"]))
                await self._pause(1, 10)
        finally:
            connection.close()

    async def upload_slowly(self) -> None:
        """Send a request in small pieces; give some requests up before they are complete."""
        message = self._question()
        reader = self._reader({"message": message})
        data = self._world.client.encode("POST", "/stream", reader.body, {})
        until = self._rng.choice([len(data), self._rng.randrange(len(data))])
        connection = await self._world.direct.connect()
        try:
            for at in range(0, until, 1 + len(data) // 10):
                await connection.write(data[at : min(until, at + 1 + len(data) // 10)])
                await self._pause(0.1, 0.5)
            if until < len(data):
                return
            await Stream(connection, await read_head(connection)).until("start")
        finally:
            connection.close()
        await self._judged(Turn(message, await reader.run()))

    async def misbehave(self) -> None:
        """Send bad requests: each gets its own status. Send bytes that are no HTTP."""
        direct = self._world.direct
        for method, path, body, headers, status in BAD_REQUESTS:
            response = await direct.request(method, path, body, headers)
            self._same(response.status, status, f"{method} {path}: {response}")
        for data in (
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
            b"GET / HTTP/1.1\r\nX: ",
        ):
            connection = await direct.connect()
            await connection.write(data + b"x" * self._rng.choice([0, 40_000]) + b"\r\n\r\n")
            await self._hang_up(connection)

    # -- helpers of the actions

    async def _guarded(self, action: Callable[[User], Awaitable[None]]) -> None:
        self._count += 1
        judge, name = self._world.judge, action.__name__
        judge.actions[name] += 1
        try:
            async with asyncio.timeout(180):
                await action(self)
        except Exception as error:
            judge.failed(error, f"{self._name}-{self._count}, {name}")

    async def _ask(self, cls: type[Reader]) -> None:
        message, talk = self._question(), None
        body: dict[str, Any] = {"message": message}
        if self._talks and self._rng.random() < 0.6:
            talk = self._rng.choice(self._talks)
            body["conversation_id"] = talk.id
        await self._judged(Turn(message, await self._reader(body, cls).run()), talk)

    async def _ask_in(self, talk: Talk, message: str, body: dict[str, Any]) -> None:
        reader = self._reader({"conversation_id": talk.id, **body})
        await self._judged(Turn(message, await reader.run()), talk)

    async def _judged(self, turn: Turn, talk: Talk | None = None) -> None:
        """Add the turn to its conversation and judge it; delete conversations that are too many."""
        if talk is None:
            talk = Talk(turn.start["conversation_id"], [])
            self._talks.append(talk)
        talk.turns.append(turn)
        self._world.judge.answer(turn.reader, turn.message, turn.continued_text)
        if len(talk.turns) >= TURNS:
            await self._forget(talk)
        if len(self._talks) > CONVERSATIONS:
            await self._forget(self._talks[0])

    async def _forget(self, talk: Talk) -> None:
        self._talks.remove(talk)
        response = await self._world.request("DELETE", f"/api/conversations/{talk.id}")
        # 404: the response to the first request was lost, so this is a second one.
        self._same(response.status in (204, 404), True, f"delete: {response} {response.body!r}")

    async def _talk(self) -> Talk:
        """A conversation with at least one turn."""
        if not self._talks:
            await self.ask()
        return self._rng.choice(self._talks)

    async def _started(self, reader: Reader, asking: asyncio.Future[Any]) -> None:
        while not (reader.started or asking.done()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._rng.uniform(least, most) * self._world.patience)

    async def _hang_up(self, connection: IOStream) -> None:
        try:
            async with asyncio.timeout(5):
                await connection.read_until_close()
        except TimeoutError:
            pass
        finally:
            connection.close()

    def _question(self, size: int = 0, gap_ms: float | None = None) -> str:
        self._count += 1
        size = size or self._rng.choice([1, 60, 300, 800, 1500])
        gap = self._rng.choice([0, 10, 40, 80]) * self._world.patience if gap_ms is None else gap_ms
        return question(f"plain-{self._name}-{self._count}", size, gap)

    def _reader(self, body: dict[str, Any], cls: type[Reader] = Reader) -> Reader:
        return self._patient(cls, body)

    def _tab(self, id: str, cls: type[Reader] = Reader) -> Reader:
        return self._patient(cls, id=id)

    def _patient(self, cls: type[Reader], *args: Any, **more: Any) -> Reader:
        patience = self._world.patience
        more |= {"rng": self._rng, "silence": 2.5 * patience, "deadline": 150}
        reader = cls(self._world.client, *args, **more)
        if isinstance(reader, Leaving):
            reader.away = patience
        return reader

    def _same(self, found: Any, expected: Any, what: str) -> None:
        if found != expected:
            raise Wrong(f"{what}: {found!r} instead of {expected!r}")


#: All actions, with their relative frequency.
ACTIONS: dict[Callable[[User], Awaitable[None]], int] = {
    User.ask: 8,
    User.leave_and_come_back: 8,
    User.open_tabs: 4,
    User.stop: 6,
    User.never_read: 2,
    User.regenerate: 4,
    User.edit: 4,
    User.continue_answer: 4,
    User.rename: 3,
    User.look: 4,
    User.export: 2,
    User.delete: 3,
    User.delete_running: 3,
    User.idle: 3,
    User.upload_slowly: 3,
    User.misbehave: 2,
}

BAD_REQUESTS: list[tuple[str, str, Any, dict[str, str | None], int]] = [
    ("POST", "/stream", b"{", {}, 400),
    ("POST", "/stream", b"[" * 5000, {}, 400),
    ("POST", "/stream", {"message": " "}, {}, 400),
    ("POST", "/stream", {"message": "hi", "conversation_id": UNKNOWN}, {}, 404),
    ("POST", "/stream", {"continue": UNKNOWN}, {}, 404),
    ("POST", "/stream", b"message=hi", {"Content-Type": "text/plain"}, 415),
    ("POST", "/stream", {"message": "x" * 1_100_000}, {}, 413),
    ("POST", "/stream", {"message": "hi"}, {"Origin": "http://other.example"}, 403),
    ("GET", "/", None, {"Host": "other.example"}, 421),
    ("GET", "/nowhere", None, {}, 404),
    ("GET", f"/stream/{UNKNOWN}", None, {}, 404),
    ("GET", "/api/conversations?limit=x", None, {}, 400),
    ("POST", f"/stream/{UNKNOWN}/stop", {}, {}, 404),
    ("PATCH", f"/api/conversations/{UNKNOWN}", {"title": "x"}, {}, 404),
    ("DELETE", f"/api/conversations/{UNKNOWN}", None, {}, 404),
]
