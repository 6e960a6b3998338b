"""The HTML page of the chat, and its static files."""

from __future__ import annotations

import asyncio
import re

from tornado.web import HTTPError

from tornado_stream import __version__
from tornado_stream.handlers import identity
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.security_headers import SECURITY_HEADERS
from tornado_stream.page.assets import Asset

ICON = "img/icon-192.png"
WEIGHT = re.compile(r"(?:q=([01](?:\.\d*)?))?")
#: The page may frame this server's documents. All of them but the preview refuse to be framed.
POLICY = f"{SECURITY_HEADERS['Content-Security-Policy']}; frame-src 'self'"
#: The size of a file, in bytes, from which on it is compressed on another thread.
LARGE = 256 * 1024
FOREVER = "public, max-age=31536000, immutable"


class IndexHandler(BaseHandler):
    """The page of the chat. It loads the models and the conversations from the API."""

    page = True

    async def get(self, conversation_id: str = "") -> None:
        login_required = self.application.users.required
        if login_required and await self.application.auth.extend(self.session_token):
            self.set_session(self.session_token)
        owner = self.owner if login_required else ""
        names = {
            "version": __version__,
            "modules": self.application.assets.modules("js/app.js"),
            "owner": owner,
            "user": self.application.users.name_of(owner),
            "leaves": login_required and self._can_log_out(),
        }
        self.set_header("Content-Security-Policy", POLICY)
        self.render("index.html", **names)

    def _can_log_out(self) -> bool:
        """False where the next request would be logged in by the proxy again."""
        by_proxy = identity.proxy_user(self.application, self.request)
        return not by_proxy or self.application.config.logout_url is not None


class BasePathHandler(BaseHandler):
    """The base path without the slash at its end. It leads to the page."""

    open_to_all = True

    def get(self) -> None:
        query = self.request.query
        url = f"{self.application.config.base_path}/" + (f"?{query}" if query else "")
        self.redirect(url, status=308)


class StaticHandler(BaseHandler):
    """One file, compressed where the client accepts it (RFC 9110 section 12.5.3).

    A browser may cache a URL with the present version for ever. It must revalidate a URL with
    another version or none.
    """

    open_to_all = True

    async def get(self, version: str | None = None, name: str = "") -> None:
        asset = self.application.assets.files.get(name)
        if asset is None:
            raise HTTPError(404)
        is_current = version == self.application.assets.version or "v" in self.request.arguments
        packed = await self._packed(asset) if self._takes_gzip() else None
        self.set_header("Content-Type", asset.content_type)
        self.set_header("Cache-Control", FOREVER if is_current else "no-cache")
        self.set_header("Vary", "Accept-Encoding")
        if packed is not None:
            self.set_header("Content-Encoding", "gzip")
        self.write(asset.body if packed is None else packed)

    async def _packed(self, asset: Asset) -> bytes | None:
        if len(asset.body) < LARGE:
            return asset.gzipped
        return await asyncio.to_thread(lambda: asset.gzipped)

    def _takes_gzip(self) -> bool:
        for item in self.request.headers.get("Accept-Encoding", "").split(","):
            name, _, weight = (part.strip() for part in item.partition(";"))
            if name in ("gzip", "*") and (match := WEIGHT.fullmatch(weight)):
                return float(match[1] or 1) > 0
        return False


class IconHandler(StaticHandler):
    """The icon at the address that browsers ask for by themselves."""

    async def get(self, version: str | None = None, name: str = ICON) -> None:
        await super().get(version, name)
