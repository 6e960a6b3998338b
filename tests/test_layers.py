"""The package's imports run one way, from the top of `LAYERS` to its bottom.

Every import counts: those at the top of a module, those inside functions, and those for type
checkers alone. `pytest tests/test_layers.py -s` prints the figures.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "tornado_stream"
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}

#: From top to bottom. A module imports from its own package and from those below it.
LAYERS = [
    "start",
    "server",
    "signals",
    "handover",
    "workers",
    "command_line",
    "commands",
    "app",
    "handlers",
    "chat",
    "auth",
    "generations",
    "tools_host",
    "providers",
    "files",
    "store",
    "net",
    "page",
    "config_file",
    "settings",
    "observe",
    "own_command",
    "values",
]

#: Only these modules may import these names.
ONLY = {
    "tornado.httpclient": {"providers.upstream", "net.http_client"},
    "tornado.simple_httpclient": {"providers.upstream", "net.http_client"},
    "sqlite3": {
        "store.database",
        "store.sqlite",
        "store.migrate",
        "store.migrations",
        "store.opening",
        "store.checks",
        "store.snapshot",
        "store.worker",
        "store.postgres.moving",
    },
    "asyncpg": {
        f"store.postgres.{name}"
        for name in ("store", "connections", "errors", "migrations", "instances", "texts")
        + ("tables", "listing", "finding", "logs", "ledger", "presets", "sessions")
        + (
            "waiting_questions",
            "personal",
            "files",
            "adopting",
            "listener",
            "moving",
            "shares",
            "shared_file",
            "calls",
            "prompts",
            "tries",
        )
    },
    "tornado_stream.store.postgres.store": {"store"},
    "tornado_stream.providers.openai.provider": {"providers", "providers.local.provider"},
    "tornado_stream.providers.local.provider": {"providers"},
}


def short(module: str) -> str:
    return module.removeprefix("tornado_stream").removeprefix(".")


def layer(module: str) -> int:
    return LAYERS.index(short(module).partition(".")[0])


def imports(path: Path, *, for_types: bool = True) -> set[str]:
    """The modules that a module imports; without `for_types`, those that it needs to run."""
    tree = ast.parse(path.read_text())
    if not for_types:
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


@functools.cache  # not a constant: every worker imports this file, and one of them runs the test
def graph() -> dict[str, set[str]]:
    return {module: imports(path) & MODULES.keys() - {module} for module, path in MODULES.items()}


def circles() -> Iterator[list[str]]:
    """Every way that leads from a module back to itself, once."""
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> Iterator[list[str]]:
        if module in path:
            yield [*path[path.index(module) :], module]
        elif module not in done:
            for other in sorted(graph()[module]):
                yield from visit(other, [*path, module])
            done.add(module)

    for module in sorted(graph()):
        yield from visit(module, [])


def arrows_up() -> Iterator[str]:
    """Every import of a package that stands higher in `LAYERS`."""
    for module, others in graph().items():
        for other in others:
            # The package itself holds only the version, and any module may import that.
            if short(module) and short(other) and layer(module) > layer(other):
                yield f"{module} imports {other}"


def test_every_package_has_its_layer():
    rooms = {short(module).partition(".")[0] for module in MODULES} - {""}
    assert rooms == set(LAYERS)


def test_no_import_leads_up_or_in_a_circle():
    round_trips, up = list(circles()), list(arrows_up())
    arrows = sum(map(len, graph().values()))
    print(f"{len(graph())} modules, {arrows} imports, {len(round_trips)} circles, {len(up)} up")
    assert round_trips == []
    assert up == []


def test_some_names_have_one_owner():
    for module, path in MODULES.items():
        foreign = {name for name, owners in ONLY.items() if short(module) not in owners}
        assert not foreign & imports(path, for_types=False), module


@pytest.mark.parametrize("module", sorted(m for m in MODULES if short(m).startswith("values.")))
def test_values_do_no_io(module):
    for name in imports(MODULES[module]):
        assert name.partition(".")[0] not in {"tornado", "asyncio", "socket", "os"}, name


def test_one_module_creates_tasks():
    """The loop holds tasks weakly, so one module creates them all and keeps them."""
    # The listener keeps those of its connections. The tool host is a program of its own.
    others = {"net.listener", "tools_host.child"}
    for module, path in MODULES.items():
        if short(module) not in {"generations.registry", *others}:
            text = path.read_text()
            for call in ("create_task(", "ensure_future(", "TaskGroup("):
                assert call not in text, f"{module} calls {call}"


#: Modules that may be longer: a table, and a protocol in one piece.
LONG = {"settings", "net.http_client"}


def lines_of_code(path: Path) -> int:
    """The lines that are neither blank nor a comment nor part of a docstring."""
    text = path.read_text()
    prose: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if ast.get_docstring(node) is not None:
                prose |= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    lines = enumerate(map(str.strip, text.splitlines()), 1)
    return sum(1 for n, line in lines if line and not line.startswith("#") and n not in prose)


def test_modules_are_short():
    sizes = {short(module): lines_of_code(path) for module, path in MODULES.items()}
    longest = sorted(sizes, key=lambda module: sizes[module])[-5:]
    print({module: sizes[module] for module in longest})
    assert {module for module, size in sizes.items() if size > 250} <= LONG
