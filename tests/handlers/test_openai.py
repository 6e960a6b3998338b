"""The models of OpenAI's API, its addresses, and its errors."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest

from tornado_stream.handlers import plain_path
from tornado_stream.providers import provider_group

ASK = {"messages": [{"role": "user", "content": "hello you"}]}
LISTED = {
    "data": [
        {"id": "meta/llama", "created": 1754524800, "owned_by": "Meta", "context_length": 131072},
        {"id": "bare", "created": 0, "meta": {"n_ctx": 1024, "n_ctx_train": 8192}},
    ]
}


@pytest.mark.gen_test
async def test_models_have_the_upstreams_properties(serve, settings, upstream):
    upstream.models = LISTED
    chat = serve(replace(settings, model=None))
    body = (await chat.request("GET", "/v1/models")).json()
    assert body["object"] == "list"
    llama, bare = body["data"]
    assert llama == {
        "id": "meta/llama",
        "object": "model",
        "created": 1754524800,
        "owned_by": "Meta",
        "context_length": 131072,
        "context_window": 131072,
    }
    assert abs(bare["created"] - time.time()) < 1000 and bare["owned_by"] == "openai"
    assert bare["context_length"] == bare["context_window"] == 1024
    listed = (await chat.request("GET", "/api/models")).json()["models"]
    assert [model["context"] for model in listed] == [131072, 1024]
    assert set(listed[0]) == {
        *(
            "id",
            "provider",
            "maker",
            "state",
            "code",
            "detail",
            "context",
            "can",
            "can_known",
            "price",
        )
    }


@pytest.mark.gen_test
async def test_a_model_whose_context_is_unknown_has_no_context(chat):
    (model,) = (await chat.request("GET", "/v1/models")).json()["data"]
    assert set(model) == {"id", "object", "created", "owned_by"}


@pytest.mark.gen_test
async def test_one_model_by_its_name(serve, settings, upstream):
    upstream.models = LISTED
    chat = serve(replace(settings, model=None))
    for path in ("meta/llama", "meta%2Fllama", "meta%2fllama", "meta//llama", "meta/llama/"):
        assert (await chat.request("GET", f"/v1/models/{path}")).json()["id"] == "meta/llama", path
    for path in ("none/such", "meta", "meta%252Fllama", "%00", "a%20b"):
        missing = await chat.request("GET", f"/v1/models/{path}")
        assert (missing.status, missing.json()["error"]["code"]) == (404, "model_not_found"), path


@pytest.mark.gen_test
async def test_a_list_with_a_byte_order_mark_is_read(serve, settings, upstream):
    upstream.models = b"\xef\xbb\xbf" + json.dumps(LISTED).encode()
    chat = serve(replace(settings, model=None))
    models = (await chat.request("GET", "/v1/models")).json()["data"]
    assert [model["id"] for model in models] == ["meta/llama", "bare"]


@pytest.mark.gen_test
@pytest.mark.parametrize("listed", [500, 401, b"no list", b'{"data": 7}'])
async def test_an_upstream_without_a_list_is_an_error(serve, settings, upstream, listed):
    upstream.models = listed
    chat = serve(replace(settings, model=None))
    for path in ("/v1/models", "/v1/models/any"):
        response = await chat.request("GET", path)
        error = response.json()["error"]
        assert (response.status, error["code"], error["type"]) == (502, "no_models", "server_error")
        assert "openai: " in error["message"] and error["param"] is None


@pytest.mark.gen_test
async def test_an_upstream_that_is_down_is_an_error(serve, settings):
    chat = serve(replace(settings, model=None, base_url="http://127.0.0.1:9/v1"))
    response = await chat.request("GET", "/v1/models")
    assert response.status == 502 and response.headers["x-should-retry"] == "true"
    assert "could not be reached" in response.json()["error"]["message"]
    named = serve(replace(settings, model="mine", base_url="http://127.0.0.1:9/v1"))
    models = (await named.request("GET", "/v1/models")).json()["data"]
    assert [model["id"] for model in models] == ["mine"]


@pytest.mark.gen_test
async def test_an_upstream_that_has_no_models_is_no_error(serve, settings, upstream):
    upstream.models = []
    chat = serve(replace(settings, model=None))
    response = await chat.request("GET", "/v1/models")
    assert (response.status, response.json()["data"]) == (200, [])


@pytest.mark.gen_test
async def test_an_upstream_that_is_slow_can_be_asked_later(serve, settings, upstream, monkeypatch):
    monkeypatch.setattr(provider_group, "LIST_TIMEOUT", 0.05)
    upstream.may_list.clear()
    chat = serve(replace(settings, model=None))
    response = await chat.request("GET", "/v1/models")
    assert (response.status, response.json()["error"]["code"]) == (503, "no_models")
    assert int(response.headers["retry-after"]) > 0
    upstream.may_list.set()
    await asyncio.sleep(0.05)
    assert (await chat.request("GET", "/v1/models")).status == 200


@pytest.mark.gen_test
async def test_models_of_the_upstreams_that_answer_are_listed(serve, settings, upstream, tmp_path):
    config = tmp_path / "two.toml"
    config.write_text(
        '[upstream.down]\nbase_url = "http://127.0.0.1:9/v1"\n'
        f'[upstream.up]\nbase_url = "{upstream.url}"\n'
    )
    chat = serve(replace(settings, model=None, base_url=None, config=config))
    models = (await chat.request("GET", "/v1/models")).json()["data"]
    assert [(model["id"], model["owned_by"]) for model in models] == [("fake-model", "up")]


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("/v1/models/", "/v1/models"),
        ("//v1///chat//completions//", "/v1/chat/completions"),
        ("/v1/", "/v1"),
        ("/v1/models/a/b", "/v1/models/a/b"),
        ("/v1x//", "/v1x//"),
        ("//c//", "//c//"),
        ("/", "/"),
        ("//", "//"),
    ],
)
def test_slashes_below_v1_do_not_matter(path, plain):
    assert plain_path(path) == plain


@pytest.mark.gen_test
async def test_base_urls_with_too_many_slashes_work(chat, upstream):
    for path in ("/v1/models/", "/v1//models", "//v1/models"):
        assert (await chat.request("GET", path)).json()["object"] == "list", path
    for path in ("/v1//chat/completions", "/v1/chat/completions/"):
        response = await chat.request("POST", path, ASK)
        assert response.json()["choices"][0]["message"]["content"] == "hello you", path
    assert len(upstream.requests) == 2


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/v1/embeddings", {}),
        ("POST", "/v1/completions/", {}),
        ("POST", "/v1/audio/transcriptions", {"Content-Type": "multipart/form-data; boundary=x"}),
        ("POST", "/v1/images/generations", {"Content-Encoding": "gzip"}),
        ("GET", "/v1/files?limit=1", {}),
        ("DELETE", "/v1/models2", {}),
        ("GET", "/v1", {}),
        ("PUT", "/v1/" + "x" * 3000, {}),
        ("GET", "/v1/%0d%0aX-Evil:%201", {}),
    ],
)
async def test_what_is_not_there_is_named(chat, upstream, method, path, headers):
    response = await chat.request(method, path, {}, headers)
    error = response.json()["error"]
    assert (response.status, error["code"]) == (404, "not_found")
    assert (error["type"], error["param"]) == ("invalid_request_error", None)
    assert path.partition("?")[0].rstrip("/")[:90] in error["message"]
    for there in ("/v1/chat/completions", "/v1/responses", "/v1/models"):
        assert there in error["message"]
    assert len(error["message"]) < 300 and not upstream.requests


@pytest.mark.gen_test
@pytest.mark.parametrize("base_path", ["", "/chat"])
async def test_a_base_url_without_v1_is_named(serve, settings, upstream, base_path):
    chat = serve(replace(settings, base_path=base_path))
    for method, path in [
        *(("POST", "/chat/completions"), ("POST", "/responses"), ("POST", "/completions/")),
        *(("GET", "/models"), ("POST", "/openai/chat/completions"), ("POST", "/embeddings")),
        *(("POST", "/api/v1/responses"), ("GET", "/chat/completions")),
    ]:
        for headers in ({}, {"Content-Type": "text/plain"}):
            response = await chat.request(method, base_path + path, {}, headers)
            error = response.json()["error"]
            assert (response.status, error["code"]) == (404, "not_found"), path
            assert (error["type"], error["param"]) == ("invalid_request_error", None)
            assert "is below /v1" in error["message"]
            assert f" {base_path}/v1/chat/completions" in error["message"]
    assert not upstream.requests


@pytest.mark.gen_test
async def test_errors_of_the_server_have_openais_form(serve, settings, upstream):
    chat = serve(replace(settings, max_v1_body=2000, max_v1_values=100, token="t" * 32))
    key = {"Authorization": "Bearer " + "t" * 32}
    path, large = "/v1/chat/completions", {**ASK, "x": "y" * 3000}
    many = {**ASK, "x": [0] * 200}
    for status, code, request in [
        (401, "login_required", ("POST", path, ASK, {})),
        (401, "wrong_token", ("GET", "/v1/models", None, {"Authorization": "Bearer sk-x"})),
        (403, "forbidden", ("POST", path, ASK, key | {"Origin": "https://evil.example"})),
        (405, "method_not_allowed", ("DELETE", path, {}, key)),
        (413, "too_large", ("POST", path, large, key)),
        (400, "invalid_request", ("POST", path, many, key)),
        (415, "not_json", ("POST", path, ASK, key | {"Content-Type": "text/plain"})),
        (415, "unsupported_encoding", ("POST", path, ASK, key | {"Content-Encoding": "gzip"})),
        (421, "unknown_host", ("POST", path, ASK, key | {"Host": "evil.example"})),
    ]:
        response = await chat.request(*request)
        error = response.json()["error"]
        assert (response.status, error["code"]) == (status, code)
        assert (error["type"], error["param"]) == ("invalid_request_error", None), code
        assert response.headers["x-should-retry"] == "false"
        setting = {413: "--max-v1-body", 400: "--max-v1-values"}.get(status, "")
        assert setting in error["message"]
        if code == "unsupported_encoding":
            assert response.headers["accept-encoding"] == "identity"
    assert not upstream.requests
