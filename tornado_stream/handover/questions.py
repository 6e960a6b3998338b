"""What other processes ask about the services of this one, and what they tell them.

The rule: a question is answered at once, or when the services have acted on it.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable

import orjson
from tornado.ioloop import IOLoop

from tornado_stream.app import ChatApplication
from tornado_stream.net.passing import Message, Reply, close_all, read_whole

#: Answers a message: gets the application, the message, its descriptors, and what it answers with.
Question = Callable[[ChatApplication, Message, list[int], Reply], None]


def _knows(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Whether an answer is in memory here, by its owner and its id."""
    close_all(descriptors)
    owner, id = message["knows"]
    here = application.generations.has(owner, id) or application.completions.has(owner, id)
    reply({"knows": here}, ())


def _sessions(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Another process has begun or ended sessions."""
    close_all(descriptors)

    async def refresh() -> None:
        await application.auth.refresh()
        reply({}, ())

    IOLoop.current().add_callback(refresh)


def _imports(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Another process has got an import."""
    close_all(descriptors)

    async def look() -> None:
        await application.imports.look()
        reply({}, ())

    IOLoop.current().add_callback(look)


def _metrics(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """The metrics of this process. A packet has room for them if they are compressed."""
    close_all(descriptors)
    text = zlib.compress(application.metrics.text(), 1)
    reply({"metrics": base64.b64encode(text).decode()}, ())


def metrics_of(message: Message) -> str:
    """The text in such an answer."""
    return zlib.decompress(base64.b64decode(message["metrics"])).decode()


def _tries(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Go on with the waits after wrong passwords."""
    application.auth.take_tries(orjson.loads(read_whole(descriptors[0])))
    close_all(descriptors[1:])
    reply({}, ())


def _items(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Which of an owner's items of responses are in memory here. They are written into the file
    that has the question, because a packet may be too small for either."""
    with open(descriptors[0], "r+b") as file:
        file.seek(0)
        owner, ids = orjson.loads(file.read())
        file.seek(0)
        file.truncate()
        file.write(application.response_items.dump(owner, ids))
    close_all(descriptors[1:])
    reply({}, ())


def _remember(
    application: ChatApplication, message: Message, descriptors: list[int], reply: Reply
) -> None:
    """Go on with the items of responses of a process that ends."""
    application.response_items.take(read_whole(descriptors[0]))
    close_all(descriptors[1:])
    reply({}, ())


#: By the member that a message has.
QUESTIONS: dict[str, Question] = {
    "knows": _knows,
    "sessions": _sessions,
    "tries": _tries,
    "imports": _imports,
    "metrics": _metrics,
    "items": _items,
    "remember": _remember,
}
