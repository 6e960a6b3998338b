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
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_address

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from tornado_stream.app import ChatApplication
from tornado_stream.command_line import Command, parse_command
from tornado_stream.commands.verbs import VERBS, run_verb
from tornado_stream.net import descriptors
from tornado_stream.net.listener import Server
from tornado_stream.observe import log
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import OpenError

logger = logging.getLogger(__name__)

#: glibc's M_MMAP_THRESHOLD at its initial value. Once it is set, glibc no longer raises it.
MALLOC_OPTION = (-3, 128 * 1024)
#: Connections that may wait to be accepted.
BACKLOG = 1024
#: Seconds in which responses can be written completely after their answers have ended.
LAST_WRITES = 1.0
#: Seconds after a second signal at which the process exits in any case.
HURRY = 0.8
#: Seconds in which a second SIGHUP belongs to the first: when a terminal is closed, the shell and
#: the system send one each.
HANGUP = 1.0
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
        sockets = _bind(command.settings, argv)
        exposed = any(_is_reachable(sock) for sock in sockets)
        application = ChatApplication(settings, exposed=exposed)
        application.provider.on_new_secrets = partial(_configure_log, application)
        _configure_log(application)
    except (SettingError, OpenError) as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        return 2
    status = asyncio.run(_serve(application, sockets))
    _drop_unwritten()
    return status


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


def make_server(application: ChatApplication) -> Server:
    """The HTTP server with its limits. It does not listen yet."""
    server = Server(application, application.config)
    application.keep_alive = server.handle_stream
    return server


async def _serve(application: ChatApplication, sockets: list[socket.socket]) -> int:
    settings = application.config
    server = make_server(application)
    stop = _Signals()
    asyncio.get_running_loop().set_exception_handler(log.on_loop_exception)
    _log_limits(settings)
    await application.open()
    application.provider.start()
    server.add_sockets(sockets)
    _collect_less_garbage()
    _return_memory()
    print(_banner(application, sockets), flush=True)
    first = await stop.first
    application.generations.draining = True
    logger.info("draining: %d answers are running", len(application.generations))
    await application.generations.drain(settings.drain_timeout, stop.second)
    await application.generations.interrupt(LAST_WRITES)
    await _finish_responses(application, server, stop.second)
    await application.close(0.1 if stop.second.done() else CHILD_GRACE)
    return 128 + first if stop.second.done() else 0


def _log_limits(settings: Settings) -> None:
    connections, answers = descriptors.shares(settings)
    if (connections, answers) != (settings.max_connections, settings.max_answers):
        text = "%d file descriptors: enough for %d connections and %d answers at a time"
        logger.info(text, descriptors.limit(), connections, answers)


def _collect_less_garbage() -> None:
    """Exclude the objects of the start from garbage collection, because they stay; and collect
    less often, because answers leave no reference cycles."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def _return_memory() -> None:
    """Make glibc return large blocks to the system when they are freed. By default it stops that
    after the first large block, and then each long answer leaves memory that stays unused."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(*MALLOC_OPTION)


async def _finish_responses(
    application: ChatApplication, server: HTTPServer, hurry: asyncio.Future[int]
) -> None:
    """Wait until the last responses are written, then close every connection."""
    server.stop()
    now = asyncio.get_running_loop().time
    due = now() + LAST_WRITES
    while application.streams and now() < due and not hurry.done():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.01)  # lets the last bytes of ended responses go out
    for response in tuple(application.streams):
        response.abandon()
    await server.close_all_connections()


class _Signals:
    """SIGINT, SIGTERM and SIGHUP as two futures with the signal's number: of the first signal, and
    of the second, which asks to hurry. A SIGHUP that was ignored when the process began (nohup)
    stays ignored; Windows has none."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.first: asyncio.Future[int] = self._loop.create_future()
        self.second: asyncio.Future[int] = self._loop.create_future()
        self._hung_up_at = -HANGUP
        for number in _ending_signals():
            self._handle(number, partial(self._on_signal, number))

    def _handle(self, number: int, callback: Callable[[], None]) -> None:
        try:
            self._loop.add_signal_handler(number, callback)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: self._loop.call_soon_threadsafe(callback))

    def _on_signal(self, number: int) -> None:
        if number == getattr(signal, "SIGHUP", None):
            before, self._hung_up_at = self._hung_up_at, self._loop.time()
            if self._hung_up_at < before + HANGUP:
                return
        for future in (self.first, self.second):
            if not future.done():
                future.set_result(number)
                break
        if self.second.done():
            # The process exits even if something hangs. A child notices that its parent is gone.
            self._loop.call_later(HURRY, os._exit, 128 + number)


def _ending_signals() -> list[signal.Signals]:
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is None or signal.getsignal(hangup) == signal.SIG_IGN:
        return [signal.SIGINT, signal.SIGTERM]
    return [signal.SIGINT, signal.SIGTERM, hangup]


def _bind(settings: Settings, argv: Sequence[str]) -> list[socket.socket]:
    try:
        return bind_sockets(settings.port, _bound_host(settings), backlog=BACKLOG)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise SettingError(
                f"cannot listen on {settings.host}:{settings.port} ({error.strerror or error}); "
                "--host takes an address of this machine, --port a number above 1023"
            ) from None
    free = _free_port(settings)
    raise SettingError(
        f"port {settings.port} is taken by another program. This one is free:\n"
        f"  {_command_with_port(argv, free)}"
    )


def _bound_host(settings: Settings) -> str | None:
    """The host for `bind_sockets`. `::` becomes None, which makes Tornado listen on all addresses:
    those of IPv6 and of IPv4 on sockets of their own, so that an IPv4 client keeps the form of its
    address. On a system without IPv6 only the IPv4 socket remains."""
    try:
        is_everywhere = ip_address(settings.host) == ip_address("::")
    except ValueError:  # a name
        is_everywhere = False
    return None if is_everywhere else settings.host


def _is_reachable(sock: socket.socket) -> bool:
    """Whether other machines can reach the socket's address."""
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return False
    return not ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def _free_port(settings: Settings) -> int:
    for port in range(settings.port + 1, min(settings.port + 100, 65536)):
        try:
            sockets = bind_sockets(port, _bound_host(settings))
        except OSError:
            continue
        for sock in sockets:
            sock.close()
        return port
    return 0  # then the system chooses a port


def _command_with_port(argv: Sequence[str], port: int) -> str:
    words = list(argv)
    for index, word in enumerate(words):
        if word == "--port":
            del words[index : index + 2]
            break
        if word.startswith("--port="):
            del words[index]
            break
    words += ["--port", str(port)]
    if target := os.environ.get("MAKE_TARGET"):
        arguments = shlex.join(words).replace("$", "$$")
        return f"make {target} ARGS={shlex.quote(arguments)}"
    return shlex.join([*_program(), *words])


def _program() -> list[str]:
    name = sys.argv[0]
    return [_python(), name] if name.endswith(".py") else [name]


def _python() -> str:
    """The command that runs this Python: its name where the shell finds it, else its path."""
    path = sys.executable or "python"
    name, here = os.path.basename(path), os.getcwd() + os.sep
    return name if shutil.which(name) in (path, None) else path.removeprefix(here)


def _banner(application: ChatApplication, sockets: list[socket.socket]) -> str:
    """What the server says when it listens: its address, its models and its data."""
    settings, provider = application.config, application.provider
    default = f"the default is {provider.default_model or 'the first that it lists'}"
    models = f"none. {provider.origin}" if provider.failing else f"{provider.origin}; {default}"
    return (
        f"Tornado Stream is at {_address(settings, sockets)}\n"
        f"Models: {models}\n"
        f"Data: {settings.data_dir}"
    )


def _address(settings: Settings, sockets: list[socket.socket]) -> str:
    """The address to open in a browser; with `::` also the families that the server listens on."""
    port = sockets[0].getsockname()[1]
    host = _bound_host(settings)
    if host is None:
        families = {socket.AF_INET: "IPv4", socket.AF_INET6: "IPv6"}
        listening = " and ".join(families[sock.family] for sock in sockets)
        return f"http://localhost:{port}{settings.base_path}/ (all addresses, {listening})"
    if host in ("127.0.0.1", "0.0.0.0"):
        host = "localhost"
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.base_path}/"


def _fetch_model(command: Command) -> int:
    from tornado_stream.providers.local.weights import FetchError, fetch_weights

    try:
        path = fetch_weights(command.settings.data_dir)
    except FetchError as error:
        print(f"tornado-stream: {error}", file=sys.stderr)
        return 1
    print(path)
    return 0
