"""The document for previews: its own policy, and which page may frame what."""

from __future__ import annotations

import pytest


def policy(response) -> dict[str, str]:
    """The directives of a response's policy, by their names."""
    directives = response.headers["content-security-policy"].split(";")
    return {name: rest for name, _, rest in (one.strip().partition(" ") for one in directives)}


@pytest.mark.gen_test
async def test_a_preview_has_an_origin_of_its_own_and_no_network(chat):
    response = await chat.request("GET", "/preview")
    assert response.status == 200 and response.headers["content-type"].startswith("text/html")
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-dns-prefetch-control"] == "off"
    found = policy(response)
    assert found["sandbox"] == "allow-scripts"
    assert (found["default-src"], found["frame-ancestors"]) == ("'none'", "'self'")
    for name, sources in found.items():
        if name.endswith("-src"):
            assert set(sources.split()) <= {"'none'", "'unsafe-inline'", "data:", "blob:"}, name
    assert not {"connect-src", "frame-src", "child-src", "worker-src", "object-src"} & set(found)


@pytest.mark.gen_test
async def test_only_the_page_may_frame_and_only_the_preview_may_be_framed(chat):
    page = policy(await chat.request("GET", "/"))
    assert page["frame-src"] == "'self'" and page["frame-ancestors"] == "'none'"
    for path in ("/login", "/healthz", "/no", chat.application.assets.url("js/app.js")):
        other = policy(await chat.request("GET", path))
        assert "frame-src" not in other and other["frame-ancestors"] == "'none'", path
