"""The routes without streams: the page, static files, models, health, errors."""

from __future__ import annotations

import gzip
import os
import sys
from dataclasses import replace

import pytest


@pytest.mark.gen_test
async def test_the_page_is_rendered(chat):
    response = await chat.request("GET", "/")
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/html")
    assert b"<!doctype html>" in response.body.lower()
    for word in (b"<script>", b"style=", b" onclick", b'="http', b'="//'):
        assert word not in response.body, word


@pytest.mark.gen_test
async def test_static_files_have_types_and_validators(chat):
    for path, kind in [
        ("js/app.js", "javascript"),
        ("css/base.css", "text/css"),
        ("img/icon.svg", "image/svg+xml"),
        ("app.webmanifest", "application/manifest+json"),
    ]:
        response = await chat.request("GET", f"/static/{path}")
        assert response.status == 200 and kind in response.headers["content-type"], path
        assert response.headers["cache-control"] == "no-cache"
        tag = {"If-None-Match": response.headers["etag"]}
        assert (await chat.request("GET", f"/static/{path}", headers=tag)).status == 304
        versioned = await chat.request("GET", f"/static/{path}?v=1")
        assert "max-age" in versioned.headers["cache-control"]


@pytest.mark.gen_test
async def test_the_icon_is_at_the_address_that_browsers_ask_for(chat):
    response = await chat.request("GET", "/favicon.ico")
    assert (response.status, response.headers["content-type"]) == (200, "image/png")
    assert response.body == chat.application.assets.files["img/icon-192.png"].body


@pytest.mark.gen_test
async def test_static_files_are_compressed_and_cached_if_the_url_has_the_version(chat):
    url = chat.application.assets.url("js/app.js")
    plain = await chat.request("GET", url, headers={"Accept-Encoding": "gzip;q=0, br"})
    assert "content-encoding" not in plain.headers
    assert plain.headers["cache-control"] == "public, max-age=31536000, immutable"
    packed = await chat.request("GET", url, headers={"Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip" and "Encoding" in packed.headers["vary"]
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    other = url.replace(chat.application.assets.version, "0" * 16)
    old = await chat.request("GET", other)
    assert (old.body, old.headers["cache-control"]) == (plain.body, "no-cache")
    for takes_none in ("gzip;q=0, *", "identity", "gzip2", "x-gzip", "*;q=0.0", ""):
        odd = await chat.request("GET", url, headers={"Accept-Encoding": takes_none})
        assert "content-encoding" not in odd.headers, takes_none
    for nonsense in ("gzip;q=1..2", "gzip;q=", ";;,gzip;q=nan", "\xff", "," * 5000):
        odd = await chat.request("GET", url, headers={"Accept-Encoding": nonsense})
        assert (odd.status, odd.body) == (200, plain.body), nonsense
    head = await chat.request("HEAD", url)
    assert (head.status, head.body) == (200, b"")


@pytest.mark.gen_test
async def test_the_page_speaks_the_language_of_the_browser(chat):
    for header, tag, word in [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Ihre Frage"),
        ("zh-CN", "zh", "您的问题"),
        ("xx, en-GB;q=0.5", "en", "Your question"),
        ("", "en", "Your question"),
    ]:
        response = await chat.request("GET", "/", headers={"Accept-Language": header})
        assert f'<html lang="{tag}" dir="ltr">' in response.body.decode()
        assert word in response.body.decode() and f"/lang/{tag}.js" in response.body.decode()


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "js/../../app.py", "js/nothing.js"])
@pytest.mark.gen_test
async def test_static_files_end_at_their_folder(chat, path):
    response = await chat.request("GET", f"/static/{path}")
    assert response.status in (403, 404)
    assert b"ChatApplication" not in response.body


@pytest.mark.gen_test
async def test_health_and_readiness(chat):
    assert (await chat.request("GET", "/healthz")).json() == {"status": "ok"}
    assert (await chat.request("GET", "/readyz")).json() == {"status": "ready"}
    chat.application.generations.draining = True
    ready = await chat.request("GET", "/readyz")
    assert (ready.status, ready.json()) == (
        503,
        {"status": "draining", "reason": "The server is about to stop."},
    )
    assert (await chat.request("GET", "/healthz")).status == 200


@pytest.mark.gen_test
async def test_the_list_of_models(chat, upstream):
    body = (await chat.request("GET", "/api/models")).json()
    assert body["default"] == "fake-model"
    (model,) = body["models"]
    assert (model["id"], model["provider"], model["state"]) == ("fake-model", "openai", "ready")
    assert model["detail"] == f"{upstream.url} (OPENAI_BASE_URL)"


@pytest.mark.gen_test
async def test_a_configured_model_comes_first_and_needs_no_list(serve, settings):
    chat = serve(replace(settings, model="mine"))
    body = (await chat.request("GET", "/api/models")).json()
    assert ([model["id"] for model in body["models"]], body["default"]) == (
        ["mine", "fake-model"],
        "mine",
    )
    chat = serve(replace(settings, model="mine", base_url="http://127.0.0.1:9/v1"))
    body = (await chat.request("GET", "/api/models")).json()
    assert [(model["id"], model["state"]) for model in body["models"]] == [("mine", "failed")]
    assert "could not be reached" in body["models"][0]["detail"]


@pytest.mark.gen_test
async def test_models_that_the_upstream_lists(serve, settings, upstream):
    chat = serve(replace(settings, model=None))
    assert (await chat.request("GET", "/api/models")).json()["default"] == "fake-model"
    answer = await chat.ask("hi")
    assert answer.end["state"] == "done"
    assert upstream.requests[0]["model"] == "fake-model"


@pytest.mark.gen_test
async def test_models_of_an_unreachable_upstream(serve, settings):
    chat = serve(replace(settings, model=None, base_url="http://127.0.0.1:9/v1"))
    body = (await chat.request("GET", "/api/models")).json()
    assert body["default"] is None
    assert body["models"][0]["state"] == "failed" and "127.0.0.1:9" in body["models"][0]["detail"]


@pytest.mark.gen_test
async def test_unknown_addresses_are_404(chat):
    as_json = await chat.request("GET", "/nothing")
    assert (as_json.status, as_json.json()["error"]["code"]) == (404, "not_found")
    as_page = await chat.request("GET", "/nothing", headers={"Accept": "text/html,*/*"})
    assert as_page.status == 404
    assert as_page.headers["content-type"].startswith("text/html")
    wrong = await chat.request("POST", "/api/models", {})
    assert (wrong.status, wrong.json()["error"]["code"]) == (405, "method_not_allowed")


@pytest.mark.gen_test
async def test_a_bug_is_no_traceback_to_the_user(chat, caplog, monkeypatch):
    async def broken():
        raise RuntimeError("a secret place in the code")

    monkeypatch.setattr(chat.application.provider, "models", broken)
    response = await chat.request("GET", "/api/models?secret=1")
    assert response.status == 500
    assert response.json() == {
        "error": {"code": "server_error", "message": "This server failed; its log says why."}
    }
    assert "RuntimeError" in caplog.text and "secret=1" not in caplog.text
    caplog.clear()


@pytest.mark.gen_test
async def test_a_handler_that_cannot_be_imported_is_tried_again(chat, caplog, monkeypatch):
    """The files of the program may be replaced while it runs."""
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tornado_stream.handlers.usage", None)
        response = await chat.request("GET", "/api/usage")
        assert (response.status, response.json()["error"]["code"]) == (500, "server_error")
        assert "restart it" in caplog.text
    caplog.clear()
    assert (await chat.request("GET", "/api/usage")).status == 200


@pytest.mark.gen_test
async def test_no_key_no_prompt_and_no_answer_is_logged(serve, settings, caplog):
    caplog.set_level("DEBUG")
    key = "sk-canary-0123456789abcdef"
    chat = serve(replace(settings, api_key=key))
    for model in ("say=canary-answer", f'status=401;body={{"error":"bad {key}"}}'):
        answer = await chat.ask("canary-prompt", model=model)
        assert "sk-canary" not in str(answer.end)
    await chat.request("GET", "/healthz?canary-query")
    assert "canary" not in caplog.text
    assert os.environ.get("OPENAI_API_KEY") is None
