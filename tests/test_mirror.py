"""Tests mirror the package: every module has its test file, and every such file its module."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tornado_stream"

#: Modules whose tests are those of what uses them, and where these are.
COVERED_ELSEWHERE = {
    "chat/completions.py": "handlers/test_completions.py",
    "auth/users_file.py": "auth/test_users.py",
    "auth/authenticator.py": "handlers/test_login.py",
    "handlers/access_log.py": "observe/test_log.py",
    "handlers/services.py": "handlers/test_routes.py",
    "handlers/base.py": "handlers/test_doors.py",
    "handlers/models.py": "handlers/test_routes.py",
    "chat/conversations.py": "handlers/test_conversations.py",
    "handlers/static.py": "handlers/test_routes.py",
    "handlers/pages.py": "handlers/test_routes.py",
    "handlers/system.py": "handlers/test_routes.py",
    "providers/base.py": "providers/openai/test_provider.py",
    "providers/local/child.py": "providers/local/test_provider.py",
    "providers/local/context.py": "providers/local/test_provider.py",
    "providers/local/process.py": "providers/local/test_provider.py",
    "store/base.py": "store/test_contract.py",
    "store/database.py": "store/test_sqlite.py",
    "store/lock.py": "store/test_sqlite.py",
    "store/logs.py": "store/test_contract.py",
    "store/search_text.py": "store/test_contract.py",
    "store/migrations.py": "store/test_sqlite.py",
    "store/private_files.py": "store/test_sqlite.py",
    "store/sqlite_errors.py": "store/test_sqlite.py",
    "store/rows.py": "store/test_contract.py",
    "store/search.py": "store/test_sqlite.py",
    "store/sessions.py": "store/test_contract.py",
    "store/tables.py": "store/test_contract.py",
    "store/transactions.py": "store/test_sqlite.py",
    "app.py": "handlers/test_routes.py",
    "net/upstream_connections.py": "net/test_http_client.py",
    "generations/generation.py": "generations/test_registry.py",
    "generations/producer.py": "generations/test_registry.py",
    "generations/recovery.py": "generations/test_registry.py",
    "values/messages.py": "chat/test_requests.py",
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
