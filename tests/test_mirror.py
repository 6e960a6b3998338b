"""Tests mirror the package: every module has its test file, and every such file its module."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tornado_stream"

#: Modules whose tests are those of what uses them, and where these are.
COVERED_ELSEWHERE = {
    "completions.py": "handlers/test_completions.py",
    "auth/users_file.py": "auth/test_users.py",
    "auth/authenticator.py": "handlers/test_login.py",
    "handlers/base.py": "handlers/test_doors.py",
    "handlers/bodies.py": "handlers/test_bad_input.py",
    "handlers/models.py": "handlers/test_routes.py",
    "conversations.py": "handlers/test_conversations.py",
    "handlers/static.py": "handlers/test_routes.py",
    "handlers/pages.py": "handlers/test_routes.py",
    "handlers/system.py": "handlers/test_routes.py",
    "providers/base.py": "providers/test_openai.py",
    "providers/local_child.py": "providers/test_local.py",
    "providers/local_context.py": "providers/test_local.py",
    "providers/local_model.py": "providers/test_local.py",
    "store/base.py": "store/test_contract.py",
    "store/database.py": "store/test_sqlite.py",
    "store/lock.py": "store/test_sqlite.py",
    "store/logs.py": "store/test_contract.py",
    "store/matching.py": "store/test_contract.py",
    "store/memory.py": "store/test_contract.py",
    "store/migrations.py": "store/test_sqlite.py",
    "store/reasons.py": "store/test_sqlite.py",
    "store/rows.py": "store/test_contract.py",
    "store/search.py": "store/test_sqlite.py",
    "store/sessions.py": "store/test_contract.py",
    "store/tables.py": "store/test_contract.py",
    "app.py": "handlers/test_routes.py",
    "http_connections.py": "test_http_client.py",
    "producer.py": "test_generation.py",
    "messages.py": "test_turns.py",
}


def test_every_module_has_tests():
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE)
        if module.name == "__init__.py":
            continue
        test = (
            COVERED_ELSEWHERE.get(module.as_posix())
            or (module.parent / f"test_{module.name}").as_posix()
        )
        assert (ROOT / "tests" / test).exists(), f"{module} has no tests/{test}"


def test_the_exceptions_exist():
    for module in COVERED_ELSEWHERE:
        assert (PACKAGE / module).exists(), f"{module} is gone"
