"""Where the corpus of recorded responses is. It is no part of the project, and may be absent.

The environment variable `CORPUS` names its directory; without it, it is looked for beside the
project.
"""

from __future__ import annotations

import os
from pathlib import Path

CORPUS = Path(os.environ.get("CORPUS", Path(__file__).resolve().parents[2] / "shared" / "corpus"))
