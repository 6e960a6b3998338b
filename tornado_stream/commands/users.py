"""`users …`: adds, lists and removes users, their tokens and their sessions.

The rule: a command changes the users' file alone. What has to happen in the database is an order in
that file: the running server carries it out, or this command does if no server runs.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep, time

from tornado_stream.auth import commands
from tornado_stream.auth.audit import recording
from tornado_stream.auth.sessions import Sessions
from tornado_stream.auth.shared_users import share_users_file
from tornado_stream.auth.users import FILE
from tornado_stream.auth.users_file import (
    DELETE_CONVERSATIONS,
    END_SESSIONS,
    OWNER_ID,
    Order,
    changing_users,
    read_users,
    short_id,
)
from tornado_stream.chat.conversations import ConversationService
from tornado_stream.chat.orders import Orders
from tornado_stream.commands.stored import has_store, opened_store, stored_sessions
from tornado_stream.commands.terminal import ask, count, day, days, used
from tornado_stream.generations.registry import Generations
from tornado_stream.settings import SettingError, Settings
from tornado_stream.store.base import DirectoryInUse, Session

#: Seconds to wait until a running server has carried out an order.
SERVER_WAIT, SERVER_PAUSE = 30.0, 0.05
DAY = 24 * 3600
#: The events of the audit log, by the flags of earlier versions.
FLAG_EVENTS = {
    "set-password": "password_change",
    "new-token": "token_new",
    "remove-tokens": "token_remove",
    "remove-user": "user_remove",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)

    def action(
        name: str,
        run: Callable[[argparse.Namespace, Settings], None],
        help: str,
        *,
        named: bool = True,
        event: str = "",
    ) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=help, description=help, allow_abbrev=False)
        if named:
            one.add_argument("name", metavar="NAME", help="the user's name")
        one.add_argument("--data-dir", metavar="PATH", default=argparse.SUPPRESS)
        one.set_defaults(action=run, event=event)
        return one

    action("list", _list, "List the users.", named=False)
    add = action(
        "add",
        _add,
        "Add a user. Asks for the password, or reads it from standard input.",
        event="user_add",
    )
    add.add_argument(
        "--no-password",
        action="store_true",
        help="for a user who logs in at a reverse proxy (--user-header), or with tokens alone",
    )
    action(
        "password",
        _password,
        "Set the password of a user, which ends the user's sessions.",
        event="password_change",
    )
    remove = action(
        "remove", _remove, "Remove a user with their sessions and tokens.", event="user_remove"
    )
    remove.add_argument(
        "--with-conversations", action="store_true", help="delete the user's conversations too"
    )
    remove.add_argument(
        "--former",
        action="store_true",
        help="NAME is the id of a user who was removed before; with --with-conversations",
    )
    action("sessions", _sessions, "List the sessions of a user.")
    end = action(
        "end-sessions", _end_sessions, "End all sessions of a user, or one.", event="sessions_end"
    )
    end.add_argument("id", metavar="ID", nargs="?", help="the id that `users sessions` shows [all]")
    action("tokens", _tokens, "List the tokens of a user.")
    new = action(
        "new-token",
        _new_token,
        "Make a bearer token for a user, and print it once.",
        event="token_new",
    )
    new.add_argument("--name", dest="label", default="", metavar="TEXT", help="what it is for")
    new.add_argument("--days", type=days, default=0, help="days after which it expires [never]")
    revoke = action(
        "remove-token", _remove_token, "Remove one token of a user.", event="token_remove"
    )
    revoke.add_argument("id", metavar="ID", help="the token's id, which `users tokens` shows")
    action("remove-tokens", _remove_tokens, "Remove all tokens of a user.", event="token_remove")


def run(options: argparse.Namespace, settings: Settings) -> None:
    if "name" in options and not getattr(options, "former", False):
        commands.check_name(options.name)
    share_users_file(settings.database, settings.data_dir / FILE)
    if not options.event:
        options.action(options, settings)
        return
    with recording(settings, options.event) as about:
        about(_owner(settings, options.name))
        options.action(options, settings)
        about(_owner(settings, options.name))


def run_flag(flag: str, name: str, settings: Settings, *, with_conversations: bool) -> None:
    """Run one of `auth.commands.USER_COMMANDS`, the flags of earlier versions."""
    commands.check_name(name, f"--{flag}")
    share_users_file(settings.database, settings.data_dir / FILE)
    with recording(settings, FLAG_EVENTS[flag]) as about:
        about(_owner(settings, name))
        _run_flag(flag, name, settings, with_conversations=with_conversations)
        about(_owner(settings, name))


def _run_flag(flag: str, name: str, settings: Settings, *, with_conversations: bool) -> None:
    path = settings.data_dir / FILE
    if flag == "set-password":
        _set_password(path, name)
    elif flag == "new-token":
        print(commands.new_token(path, name)[0])
    elif flag == "remove-tokens":
        commands.remove_tokens(path, name)
        print(f"{name} has no tokens now")
    else:
        _remove_user(settings, name, with_conversations=with_conversations)


def _owner(settings: Settings, name: str) -> str:
    """The id of the user with this name; the id itself for a former user, "" for a new one."""
    users = read_users(settings.data_dir / FILE)
    return users.owner_id(name) if name in users else name if ":" in name else ""


def _list(options: argparse.Namespace, settings: Settings) -> None:
    users = read_users(settings.data_dir / FILE)
    for name, user in users.items():
        has = "a password" if user.password else "no password"
        print(f"{name}: {has}, {count(len(user.tokens), 'token')}, id {users.owner_id(name)}")


def _add(options: argparse.Namespace, settings: Settings) -> None:
    path = settings.data_dir / FILE
    if options.name in read_users(path):
        raise SettingError(f"there is a user {options.name} already; nothing was changed")
    if options.no_password:
        commands.add_user(path, options.name)
    else:
        commands.set_password(path, options.name, ask(options.name))
    print(f"{options.name} is added")


def _password(options: argparse.Namespace, settings: Settings) -> None:
    path = settings.data_dir / FILE
    users = read_users(path)
    commands.known_user(path, users, options.name)
    _set_password(path, options.name, owner=users.owner_id(options.name))


def _set_password(path: Path, name: str, *, owner: str = "") -> None:
    commands.set_password(path, name, ask(name), owner=owner)
    print(f"{name} has a new password; sessions under an old one have ended")


def _remove(options: argparse.Namespace, settings: Settings) -> None:
    if not options.former:
        _remove_user(settings, options.name, with_conversations=options.with_conversations)
        return
    users, owner = read_users(settings.data_dir / FILE), options.name
    if not options.with_conversations:
        raise SettingError("--former needs --with-conversations: nothing else is left to remove")
    if not OWNER_ID.fullmatch(owner) or owner in map(users.owner_id, users):
        raise SettingError(f"{owner} is not the id of a user who was removed")
    commands.order(settings.data_dir / FILE, Order(DELETE_CONVERSATIONS, owner))
    _see_to(settings, f"the conversations of {owner} are deleted")


def _remove_user(settings: Settings, name: str, *, with_conversations: bool) -> None:
    path = settings.data_dir / FILE
    owner = commands.remove_user(path, name, with_conversations=with_conversations)
    if with_conversations:
        _see_to(settings, f"{name} is removed, and their conversations are deleted")
    else:
        _see_to(settings, f"{name} is removed; their conversations remain, under the id {owner}")


def _sessions(options: argparse.Namespace, settings: Settings) -> None:
    for session, used_at in _sessions_of(settings, options.name):
        print(
            f"{short_id(session.id)}  since {day(session.created_at)}, {used(used_at)}, "
            f"expires {day(session.expires_at)}, from {session.address or 'an unknown address'}, "
            f"{session.agent or 'an unknown client'}"
        )


def _end_sessions(options: argparse.Namespace, settings: Settings) -> None:
    id, name = options.id or "", options.name
    theirs = [short_id(session.id) for session, _ in _sessions_of(settings, name)]
    if id and id not in theirs:
        raise SettingError(f"{name} has no session {id}; nothing was changed")
    path = settings.data_dir / FILE
    commands.order(path, Order(END_SESSIONS, read_users(path).owner_id(name), id))
    _see_to(settings, f"{count(len([id] if id else theirs), 'session')} of {name} ended")


def _sessions_of(settings: Settings, name: str) -> list[tuple[Session, int]]:
    """The valid sessions of a user, the newest first, and when each was last used."""
    path = settings.data_dir / FILE
    users = read_users(path)
    commands.known_user(path, users, name)
    known, last_uses = stored_sessions(settings)
    theirs = [
        (session, last_uses.get(session.id, 0))
        for session in known
        if session.owner == users.owner_id(name) and session.expires_at > time()
    ]
    return sorted(theirs, key=lambda one: one[0].created_at, reverse=True)


def _tokens(options: argparse.Namespace, settings: Settings) -> None:
    path = settings.data_dir / FILE
    tokens = commands.known_user(path, read_users(path), options.name).tokens
    _, last_uses = stored_sessions(settings)
    for token in tokens:
        expires = f"expires {day(token.expires_at)}" if token.expires_at else "never expires"
        print(
            f"{token.id}  {token.name or '(no name)'}, since {day(token.created_at)}, "
            f"{used(last_uses.get(token.digest, 0))}, {expires}"
        )


def _new_token(options: argparse.Namespace, settings: Settings) -> None:
    path = settings.data_dir / FILE
    print(commands.new_token(path, options.name, options.label, options.days * DAY)[0])


def _remove_token(options: argparse.Namespace, settings: Settings) -> None:
    if not commands.remove_tokens(settings.data_dir / FILE, options.name, options.id):
        raise SettingError(f"{options.name} has no token {options.id}; nothing was changed")
    print(f"the token {options.id} of {options.name} is removed")


def _remove_tokens(options: argparse.Namespace, settings: Settings) -> None:
    commands.remove_tokens(settings.data_dir / FILE, options.name)
    print(f"{options.name} has no tokens now")


def _see_to(settings: Settings, done: str) -> None:
    """Wait until the orders in the file are carried out: by the running server, or here."""
    path = settings.data_dir / FILE
    due = monotonic() + SERVER_WAIT
    while orders := read_users(path).orders:
        try:
            if asyncio.run(_carry_out(settings, orders)):
                break
        except DirectoryInUse:
            pass  # the server carries it out
        if monotonic() > due:
            print(f"{done} soon: the server has not finished yet, and goes on by itself")
            return
        sleep(SERVER_PAUSE)
    print(done)


async def _carry_out(settings: Settings, orders: list[Order]) -> bool:
    path = settings.data_dir / FILE
    if not has_store(settings):
        with changing_users(path) as users:
            users.orders.clear()
        return True
    store = await opened_store(settings)
    try:
        sessions = Sessions(store)
        await sessions.open()
        conversations = ConversationService(store, Generations(store))
        return await Orders(path, sessions, conversations).carry_out(orders)
    finally:
        await store.close()
