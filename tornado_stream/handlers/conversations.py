"""Conversations: the list, one conversation, its changes, and the question that waits in it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Any

from tornado_stream.chat import export
from tornado_stream.chat.export import ApiForm
from tornado_stream.handlers.base import BaseHandler
from tornado_stream.handlers.exports import export_pieces
from tornado_stream.handlers.pieces import PiecesHandler
from tornado_stream.handlers.streams import (
    optional_text,
    parse_options,
    parse_send_request,
)
from tornado_stream.handlers.tools import parse_always, parse_tools
from tornado_stream.store.base import CHANGEABLE, PLACE, WaitingQuestion
from tornado_stream.store.pages import Match, Which
from tornado_stream.values.errors import InvalidRequest, Unavailable

#: Conversations that one request changes or deletes, and characters of a folder's name.
MAX_AT_ONCE, MAX_FOLDER = 500, 100


class ConversationsHandler(BaseHandler):
    """The list, and creating one. Tornado's ETag makes the response 304 if nothing has changed.

    A search ends when its client leaves."""

    audited = {"DELETE": "conversations_delete"}
    _left: asyncio.Future[None] | None = None

    async def get(self) -> None:
        limit = self.get_argument("limit", "50")
        if not (limit.isascii() and limit.isdigit()) or len(limit) > 9:
            raise InvalidRequest("limit must be a number.")
        query = self.get_argument("q", "", strip=False).strip()
        before = self.get_argument("before", None)
        left = self._left = asyncio.get_running_loop().create_future()
        search = self.conversations.search
        try:
            page = await search(self.owner, query, int(limit), before, left, self._which(query))
        except Unavailable:
            if left.done():
                return  # nobody gets a response
            raise
        self.set_header("Cache-Control", "no-cache")
        data = {"conversations": [_match(m) for m in page.matches], "next": page.next}
        if page.folders is not None:
            data |= {
                "pinned": [_match(m) for m in page.pinned or []],
                "folders": [asdict(folder) for folder in page.folders],
            }
        self.write_json(data)

    def _which(self, query: str) -> Which:
        folder = self.get_argument("folder", None)
        archived, loose = (
            _truth(
                name, self.get_argument(name, "any" if query and name == "archived" else "false")
            )
            for name in ("archived", "sections")
        )
        if loose and (folder is not None or archived is not False or query):
            raise InvalidRequest("sections=true goes with neither q nor folder nor archived.")
        return Which(archived, folder, bool(loose))

    def on_connection_close(self) -> None:
        if self._left and not self._left.done():
            self._left.set_result(None)

    async def post(self) -> None:
        body = self.read_json()
        changes = read_changes(body)
        preset, presets = optional_text(body, "preset"), self.application.presets
        conversation = await self.conversations.create(
            self.owner,
            changes.get("title"),
            changes.get("system"),
            model=optional_text(body, "model"),
            options=parse_options(body),
            tools=changes.get("tools"),
            preset=await presets.get(self.owner, preset) if preset else None,
        )
        self.set_status(201)
        self.write_json(export.conversation_json(conversation))

    async def patch(self) -> None:
        body = self.read_json()
        changes = body.get("changes")
        if not isinstance(changes, dict) or not changes.keys() & set(PLACE):
            raise InvalidRequest(f"changes must be an object with any of {', '.join(PLACE)}.")
        if changes.keys() - set(PLACE):
            raise InvalidRequest(f"Of many conversations, only {', '.join(PLACE)} can be changed.")
        folder = optional_text(body, "folder")
        ids = _ids(body) if folder is None else []
        if folder is not None and "ids" in body:
            raise InvalidRequest("Use either ids or folder.")
        changed = await self.conversations.change_many(
            self.owner, read_changes(changes), ids, folder
        )
        self.write_json({"changed": changed})

    async def delete(self) -> None:
        body = self.read_json() if self.request.body else {}
        if body.get("all") is True and "ids" not in body:
            deleted = await self.conversations.delete_all(self.owner)
        elif "ids" in body and "all" not in body:
            deleted = await self.conversations.delete_many(self.owner, _ids(body))
        else:
            raise InvalidRequest(
                'This deletes many conversations: the body must be {"ids": [...]}, or '
                '{"all": true} for every one.'
            )
        self.write_json({"deleted": deleted})


class ConversationHandler(PiecesHandler):
    """One conversation with all its branches."""

    audited = {"DELETE": "conversation_delete"}

    async def get(self, id: str) -> None:
        # The question is read first: if it is asked meanwhile, the messages have it, too.
        form = ApiForm(await self.application.waiting.get(self.owner, id.lower()))
        conversation, messages = await self.conversations.open(self.owner, id.lower())
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.write(await self.send_pieces(export_pieces(form, conversation, messages)))

    async def patch(self, id: str) -> None:
        changes = read_changes(self.read_json())
        conversation = await self.conversations.change(self.owner, id.lower(), changes)
        self.write_json(export.conversation_json(conversation))

    async def delete(self, id: str) -> None:
        await self.conversations.delete(self.owner, id.lower())
        self.set_status(204)


class WaitingHandler(BaseHandler):
    """The question that waits in a conversation for the end of an answer."""

    async def put(self, id: str) -> None:
        body = self.read_json()
        request = parse_send_request(body, self.owner)
        if "request_id" not in body or request.message is None:
            raise InvalidRequest("request_id and message are required.")
        question = WaitingQuestion(
            id.lower(),
            request.request_id,
            _version(body) or 0,
            request.message,
            request.model,
            request.options,
            request.files,
        )
        self.write_json(await self.application.waiting.put(self.owner, question))

    async def delete(self, id: str) -> None:
        body = self.read_json() if self.request.body else {}
        request_id = optional_text(body, "request_id")
        request_id = request_id and request_id.lower()
        await self.application.waiting.delete(self.owner, id.lower(), request_id, _version(body))
        self.set_status(204)


def _version(body: dict[str, Any]) -> int | None:
    """The version of a waiting question, if the body has one. Raises `InvalidRequest`."""
    version = body.get("version")
    if version is not None and not (type(version) is int and 0 <= version < 2**53):
        raise InvalidRequest("version must be that of the waiting question which you have read.")
    return version


def read_changes(body: dict[str, Any]) -> dict[str, Any]:
    """The changes that a body asks for, checked. Raises `InvalidRequest`."""
    changes = {name: body[name] for name in CHANGEABLE if name in body}
    for name, value in changes.items():
        if name in ("pinned", "archived"):
            if not isinstance(value, bool):
                raise InvalidRequest(f"{name} must be true or false.")
        elif name == "options":
            changes[name] = parse_options(body) or None
        elif name == "tools":
            changes[name] = None if value is None else list(parse_tools(body))
        elif name == "always":
            changes[name] = parse_always(value)
        elif not (isinstance(value, str) or (value is None and name != "title")):
            raise InvalidRequest(f"{name} must be text.")
    if isinstance(folder := changes.get("folder"), str):
        # Tornado takes control characters out of an address: such a folder could not be asked for.
        changes["folder"] = " ".join("".join(max(c, " ") for c in folder).split()) or None
        if len(folder) > MAX_FOLDER:
            raise InvalidRequest(f"The name of a folder has at most {MAX_FOLDER} characters.")
    return changes


def _truth(name: str, value: str) -> bool | None:
    if value not in ("true", "false", "any") or (value, name) == ("any", "sections"):
        known = "true or false" if name == "sections" else "true, false or any"
        raise InvalidRequest(f"{name} must be {known}.")
    return None if value == "any" else value == "true"


def _ids(body: dict[str, Any]) -> list[str]:
    """The ids of many conversations. Raises `InvalidRequest`."""
    ids = body.get("ids")
    if not (isinstance(ids, list) and ids and all(isinstance(id, str) for id in ids)):
        raise InvalidRequest("ids must be a list of the ids of conversations.")
    if len(ids) > MAX_AT_ONCE:
        raise InvalidRequest(
            f"At most {MAX_AT_ONCE} conversations at once. Send the others with a further request."
        )
    return [id.lower() for id in ids]


def _match(match: Match) -> dict[str, Any]:
    conversation = match.conversation
    data: dict[str, Any] = {
        "id": conversation.id,
        "title": conversation.title,
        "created_at": conversation.created_at,
        "updated_at": conversation.updated_at,
        "generation_id": next(iter(match.generation_ids), None),
        "generation_ids": match.generation_ids,
        "decide": match.decide,
        "pinned": conversation.pinned,
        "archived": conversation.archived,
        "folder": conversation.folder,
    }
    if match.snippet is not None:
        data |= {"message_id": match.message_id, "snippet": match.snippet}
    return data
