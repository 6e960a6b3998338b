"""How much the model got before an answer, for the estimated cost of an answer whose instance died.

The rule: one statement serves all answers that are taken over together, because an instance may
leave a thousand of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from tornado_stream.store.base import StoredGeneration
from tornado_stream.values.costs import TOKEN_LENGTH

#: The sum is that of `values.content.stored_length`.
_LENGTHS = f"""
WITH RECURSIVE asked AS (
    SELECT * FROM unnest($1::text[], $2::text[], $3::text[])
        WITH ORDINALITY AS a (owner, home, parent_id, number)
), up (number, owner, parent_id, content, refusal, files) AS (
    SELECT a.number, m.owner, m.parent_id, m.content, m.refusal, m.files
    FROM asked a JOIN messages m ON m.id = a.parent_id AND m.owner = a.owner
    UNION ALL
    SELECT up.number, m.owner, m.parent_id, m.content, m.refusal, m.files
    FROM up JOIN messages m ON m.id = up.parent_id AND m.owner = up.owner
), lengths AS (
    SELECT number, sum(
        char_length(coalesce(nullif(content, ''), refusal)) + {TOKEN_LENGTH} * coalesce((
            SELECT sum((file ->> 'tokens')::bigint) FROM json_array_elements(files::json) file
            WHERE files <> '[]'), 0)
    )::bigint AS length
    FROM up GROUP BY number
)
SELECT coalesce(l.length, 0) + coalesce(char_length(c.system), 0)
FROM asked a LEFT JOIN lengths l USING (number)
LEFT JOIN conversations c ON c.id = a.home AND c.owner = a.owner ORDER BY a.number
"""


async def lengths(db: asyncpg.Connection, answers: Sequence[StoredGeneration]) -> list[int]:
    """See `Store.prompt_lengths`."""
    messages = [answer.message for answer in answers]
    rows = await db.fetch(
        _LENGTHS,
        [answer.owner for answer in answers],
        [message.conversation_id for message in messages],
        [message.parent_id for message in messages],
    )
    return [length for (length,) in rows]
