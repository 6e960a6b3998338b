"""The lines of the audit log that requests cause: one for each that `BaseHandler.audited` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado_stream.handlers import identity
from tornado_stream.handlers.base import BaseHandler

if TYPE_CHECKING:
    from tornado_stream.auth.audit import AuditLog


def record_request(handler: BaseHandler, log: AuditLog) -> None:
    """Record a request that has ended: what it was for, and whether it succeeded. A request that
    comes with a wrong token is recorded too."""
    status, method = handler.get_status(), handler.request.method or ""
    event = handler.audited.get(method)
    if status == 401 and identity.sends_token(handler.request):
        event = "token_refused"
    if event is None:
        return
    outcome = "done" if status < 400 else "refused" if status < 500 else "failed"
    log.record(
        event,
        "" if status == 401 and not handler.open_to_all else handler.owner,
        outcome="cut_off" if handler.cut_off else outcome,
        status=status,
        address=handler.client_address,
        id=handler.path_args[0].lower() if handler.path_args else None,
        request=handler.request_id,
    )
