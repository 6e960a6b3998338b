"""Stores for the tests of this folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tornado.ioloop import IOLoop

from tornado_stream.store import open_store
from tornado_stream.store.base import Store

from .memory import MemoryStore

POSTGRES = pytest.param("postgres", marks=pytest.mark.wide)


class Stores:
    """Opens stores of each kind, and closes them after the test."""

    def __init__(self, request: pytest.FixtureRequest, directory: Path) -> None:
        self.opened: list[Store] = []
        self._request = request
        self._directory = directory
        self._url = ""

    async def open(self, kind: str) -> Store:
        """A new store."""
        if kind == "memory":
            return await self._opened(MemoryStore())
        if kind == "sqlite":
            return await self._opened(open_store(self._directory))
        self._url = self._request.getfixturevalue("postgres").new_database()
        return await self._opened(open_store(self._directory, database=self._url))

    async def beside(self, store: Store) -> Store:
        """The same store, as another process has it open."""
        if isinstance(store, MemoryStore):
            return await self._opened(store.beside())
        if self._url:
            return await self._opened(open_store(self._directory, database=self._url))
        return await self._opened(open_store(self._directory, lock=os.dup(store.lock)))

    async def _opened(self, store: Store) -> Store:
        await store.open()
        self.opened.append(store)
        return store


@pytest.fixture
def stores(request, io_loop: IOLoop, tmp_path: Path) -> Iterator[Stores]:
    stores = Stores(request, tmp_path / "data")
    yield stores
    for store in stores.opened:
        io_loop.run_sync(store.close)


@pytest.fixture(params=["memory", "sqlite", POSTGRES])
def store(request, io_loop: IOLoop, stores: Stores) -> Store:
    """Each of the stores that keep the contract."""
    return io_loop.run_sync(lambda: stores.open(request.param))


@pytest.fixture
def neighbour(io_loop: IOLoop, stores: Stores, store: Store) -> Store:
    """The same store, as another process has it open."""
    return io_loop.run_sync(lambda: stores.beside(store))


@pytest.fixture(params=["sqlite", POSTGRES])
def lasting(request, io_loop: IOLoop, stores: Stores) -> Store:
    """Each of the stores that outlive the process."""
    return io_loop.run_sync(lambda: stores.open(request.param))
