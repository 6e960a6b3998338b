"""The lines of the audit log that requests cause: one for each that `BaseHandler.audited` names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tornado_stream.handlers.request_record import RequestRecord

if TYPE_CHECKING:
    from tornado_stream.auth.audit import AuditLog


def record_request(request: RequestRecord, log: AuditLog) -> None:
    """Record a request that has ended: what it was for, and whether it succeeded."""
    if request.audited is None:
        return
    status, (event, user, id, cut_off) = request.status, request.audited
    outcome = "done" if status < 400 else "refused" if status < 500 else "failed"
    log.record(
        event,
        user,
        outcome="cut_off" if cut_off else outcome,
        status=status,
        address=request.client,
        id=id,
        request=request.id,
    )
