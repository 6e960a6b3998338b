"""The static files of the page, and the address of the page without its last slash."""

from __future__ import annotations

import asyncio
import re

from tornado.web import HTTPError

from tornado_stream.handlers.base import BaseHandler
from tornado_stream.page.assets import Asset

ICON = "img/icon-192.png"
WEIGHT = re.compile(r"(?:q=([01](?:\.\d*)?))?")
#: The size of a file, in bytes, from which on it is compressed on another thread.
LARGE = 256 * 1024
FOREVER = "public, max-age=31536000, immutable"


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
