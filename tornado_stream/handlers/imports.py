"""Imports of conversations from other programs: beginning, watching and stopping one."""

from __future__ import annotations

from tornado_stream.files.upload import Upload
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.uploads import UploadHandler


class ImportsHandler(UploadHandler):
    """Uploads an export, which is then imported in the background; lists the imports."""

    audited = {"POST": "conversations_import"}

    def begin_upload(self, size: int) -> Upload:
        return self.application.imports.begin(self.owner, size)

    def get(self) -> None:
        imports = self.application.imports.all(self.owner)
        self.set_header("Cache-Control", "no-cache")
        self.write_json({"imports": [about.to_json() for about in imports]})

    async def post(self) -> None:
        name = self.get_query_argument("name", "")
        about = await self.application.imports.add(self.owner, name, self.upload)
        self.set_status(202)
        self.write_json(about.to_json())


class ImportHandler(BaseHandler):
    """One import."""

    def get(self, id: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.write_json(self.application.imports.get(self.owner, id.lower()).to_json())

    async def delete(self, id: str) -> None:
        await self.application.imports.stop(self.owner, id.lower())
        self.set_status(204)
