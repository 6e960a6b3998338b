"""The life of the process: settings, application, listening, signals, drain, exit.

The rule: after the first SIGTERM, SIGINT or SIGHUP the server waits for the running answers, and
after the second it ends them at once. Either way every reader gets an `end`, and no child process
remains.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import gc
import logging
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tornado_stream.app import ChatApplication
from tornado_stream.command_line import Command, parse_command
from tornado_stream.commands.verbs import VERBS, run_verb
from tornado_stream.handlers.short_way import ShortWay
from tornado_stream.handover.notify import tell_manager
from tornado_stream.handover.offer import TakenOver, take_over
from tornado_stream.handover.process import Process
from tornado_stream.handover.successor import begin_successor, start_successor
from tornado_stream.net import descriptors
from tornado_stream.net.addresses import address, bind, free_port, is_reachable
from tornado_stream.net.listener import Server
from tornado_stream.net.passing import Refused
from tornado_stream.observe import log
from tornado_stream.own_command import command_again
from tornado_stream.settings import SettingError, Settings
from tornado_stream.signals import Signals
from tornado_stream.store.base import OpenError
from tornado_stream.store.lock import lock_holder
from tornado_stream.values.urls import shown_database
from tornado_stream.workers.worker import Worker

logger = logging.getLogger(__name__)

#: glibc's M_MMAP_THRESHOLD at its initial value. Once it is set, glibc no longer raises it.
MALLOC_OPTION = (-3, 128 * 1024)
#: Seconds in which responses can be written completely after their answers have ended.
LAST_WRITES = 1.0
#: Seconds in which a child process can exit by itself.
CHILD_GRACE = 2.0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the server; returns the exit status. A wrong setting gets one line and status 2."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        if argv and argv[0] in VERBS:
            return run_verb(argv, lambda flags: parse_command(flags, os.environ).settings)
        command = parse_command(argv, os.environ)
        settings = command.settings
        if command.user_command:
            return _run_flag(command)
        log.configure(settings.log_level, settings.log_format, settings.secrets)
        if command.fetch_model:
            return _fetch_model(command)
        descriptors.raise_limit()
        taken = take_over(settings) if command.replace else None
        sockets = taken.sockets if taken else _bind(command.settings, argv)
        begin = _run_workers if settings.workers > 1 else _run
        status = begin(settings, sockets, taken)
    except (SettingError, OpenError) as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        return 2
    _drop_unwritten()
    return status


def _run_workers(settings: Settings, sockets: list[socket.socket], taken: TakenOver | None) -> int:
    """As `_run`, with several processes."""
    from tornado_stream.workers.start import supervise  # most servers have one process

    for_first = [taken] if taken else []

    def serve(worker: Worker, lock: int | None) -> int:
        try:
            first = for_first[0] if for_first else None
            return _run(settings, sockets, first, worker, lock)
        except (SettingError, OpenError) as error:
            print(f"tornado-stream: {error}", file=sys.stderr)
            return 2

    def on_started() -> None:
        while for_first:  # the first worker has it now
            for_first.pop().channel.close()

    lock = taken.lock if taken else None
    return supervise(settings, lock, serve, on_started, start_successor, tell_manager)


def _run(
    settings: Settings,
    sockets: list[socket.socket],
    taken: TakenOver | None,
    worker: Worker | None = None,
    lock: int | None = None,
) -> int:
    """Serve until the end, as the only process of the server or as one of its workers; returns the
    exit status. `lock` is the data directory's, if another process has got it. Raises
    `SettingError` and `OpenError`."""
    exposed = any(is_reachable(sock) for sock in sockets)
    lock = taken.lock if taken else lock
    part = worker.part if worker else None
    application = ChatApplication(settings, exposed=exposed, lock=lock, part=part)
    application.provider.on_new_secrets = partial(_configure_log, application)
    _configure_log(application)
    return asyncio.run(_serve(application, sockets, taken, worker))


def _configure_log(application: ChatApplication) -> None:
    settings = application.config
    secrets = (*settings.secrets, *application.provider.secrets)
    log.configure(settings.log_level, settings.log_format, secrets)


def _run_flag(command: Command) -> int:
    from tornado_stream.commands.users import run_flag

    assert command.user_command
    flag, name = command.user_command
    run_flag(flag, name, command.settings, with_conversations=command.with_conversations)
    return 0


def _drop_unwritten() -> None:
    """Drop what a terminal that was closed does not take any more; otherwise Python would exit
    with status 120."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except OSError:
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def make_server(application: ChatApplication, *, short_way: bool = True) -> Server:
    """The HTTP server with its limits. It does not listen yet. Without `short_way`, Tornado reads
    and answers every request."""
    server = Server(application, application.config, application.part)
    server.short_way = ShortWay(application) if short_way else None
    application.keep_alive = server.handle_stream
    return server


async def _serve(
    application: ChatApplication,
    sockets: list[socket.socket],
    taken: TakenOver | None,
    worker: Worker | None,
) -> int:
    settings = application.config
    server = make_server(application)
    stop = Signals()
    process = Process(application, server, sockets, worker)
    asyncio.get_running_loop().set_exception_handler(log.on_loop_exception)
    _log_limits(settings)
    # Servers over one database in PostgreSQL have no leader: each does what is to be done.
    leads = process.leads or application.store.tails
    await application.open(leads=leads and taken is None)
    application.provider.start()
    try:
        await process.open(taken)
    except Refused as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        await application.close(CHILD_GRACE)
        return 2
    server.add_sockets(sockets)
    _collect_less_garbage()
    _return_memory()
    show = partial(print, _banner(application, sockets), flush=True)
    if worker:
        process.serve_as_worker(show, stop.end)
    else:
        stop.on_replace(begin_successor)
        show()
    over: set[asyncio.Future[Any]] = {stop.first, process.done}
    await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
    first = stop.first.result() if stop.first.done() else 0
    application.generations.draining = True
    logger.info("draining: %d answers are running", len(application.generations))
    await asyncio.gather(
        application.generations.drain(settings.drain_timeout, stop.second),
        process.others_end(settings.drain_timeout + 2 * LAST_WRITES, stop.second),
    )
    await application.generations.interrupt(LAST_WRITES)
    await _finish_responses(application, server, stop.second)
    process.close()
    await application.close(0.1 if stop.second.done() else CHILD_GRACE)
    status = 128 + first if stop.second.done() else 0
    stop.close(status)
    return status


def _log_limits(settings: Settings) -> None:
    connections, answers = descriptors.shares(settings)
    if (connections, answers) != (settings.max_connections, settings.max_answers):
        text = "%d file descriptors: enough for %d connections and %d answers at a time"
        logger.info(text, descriptors.limit(), connections, answers)


def _collect_less_garbage() -> None:
    """Exclude the objects of the start from garbage collection, because they stay; and collect
    less often, because answers leave no reference cycles."""
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _return_memory() -> None:
    """Make glibc return large blocks to the system when they are freed. By default it stops that
    after the first large block, and then each long answer leaves memory that stays unused."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(*MALLOC_OPTION)


async def _finish_responses(
    application: ChatApplication, server: Server, hurry: asyncio.Future[int]
) -> None:
    """Wait until the last requests are served and their responses are written, then close every
    connection."""
    server.stop()
    now = asyncio.get_running_loop().time
    due = now() + LAST_WRITES
    while application.streams or server.connections.are_serving:
        if now() > due or hurry.done():
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)  # lets the last bytes of ended responses go out
    for response in tuple(application.streams):
        response.abandon()
    await server.close_all_connections()


def _bind(settings: Settings, argv: Sequence[str]) -> list[socket.socket]:
    try:
        return bind(settings)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise SettingError(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error}); "
                "--host takes an address of this machine, --port a number above 1023"
            ) from None
    if lock_holder(settings.data_dir) is not None:
        raise SettingError(
            f"port {settings.port} is taken, and a Tornado Stream runs with this data directory. "
            f"This takes over from it, without a pause:\n  {command_again(argv, '--replace')}"
        )
    raise SettingError(
        f"port {settings.port} is taken by another program. This one is free:\n"
        f"  {_command_with_port(argv, free_port(settings))}"
    )


def _command_with_port(argv: Sequence[str], port: int) -> str:
    words = list(argv)
    for index, word in enumerate(words):
        if word == "--port":
            del words[index : index + 2]
            break
        if word.startswith("--port="):
            del words[index]
            break
    return command_again(words, "--port", str(port))


def _banner(application: ChatApplication, sockets: list[socket.socket]) -> str:
    """What the server says when it listens: its address, its models and its data."""
    settings, provider = application.config, application.provider
    default = f"the default is {provider.default_model or 'the first that it lists'}"
    models = f"none. {provider.origin}" if provider.failing else f"{provider.origin}; {default}"
    data = shown_database(settings.database) if settings.database else settings.data_dir
    return f"Tornado Stream is at {address(settings, sockets)}\nModels: {models}\nData: {data}"


def _fetch_model(command: Command) -> int:
    from tornado_stream.providers.local.weights import FetchError, fetch_weights

    try:
        path = fetch_weights(command.settings.data_dir)
    except FetchError as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0
