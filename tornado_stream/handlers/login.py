"""Logging in and out. The login page itself is the error page for 401 (`BaseHandler`)."""

from __future__ import annotations

from typing import Any

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.elsewhere import pass_to_password_check
from tornado_stream.settings import LONGEST_PASSWORD
from tornado_stream.values.errors import InvalidRequest, NotFound


class LoginHandler(BaseHandler):
    """Opens a session for a name and a password; the browser gets it as a cookie."""

    open_to_all = True
    audited = {"POST": "login"}

    async def post(self) -> None:
        auth = self.application.auth
        if not self.application.users.required:
            raise NotFound("This server has no login.")
        name, password = parse_login(body := self.read_json())
        if pass_to_password_check(self, body):
            return
        self.owner = auth.known_owner(name)
        token = await auth.log_in(name, password, self.client_address, self.client_agent)
        await auth.log_out(self.session_token)  # the browser's former session
        self.set_session(token)
        self.set_status(204)


class LogoutHandler(BaseHandler):
    """Ends the session of the request, if it has one, and leads to the proxy's own logout."""

    body_optional = True
    audited = {"POST": "logout"}

    def get(self) -> None:
        url = self.application.config.logout_url
        if not url:
            raise NotFound("Log out with POST. There is no proxy's logout to lead to.")
        self.redirect(url, status=303)

    async def post(self) -> None:
        await self.application.auth.log_out(self.session_token)
        self.set_session("")
        if url := self.application.config.logout_url:
            self.write_json({"location": url})
        else:
            self.set_status(204)


def parse_login(body: dict[str, Any]) -> tuple[str | None, str]:
    """The name, if there is one, and the password. Raises `InvalidRequest`."""
    name, password = body.get("name"), body.get("password")
    if not isinstance(password, str) or not (name is None or isinstance(name, str)):
        raise InvalidRequest("password is required, name is optional; both must be text.")
    if len(password) > LONGEST_PASSWORD:
        raise InvalidRequest(f"password may have at most {LONGEST_PASSWORD} characters.")
    return name, password
