"""Tests mirror the package: the tests of a module are in the folder of the same name.

The rule: `store/sqlite.py` has its tests in `tests/store/test_sqlite.py`. For another module in
that folder, it is enough that one of the tests there imports it. All others are in a table.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tornado_stream"
TESTS = ROOT / "tests"

#: Modules that are tested through another module, and the file of these tests.
TESTED_THROUGH = {
    "app.py": "handlers/test_routes.py",
    "auth/authenticator.py": "handlers/test_login.py",
    "chat/conversations.py": "handlers/test_conversations.py",
    "chat/imports/child.py": "chat/imports/test_process.py",
    "commands/stored.py": "commands/test_users.py",
    "chat/imports/incoming_files.py": "handlers/test_imports.py",
    "chat/imports/own_settings.py": "handlers/test_imports.py",
    "chat/temporary.py": "generations/test_ended_answers.py",
    "chat/orders.py": "commands/test_users.py",
    "chat/named_answers.py": "chat/test_service.py",
    "chat/tool_answers.py": "tools_host/test_loop.py",
    "chat/shared_readers.py": "handlers/test_shares.py",
    "chat/question_files.py": "chat/test_files.py",
    "chat/shares.py": "handlers/test_shares.py",
    "handlers/gauges.py": "observe/test_metrics.py",
    "generations/answered.py": "generations/test_registry.py",
    "generations/producer.py": "generations/test_registry.py",
    "generations/draining.py": "generations/test_registry.py",
    "generations/refusals.py": "handlers/test_limits.py",
    "generations/saver.py": "generations/test_registry.py",
    "handlers/access_log.py": "observe/test_log.py",
    "handlers/defaults.py": "chat/test_defaults.py",
    "handlers/exports.py": "handlers/test_conversations.py",
    "handlers/models.py": "handlers/test_routes.py",
    "handlers/presets.py": "chat/test_presets.py",
    "handlers/request_record.py": "handlers/test_audited.py",
    "handlers/response_head.py": "handlers/test_reader.py",
    "handlers/security_headers.py": "handlers/test_doors.py",
    "handlers/temporary.py": "generations/test_ended_answers.py",
    "handlers/services.py": "handlers/test_routes.py",
    "handlers/tools.py": "tools_host/test_loop.py",
    "auth/access.py": "handlers/test_doors.py",
    "handlers/elsewhere.py": "handover/test_process.py",
    "handover/questions.py": "handover/test_process.py",
    "workers/caught_signals.py": "workers/test_supervisor.py",
    "handover/departure.py": "handover/test_process.py",
    "handover/notify.py": "handover/test_process.py",
    "handover/others.py": "handover/test_process.py",
    "handover/successor.py": "handover/test_process.py",
    "net/addresses.py": "test_server.py",
    "providers/base.py": "providers/openai/test_provider.py",
    "providers/openai/answer_parts.py": "providers/openai/test_answer_decoder.py",
    "providers/openai/listing.py": "providers/openai/test_provider.py",
    "providers/openai/responses_form.py": "providers/openai/test_responses_provider.py",
    "providers/openai/responses_output.py": "providers/openai/test_responses_decoder.py",
    "providers/upstream_config.py": "providers/test_config.py",
    "files/reading.py": "files/test_service.py",
    "store/calls.py": "store/test_contract.py",
    "store/sqlite_calls.py": "store/test_contract.py",
    "store/defaults.py": "store/test_contract.py",
    "store/file_base.py": "store/test_files.py",
    "store/lock.py": "store/test_sqlite.py",
    "store/logs.py": "store/test_contract.py",
    "store/prompts.py": "store/test_contract.py",
    **{
        f"store/postgres/{name}.py": "store/test_contract.py"
        for name in ("listing", "personal", "presets", "sessions", "texts", "waiting_questions")
        + ("adopting", "calls", "file_store", "files", "listener", "moving", "prompts", "tries")
        + ("shares", "share_store")
    },
    "store/postgres/shared_file.py": "auth/test_shared_users.py",
    "store/postgres/appending.py": "store/postgres/test_store.py",
    **{
        f"tools_host/{name}.py": "tools_host/test_loop.py"
        for name in ("child", "child_links", "child_results", "step")
    },
    "store/postgres/schema.py": "store/postgres/test_migrations.py",
    "store/private_files.py": "store/test_sqlite.py",
    "store/presets.py": "store/test_contract.py",
    "store/rows.py": "store/test_contract.py",
    "store/sessions.py": "store/test_contract.py",
    "store/share_base.py": "store/test_contract.py",
    "store/shares.py": "store/test_contract.py",
    "store/sqlite_shares.py": "store/test_contract.py",
    "values/shares.py": "store/test_contract.py",
    "store/sqlite_adopting.py": "store/test_adopting.py",
    "store/sqlite_errors.py": "store/test_sqlite.py",
    "store/sqlite_files.py": "store/test_files.py",
    "store/worker.py": "store/test_sqlite.py",
    "store/ledger_migrations.py": "store/test_spend.py",
    "store/waiting_questions.py": "store/test_contract.py",
    "store/tail_base.py": "generations/test_mirrors.py",
    "store/watch.py": "store/test_checks.py",
    "values/defaults.py": "chat/test_defaults.py",
    "values/files.py": "store/test_files.py",
    "values/tries.py": "auth/test_tries.py",
}


@cache
def imported_by_tests(folder: Path) -> set[str]:
    """All modules and names that the tests in this folder import."""
    found: set[str] = set()
    for test in folder.glob("test_*.py"):
        for node in ast.walk(ast.parse(test.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def is_tested(module: Path) -> bool:
    folder = TESTS / module.parent
    dotted = ".".join([PACKAGE.name, *module.with_suffix("").parts])
    return (folder / f"test_{module.name}").exists() or dotted in imported_by_tests(folder)


def test_every_module_has_tests():
    for path in PACKAGE.rglob("*.py"):
        module = path.relative_to(PACKAGE)
        if module.name != "__init__.py" and module.as_posix() not in TESTED_THROUGH:
            assert is_tested(module), f"no test in tests/{module.parent} imports {module}"


def test_the_table_is_as_short_as_it_can_be():
    for module, test in TESTED_THROUGH.items():
        assert (PACKAGE / module).exists(), f"{module} is gone"
        assert (TESTS / test).exists(), f"{test} is gone"
        assert not is_tested(Path(module)), f"{module} needs no row"
