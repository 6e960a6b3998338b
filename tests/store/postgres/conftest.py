"""Where asyncpg is not installed, the contract's tests say so, and those of this folder are left
out: they could not even be imported."""

from __future__ import annotations

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("asyncpg") else ["test_*.py"]
