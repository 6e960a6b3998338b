from __future__ import annotations

import pytest

from .fleet import Fleet


@pytest.fixture
def fleet(tmp_path, upstream):
    fleet = Fleet(tmp_path, upstream.url)
    yield fleet
    fleet.close()
