"""The server of another version: `python program.py WHAT [FLAG ...]`.

`additive` and `not-additive` have one more step of the schema; `without` cannot hand over, as the
versions before hand-overs could not.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tornado_stream.handover import offer, process
from tornado_stream.server import main
from tornado_stream.store import migrations


def _step(db) -> None:
    db.execute("CREATE TABLE of_a_later_version (number INTEGER)")


what = sys.argv.pop(1)
if what == "without":
    process.SUPPORTED = False
else:
    migrations.MIGRATIONS.append(_step)
    if what == "not-additive":
        offer.NOT_ADDITIVE = len(migrations.MIGRATIONS)
sys.exit(main())
