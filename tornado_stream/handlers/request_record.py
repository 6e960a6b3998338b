"""What remains of a request while its response is written, and what the logs say of it at its end.

The rule: a response may be followed for an hour, and its request is not held for so long. Whatever
the access log, the audit log and the metrics need is taken out of it before.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

#: The path of a shared link, which holds a secret; and what of it the logs may show.
_SHARED = re.compile(
    r"/s/.*?((?:\.(?:json|md|txt)|/(?:stream|files)(?:/[0-9a-fA-F-]+)?)?)", re.DOTALL
)


def shown_path(path: str) -> str:
    """A path as the logs show it: of a shared link, without the token."""
    found = _SHARED.fullmatch(path)
    return f"/s/***{found[1]}" if found else path


class AuditedEvent(NamedTuple):
    """What the audit log says of a request. `id` is that of the thing which it is about; `cut_off`
    says that the client has only a part of a large response."""

    event: str
    user: str
    id: str | None
    cut_off: bool


@dataclass(slots=True, eq=False)
class RequestRecord:
    """A request, for the logs. `began` is when it came (seconds since the epoch), `client` the
    address of the client, `generation_id` the answer that it started or read, `audited` what the
    audit log says of it, if it says anything."""

    method: str
    path: str
    status: int
    began: float
    id: str
    client: str
    owner: str
    generation_id: str | None = None
    audited: AuditedEvent | None = None
