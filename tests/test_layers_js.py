"""The modules of the page: imports run from the folders above to those below, in no circle.

An import here is any of three: a static one, a lazy one (`import()`), and a type in JSDoc.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from graphlib import CycleError, TopologicalSorter

import pytest

from tornado_stream.page import STATIC

ROOT = STATIC / "js"
#: From top to bottom. A module imports from its own folder and from those below it.
FOLDERS = [
    "",  # the entries: app.js, early.js, login.js, shared.js
    "settings",
    "list",
    "composer",
    "transcript",
    "conversation",
    "answers",
    "markdown",
    "page",
]
MODULES = {path.relative_to(ROOT).as_posix(): path for path in ROOT.rglob("*.js")}
IMPORT = re.compile(r'\b(?:from |import |import\()"(\.[^"]+)"')
#: What may stand at the top: a newcomer reads it at a glance.
MOST_AT_THE_TOP = 20


def imports(module: str) -> set[str]:
    """The modules of the page that a module names; those in `static/vendor` are not ours."""
    folder = posixpath.dirname(module)
    text = MODULES[module].read_text(encoding="utf-8")
    names = {posixpath.normpath(posixpath.join(folder, path)) for path in IMPORT.findall(text)}
    return {name for name in names if not name.startswith("../vendor/")} - {module}


GRAPH = {module: imports(module) for module in sorted(MODULES)}


def floor(module: str) -> int:
    return FOLDERS.index(posixpath.dirname(module))


@pytest.mark.parametrize("module", GRAPH)
def test_imports_run_one_way(module: str) -> None:
    for other in GRAPH[module]:
        assert other in MODULES, f"{module} imports {other}, which is not there"
        assert floor(module) <= floor(other), f"{module} imports {other}, from a folder above"


def test_a_name_that_modules_export_has_one_meaning() -> None:
    text = {module: path.read_text(encoding="utf-8") for module, path in MODULES.items()}
    exported = re.compile(r"^export (?:async )?(?:function\*?|const|let|class) (\w+)", re.M)
    found = [(name, module) for module in text for name in exported.findall(text[module])]
    names = Counter(name for name, _ in found)
    assert [one for one in found if names[one[0]] > 1] == []


def test_no_import_is_part_of_a_circle() -> None:
    try:
        order = list(TopologicalSorter(GRAPH).static_order())
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
    assert len(order) == len(MODULES)


def test_the_folders_are_few_and_the_list_of_them_is_whole() -> None:
    assert {posixpath.dirname(module) for module in MODULES} == set(FOLDERS)
    assert len(list(ROOT.iterdir())) <= MOST_AT_THE_TOP
    edges = [(module, other) for module in GRAPH for other in GRAPH[module]]
    arrows = {(floor(module), floor(other)) for module, other in edges} - {(n, n) for n in range(9)}
    up = sum(here > there for here, there in arrows)
    print(
        f"\n{len(MODULES)} modules, {len(FOLDERS)} folders, {len(edges)} imports, "
        f"{len(arrows)} arrows between folders, {up} of them up"
    )
