"""What the page looks like in one browser, as its user has chosen it.

The rule: the browser keeps the choices, in one cookie, so that the server can send a page that
looks right from the beginning. A value that is not known counts as none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from tornado.httputil import HTTPServerRequest

from tornado_stream.page.languages import Languages

COOKIE = "ts_choices"
#: The values of each choice. A choice without a value follows the browser: its colours, its size of
#: text, and for `enter` whether it has a mouse.
VALUES: dict[str, Collection[str]] = {
    "theme": ("light", "dark"),
    "text": ("90", "120", "150", "200"),
    "enter": ("send", "newline"),
    "notify": ("on",),
}
#: Characters of a cookie that are read.
LONGEST = 200


def read_choices(cookie: str, languages: Collection[str]) -> dict[str, str]:
    """The choices that a cookie names, for example `theme.dark:text.120`; of a language its tag."""
    known = VALUES | {"language": languages}
    pairs = (pair.partition(".") for pair in cookie[:LONGEST].split(":"))
    return {name: value for name, _, value in pairs if value in known.get(name, ())}


def to_cookie(choices: Mapping[str, str]) -> str:
    """The value of a cookie that names these choices."""
    return ":".join(f"{name}.{value}" for name, value in choices.items())


def names_of_page(languages: Languages, request: HTTPServerRequest) -> dict[str, Any]:
    """What every template needs: the language, its strings, and the other choices as `look`."""
    cookie = request.cookies.get(COOKIE)
    look = read_choices(cookie.value if cookie else "", languages.all)
    accepted = request.headers.get("Accept-Language", "")
    language = languages.pick(look.pop("language", "") or accepted)
    return {"language": language, "t": language.t, "look": look}
