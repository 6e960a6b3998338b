"""HEAD, OPTIONS, `Allow`, and requests without a body (RFC 9110 sections 9 and 10.2.1)."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest
from client import read_head

from .test_doors import every_route

#: Headers that may differ between two responses.
VARYING = {"date", "x-request-id"}


async def heads(chat, path, headers=None):
    """The responses to HEAD and to GET, without their varying headers."""
    head = await chat.request("HEAD", path, headers=headers)
    get = await chat.request("GET", path, headers=headers)
    for response in (head, get):
        for name in VARYING:
            response.headers.pop(name, None)
    return head, get


@pytest.mark.gen_test
async def test_head_has_the_headers_of_get(chat):
    id = (await chat.ask(model="say=a")).start["conversation_id"]
    for path in [
        *("/", f"/c/{id}", f"/c/{id}.md", f"/c/{id}.txt", f"/c/{id}.json", "/favicon.ico"),
        *("/healthz", "/readyz", "/openapi.json", "/v1/models", "/v1/models/fake-model"),
        *("/api/models", "/api/conversations", f"/api/conversations/{id}", "/static/js/app.js"),
        *("/v1/models/nothing", "/v1/nothing", "/api/nothing", "/static/nothing"),
        *(f"/c/{uuid.uuid4()}.md", f"/api/conversations/{uuid.uuid4()}"),
    ]:
        head, get = await heads(chat, path)
        assert (head.status, head.body, head.headers) == (get.status, b"", get.headers), path
        assert get.status in (200, 404)


@pytest.mark.gen_test
async def test_head_of_a_page_that_needs_a_login(serve, settings):
    chat = serve(replace(settings, token="t" * 32))
    for headers in ({"Accept": "text/html"}, {}):
        head, get = await heads(chat, "/", headers)
        assert (head.status, head.headers) == (401, get.headers)


@pytest.mark.gen_test
async def test_head_with_a_condition_is_not_modified(chat):
    tag = (await chat.request("GET", "/api/conversations")).headers["etag"]
    response = await chat.request("HEAD", "/api/conversations", headers={"If-None-Match": tag})
    assert (response.status, response.headers["etag"]) == (304, tag)


@pytest.mark.gen_test
async def test_head_of_a_running_answer_follows_nothing(chat, upstream):
    stream = await chat.send(model="say=a;hold")
    start = (await stream.until("start")).data
    await stream.until("delta")
    readers = len(chat.application.streams)
    resumed = chat.application.metrics.resumes
    for path in (f"/stream/{start['generation_id']}?after=1", f"/c/{start['conversation_id']}.txt"):
        connection = await chat.connect()
        for _ in range(2):  # the connection can be used again
            await connection.write(chat.encode("HEAD", path, None, {}))
            head = await read_head(connection)
            assert head.status == 200 and "content-length" not in head.headers
            assert head.headers["cache-control"] == "no-cache, no-transform"
        assert len(chat.application.streams) == readers
        connection.close()
    assert chat.application.metrics.resumes == resumed
    upstream.released.set()
    await stream.read()
    assert len(upstream.requests) == 1
    ended = await chat.request("HEAD", f"/stream/{start['generation_id']}?after=99")
    assert ended.status == 204
    assert (await chat.request("HEAD", f"/stream/{uuid.uuid4()}")).status == 404


@pytest.mark.gen_test
async def test_head_does_not_start_an_answer(chat, upstream):
    for path in ("/stream", "/v1/chat/completions", "/v1/responses", "/login"):
        response = await chat.request("HEAD", path)
        assert (response.status, response.headers["allow"]) == (405, "POST, OPTIONS"), path
    assert not upstream.requests


@pytest.mark.gen_test
async def test_options_and_405_name_the_methods(chat):
    for handler, path in every_route(chat.application):
        if "/v1/." in path or path == "/no/such/path" or "NotFound" in handler.__name__:
            continue
        options = await chat.request("OPTIONS", path)
        allowed = options.headers["allow"]
        assert (options.status, options.body) == (204, b""), path
        assert "access-control-allow-origin" not in options.headers
        assert allowed.endswith("OPTIONS") and ("HEAD" in allowed) == ("GET" in allowed)
        lacking = "PATCH" if "PUT" in allowed else "PUT"
        refused = await chat.request(lacking, path, {}, {"Content-Type": "application/json"})
        assert (refused.status, refused.headers["allow"]) == (405, allowed), path
        if "json" in refused.headers["content-type"]:  # else it is a page for people
            assert allowed in refused.json()["error"]["message"], path


@pytest.mark.gen_test
async def test_a_method_is_refused_before_its_body(chat):
    """A body in another form must not hide that the method is the mistake."""
    response = await chat.request("POST", "/healthz", b"a=b", {"Content-Type": "text/plain"})
    assert (response.status, response.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


@pytest.mark.gen_test
async def test_no_body_is_an_empty_object_where_that_is_all_there_is(chat, upstream):
    stream = await chat.send(model="say=a;hold")
    id = (await stream.until("start")).data["generation_id"]
    for path in (f"/stream/{id}/stop", "/logout"):
        for headers in ({}, {"Content-Length": None}, {"Content-Type": "application/json"}):
            given = {"Content-Type": None, **headers}
            response = await chat.request("POST", path, None, given)
            assert response.status in (200, 204), (path, headers, response.body)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for empty in (None, b""):  # so `curl -d ''` sends it
            assert (await chat.request("POST", path, empty, form)).status in (200, 204), path
        assert (await chat.request("POST", path, b"a=b", form)).status == 415
        assert (await chat.request("POST", path, b"{}", {"Content-Type": None})).status == 415
    assert (await stream.read()).end["state"] == "stopped"
    assert (await chat.request("POST", "/stream", None, {"Content-Type": None})).status == 415


@pytest.mark.gen_test
async def test_a_reader_may_say_where_it_is_as_event_source_polyfill_does(chat):
    id = (await chat.ask(model="say=a;say=b;say=c")).start["generation_id"]
    whole = await chat.resume(id)
    third = whole.events[2].id

    async def numbers(query: str, headers=None):
        stream = await chat.open("GET", f"/stream/{id}{query}", headers=headers)
        return [event.id for event in (await stream.read()).events]

    later = [event.id for event in whole.events if event.id > third]
    assert await numbers(f"?lastEventId={third}") == later
    assert await numbers(f"?after=1&lastEventId={third}") == later  # `after` is from the start
    assert await numbers(f"?after={third}&lastEventId=") == later
    assert await numbers("?lastEventId=1", {"Last-Event-ID": str(third)}) == later
    wrong = await chat.request("GET", f"/stream/{id}?lastEventId=x")
    assert (wrong.status, wrong.json()["error"]["code"]) == (400, "invalid_request")
