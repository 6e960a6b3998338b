"""Reads the tables `[budget]` and `[user.NAME]` of tornado-stream.toml (see docs/usage.md).

The rule: before the server starts, every mistake is reported with its line and its key. Who may log
in stands in `users.json` alone, so a name need not exist there.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

from tornado_stream.auth.users_file import NAME
from tornado_stream.config_file import Sections
from tornado_stream.values.budgets import PERIODS, Budget, UserConfig

KEYS = ("amount", "tokens", "per")
USER_KEYS = ("budget", "admin")
#: The largest limit, in whole units.
MOST = 1_000_000_000_000


def read_user_config(sections: Sections) -> UserConfig:
    """What the file says of users. Raises `SettingError` for every mistake in these tables."""
    return _Parser(sections).read()


class _Parser:
    def __init__(self, sections: Sections) -> None:
        self._sections = sections

    def read(self) -> UserConfig:
        data = self._sections.data
        default = self._budget("budget", data["budget"]) if "budget" in data else None
        budgets, admins = {}, set()
        for name, table in self._sections.tables("user").items():
            where = f"user.{name}"
            if not NAME.fullmatch(name):
                self._refuse(where, "a name has up to 64 letters, digits and . _ @ -")
            self._check_keys(where, table, USER_KEYS)
            if "budget" in table:
                budgets[name] = self._budget(f"{where}.budget", table["budget"])
            if not isinstance(table.get("admin", False), bool):
                self._refuse(f"{where}.admin", "it must be true or false")
            if table.get("admin"):
                admins.add(name)
        return UserConfig(budgets, default, frozenset(admins), data.get("currency", "USD"))

    def _budget(self, where: str, table: Any) -> Budget:
        if not isinstance(table, dict):
            self._refuse(where, 'it must be a table such as {amount = 10, per = "month"}')
        self._check_keys(where, table, KEYS)
        per = table.get("per", "month")
        if per not in PERIODS:
            self._refuse(f"{where}.per", 'it must be "month" or "day"')
        amount, tokens = self._limit(where, table, "amount"), self._limit(where, table, "tokens")
        if amount is None and tokens is None:
            self._refuse(where, "it must have an amount, or tokens")
        return Budget(
            None if amount is None else round(amount * 1e9),
            None if tokens is None else int(tokens),
            per,
        )

    def _limit(self, where: str, table: dict[str, Any], key: str) -> float | None:
        value = table.get(key)
        if value is None:
            return None
        kinds = (int, float) if key == "amount" else (int,)
        if type(value) not in kinds or not math.isfinite(value) or not 0 <= value <= MOST:
            what = "a number" if key == "amount" else "a whole number"
            self._refuse(f"{where}.{key}", f"it must be {what}, 0 or above")
        return float(value) if key == "amount" else value

    def _check_keys(self, where: str, table: dict[str, Any], known: tuple[str, ...]) -> None:
        for key in table:
            if key not in known:
                self._refuse(
                    f"{where}.{key}", f"there is no such key; there are {', '.join(known)}"
                )

    def _refuse(self, key: str, why: str) -> NoReturn:
        self._sections.refuse(key, why)
