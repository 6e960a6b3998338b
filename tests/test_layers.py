"""The house: imports run one way, and some modules are the only ones to know a thing."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tornado_stream"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}

#: From the roof down. A module imports from its own floor (within its folder) and from below.
FLOORS = [
    ["server"],
    ["listener"],
    ["app"],
    ["handlers"],
    ["readiness"],
    ["chat", "completions", "conversations", "export", "auth"],
    ["generation"],
    ["producer"],
    ["providers", "store"],
    ["exposition", "http_client", "log", "event_log", "turns"] + ["connections", "descriptors"],
    ["assets", "errors", "events", "http_connections", "languages", "messages", "sse", "settings"]
    + ["costs", "masking", "metrics"],
]

#: Who alone may import what.
ONLY = {
    "tornado.httpclient": {"providers.upstream", "http_client"},
    "tornado.simple_httpclient": {"providers.upstream", "http_client"},
    "sqlite3": {"store.database", "store.sqlite", "store.migrations"},
    "tornado_stream.providers.openai": {"app", "providers", "providers.local"},
    "tornado_stream.providers.local": {"app", "providers"},
    "tornado_stream.store.memory": {"store"},
}

PURE = {"messages", "events", "sse", "errors"}


def imports(path: Path) -> set[str]:
    """Modules that are imported when it runs (not those for type checkers alone)."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= names & MODULES.keys()
            if names - MODULES.keys():
                found.add(node.module or "")
    return found


def short(module: str) -> str:
    return module.removeprefix("tornado_stream").removeprefix(".")


def floor(module: str) -> int | None:
    room = short(module).partition(".")[0]
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    return None


@pytest.mark.parametrize("module", sorted(MODULES))
def test_imports_run_one_way(module):
    if not short(module):
        return
    here = floor(module)
    assert here is not None, f"{module} has no floor: add it to FLOORS"
    for other in imports(MODULES[module]):
        if other.startswith("tornado_stream.") and other != module:
            there = floor(other)
            same_room = short(module).partition(".")[0] == short(other).partition(".")[0]
            leaf = here == there == len(FLOORS) - 1
            assert same_room or leaf or here < there, f"{module} imports {other}"


@pytest.mark.parametrize("module", sorted(MODULES))
def test_some_things_have_one_owner(module):
    for name, owners in ONLY.items():
        if short(module) not in owners:
            assert name not in imports(MODULES[module]), f"{module} imports {name}"


@pytest.mark.parametrize("module", sorted(PURE))
def test_pure_modules_do_no_io(module):
    for name in imports(PACKAGE / f"{module}.py"):
        assert name.partition(".")[0] not in {"tornado", "asyncio", "socket", "os"}, name


def test_leaves_import_no_circle():
    graph = {module: imports(path) & MODULES.keys() for module, path in MODULES.items()}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join([*path, module])
        if module not in done:
            for other in graph[module]:
                if other != module:
                    visit(other, (*path, module))
            done.add(module)

    for module in graph:
        visit(module, ())


def test_only_generation_creates_tasks():
    for module, path in MODULES.items():
        if short(module) != "generation":
            text = path.read_text()
            for call in ("create_task(", "ensure_future(", "TaskGroup("):
                assert call not in text, f"{module} calls {call}"
