"""The schema: made once, however many instances start, and never by an older version."""

from __future__ import annotations

import asyncio

import pytest

from tornado_stream.store import open_store
from tornado_stream.store.base import OpenError
from tornado_stream.store.postgres.migrations import MIGRATIONS

pytestmark = pytest.mark.wide


@pytest.mark.gen_test
async def test_instances_that_start_at_once_make_one_schema(postgres, tmp_path):
    loop = asyncio.get_running_loop()
    url = await loop.run_in_executor(None, postgres.new_database)
    stores = [open_store(tmp_path, database=url) for _ in range(5)]
    await asyncio.gather(*(store.open() for store in stores))
    sql = "SELECT number, name FROM migrations ORDER BY number"
    rows = await loop.run_in_executor(None, postgres.execute, sql, url)
    assert rows == [(n, name) for n, (name, _) in enumerate(MIGRATIONS, 1)]
    await asyncio.gather(*(store.close() for store in stores))


@pytest.mark.gen_test
async def test_an_older_version_refuses_the_schema_of_a_newer_one(postgres, tmp_path):
    loop = asyncio.get_running_loop()
    url = await loop.run_in_executor(None, postgres.new_database)
    first = open_store(tmp_path, database=url)
    await first.open()
    await first.close()
    sql = "INSERT INTO migrations (number, name) VALUES (999, 'later')"
    await loop.run_in_executor(None, postgres.execute, sql, url)
    with pytest.raises(OpenError, match="newer Tornado Stream"):
        await open_store(tmp_path, database=url).open()


@pytest.mark.gen_test
async def test_a_database_without_utf_8_is_refused(postgres, tmp_path):
    loop = asyncio.get_running_loop()
    sql = "CREATE DATABASE old ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"
    await loop.run_in_executor(None, postgres.execute, sql)
    with pytest.raises(OpenError, match="LATIN1.*UTF8"):
        await open_store(tmp_path, database=postgres.url("old")).open()
