"""Logging in and out. The page that asks for it is what every page answers without a login."""

from __future__ import annotations

from typing import Any

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.settings import LONGEST_PASSWORD
from tornado_stream.values.errors import InvalidRequest, NotFound


class LoginHandler(BaseHandler):
    """A name and a password become a session, which the browser gets as a cookie."""

    open_to_all = True

    async def post(self) -> None:
        auth = self.application.auth
        if not self.application.users.required:
            raise NotFound("Nobody has to log in here.")
        name, password = parse_login(self.read_json())
        token = await auth.log_in(name, password, self.client_address)
        await auth.log_out(self.session_token)  # the one before
        self.set_session(token)
        self.set_status(204)


class LogoutHandler(BaseHandler):
    """End the session that the request shows, if it does."""

    async def post(self) -> None:
        await self.application.auth.log_out(self.session_token)
        self.set_session("")
        self.set_status(204)


def parse_login(body: dict[str, Any]) -> tuple[str | None, str]:
    """Name, where one is given, and password. Raises `InvalidRequest`."""
    name, password = body.get("name"), body.get("password")
    if not isinstance(password, str) or not (name is None or isinstance(name, str)):
        raise InvalidRequest("password is required, name is optional; both are text.")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidRequest(f"password has at most {LONGEST_PASSWORD} characters.")
    return name, password
