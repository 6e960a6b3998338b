"""What users see and change of their own login: sessions, tokens, the password.

The rule: a token is for programs. It cannot show or change the login, so one that was stolen makes
no further tokens and locks nobody out.
"""

from __future__ import annotations

from typing import Any

from tornado_stream.auth.sessions import session_id
from tornado_stream.auth.users_file import LONGEST_TOKEN_NAME, Token, short_id
from tornado_stream.handlers import identity
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.elsewhere import pass_to_password_check
from tornado_stream.settings import LONGEST_PASSWORD
from tornado_stream.values.errors import Forbidden, InvalidRequest, NotFound

DAY = 24 * 3600
MAX_DAYS = 36_500


class AccountHandler(BaseHandler):
    """Needs a session. Raises `NotFound` on a server without a login."""

    async def prepare(self) -> None:
        await super().prepare()
        if self.request.method == "OPTIONS":
            return
        if not self.application.users.required:
            raise NotFound("This server has no login.")
        if identity.has_token(self.application, self.request):
            raise Forbidden("This needs a login with the password.", code="needs_session")


class SessionsHandler(AccountHandler):
    """The user's sessions: their list, and the end of all."""

    body_optional = True
    audited = {"DELETE": "sessions_end"}

    def get(self) -> None:
        current = session_id(self.session_token)
        sessions = [
            {
                "id": short_id(session.id),
                "created_at": _ms(session.created_at),
                "last_used_at": _ms(used_at),
                "expires_at": _ms(session.expires_at),
                "address": session.address,
                "agent": session.agent,
                "current": session.id == current,
            }
            for session, used_at in self.application.auth.sessions_of(self.owner)
        ]
        self.write_json({"sessions": sessions})

    async def delete(self) -> None:
        others = self.read_json().get("others", False) if self.request.body else False
        if not isinstance(others, bool):
            raise InvalidRequest("others must be true or false.")
        keep = self.session_token if others else ""
        await self.application.auth.end_sessions(self.owner, keep=keep)
        if not others:
            self.set_session("")
        self.set_status(204)


class SessionHandler(AccountHandler):
    """The end of one session."""

    body_optional = True
    audited = {"DELETE": "session_end"}

    async def delete(self, id: str) -> None:
        await self.application.auth.end_session(self.owner, id.lower())
        self.set_status(204)


class TokensHandler(AccountHandler):
    """The user's tokens: their list, and a new one."""

    audited = {"POST": "token_new"}

    def get(self) -> None:
        tokens = self.application.auth.tokens_of(self.owner)
        self.write_json({"tokens": [_token(token, used_at) for token, used_at in tokens]})

    async def post(self) -> None:
        name, days = parse_token(self.read_json())
        secret, token = await self.application.auth.new_token(self.owner, name, days * DAY)
        self.set_status(201)
        self.write_json({"token": secret, **_token(token, 0)})


class TokenHandler(AccountHandler):
    """The removal of one token."""

    body_optional = True
    audited = {"DELETE": "token_remove"}

    async def delete(self, id: str) -> None:
        await self.application.auth.remove_token(self.owner, id.lower())
        self.set_status(204)


class PasswordHandler(AccountHandler):
    """The user's own password. The browser that changes it gets a new session."""

    audited = {"POST": "password_change"}

    async def post(self) -> None:
        old, new = parse_passwords(body := self.read_json())
        if pass_to_password_check(self, body):
            return
        token = await self.application.auth.change_password(
            self.owner, old, new, self.client_address, self.client_agent
        )
        self.set_session(token)
        self.set_status(204)


def parse_token(body: dict[str, Any]) -> tuple[str, int]:
    """The name of a new token, and the days after which it expires (0: never). Raises
    `InvalidRequest`."""
    name, days = body.get("name"), body.get("expires_in_days")
    if (
        not isinstance(name, str)
        or not 0 < len(name) <= LONGEST_TOKEN_NAME
        or not name.isprintable()
    ):
        raise InvalidRequest(
            f"name must be a text of 1 to {LONGEST_TOKEN_NAME} visible characters."
        )
    if days is None:
        return name, 0
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= MAX_DAYS:
        raise InvalidRequest(f"expires_in_days must be a number from 1 to {MAX_DAYS}, or null.")
    return name, days


def parse_passwords(body: dict[str, Any]) -> tuple[str, str]:
    """The old and the new password. Raises `InvalidRequest`."""
    old, new = body.get("old"), body.get("new")
    if not isinstance(old, str) or not isinstance(new, str):
        raise InvalidRequest("old and new are required, and must be text.")
    if max(len(old), len(new)) > LONGEST_PASSWORD:
        raise InvalidRequest(f"A password may have at most {LONGEST_PASSWORD} characters.")
    return old, new


def _token(token: Token, used_at: int) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "created_at": _ms(token.created_at),
        "last_used_at": _ms(used_at),
        "expires_at": _ms(token.expires_at),
    }


def _ms(seconds: int) -> int | None:
    """A time as the API shows it; None where it is not known or there is none."""
    return seconds * 1000 if seconds else None
