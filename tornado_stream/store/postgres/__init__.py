"""The store over PostgreSQL, for several instances on several machines. `store.py` has the store.

The rule: PostgreSQL is the truth, and what an instance keeps in memory can be read from it again.
Only these modules import asyncpg, and nothing imports them before `--database` names a server.
"""
