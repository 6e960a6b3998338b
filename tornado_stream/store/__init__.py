"""Where conversations, messages and event logs are kept. `open_store` is the only way in."""

from tornado_stream.store.base import Progress, Store, StoredGeneration, Turn
from tornado_stream.store.memory import MemoryStore

__all__ = ["Progress", "Store", "StoredGeneration", "Turn", "open_store"]


def open_store() -> Store:
    """A store that is ready. It lives in memory: what it keeps goes with the process."""
    return MemoryStore()
