"""The tables `[budget]` and `[user.NAME]` of tornado-stream.toml, and the errors about them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tornado_stream.auth.user_config import read_user_config
from tornado_stream.config_file import read_sections
from tornado_stream.settings import SettingError
from tornado_stream.values.budgets import Budget, UserConfig

GOOD = """
currency = "EUR"
[budget]
tokens = 5000
per = "day"

[user.ada]
admin = true
budget = { amount = 2.5 }

[user."bob@example.org".budget]
amount = 1
tokens = 7
"""


def read(tmp_path, text):
    path = tmp_path / "chat.toml"
    path.write_text(text)
    return read_user_config(read_sections(path))


def test_budgets_and_admins_are_read(tmp_path):
    read_file = read(tmp_path, GOOD)
    assert read_file == UserConfig(
        {"ada": Budget(2_500_000_000, None, "month"), "bob@example.org": Budget(10**9, 7)},
        Budget(None, 5000, "day"),
        frozenset({"ada"}),
        "EUR",
    )
    assert read(tmp_path, "") == UserConfig()


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("[budget]\nper = 'month'", 1, "budget: it must have an amount, or tokens"),
        ("\n[budget]\namount = -1", 3, "budget.amount"),
        ("[budget]\namount = nan", 2, "budget.amount"),
        ("[budget]\namount = true", 2, "budget.amount"),
        ("[budget]\ntokens = 1.5", 2, "a whole number"),
        ("[budget]\ntokens = 1\nper = 'week'", 3, '"month" or "day"'),
        ("[budget]\namont = 1", 2, "budget.amont: there is no such key"),
        ("budget = 5", 1, "it must be a table"),
        ("[user]\nada = 1", 2, "user.ada: it must be a table"),
        ("user = 1", 1, "user: it must be tables"),
        ("[user.ada]\nadmin = 'yes'", 2, "user.ada.admin: it must be true or false"),
        ("[user.ada]\n[user.bob]\nbudget = {amount = 'x'}", 3, "user.bob.budget.amount"),
        ("[user.'a b']", 1, "a name has up to"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path, text, line, says):
    with pytest.raises(SettingError) as caught:
        read(tmp_path, text)
    assert f"chat.toml, line {line}: " in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.gen_test
async def test_a_file_without_upstreams_changes_no_upstream(serve, settings, tmp_path):
    config = tmp_path / "chat.toml"
    config.write_text("[user.local]\nadmin = true\n")
    chat = serve(replace(settings, config=config))
    assert (await chat.ask(model="say=hi")).text == "hi"
