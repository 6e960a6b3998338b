from __future__ import annotations

import pytest

from .pair import Pair


@pytest.fixture
def pair(tmp_path, upstream):
    pair = Pair(tmp_path, upstream.url, "--workers", "2")
    yield pair
    pair.close()
