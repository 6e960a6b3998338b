"""The page without JavaScript, over HTTP."""

from __future__ import annotations

import html
import re
import uuid
from dataclasses import replace

import pytest

from tornado_stream.handlers.index import CHARACTERS, MESSAGES, MOST_ASKED

BOUNDARY = "----form"


def encode(fields) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{BOUNDARY}--\r\n").encode()


async def post(chat, fields, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named = named or {"Sec-Fetch-Site": "same-origin"}
    kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await chat.request("POST", "/ask", encode(fields), kind | named)


async def form(chat, path="/"):
    """The hidden fields of a page, and the page."""
    response = await chat.request("GET", path)
    assert response.headers["cache-control"] == "no-store"
    page = response.body.decode()
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)"[^>]*? value="([^"]*)"', page))
    return fields, page


@pytest.mark.gen_test
async def test_the_form_asks_once_and_leads_to_the_conversation(chat, upstream):
    fields, _ = await form(chat)
    assert fields["request_id"] != (await form(chat))[0]["request_id"]
    fields["question"] = "first </noscript>\r\n <b>line"
    first, second = await post(chat, fields), await post(chat, fields)
    assert first.status == second.status == 303
    path = first.headers["location"]
    assert second.headers["location"] == path
    assert (await chat.resume(fields["request_id"])).end["state"] == "done"
    assert len(upstream.requests) == 1
    assert upstream.requests[0]["messages"][-1]["content"] == "first </noscript>\n <b>line"
    again, page = await form(chat, path)
    assert html.escape("first </noscript>\n <b>line") in page and "<b>line" not in page
    assert page.count('<article class="message') == 2 and 'http-equiv="refresh"' not in page
    assert (await post(chat, again | {"question": "next"})).headers["location"] == path
    assert (await form(chat))[1].count(path) == 1  # it is in the list


@pytest.mark.gen_test
async def test_a_browser_with_scripts_gets_nothing_that_it_does_not_need(chat, monkeypatch):
    path = f"/c/{(await chat.ask('zebra', model='say=quagga')).start['conversation_id']}"
    cookie = {"Cookie": "ts_scripts=1"}
    read = chat.application.conversations.search
    monkeypatch.delattr(chat.application.conversations.__class__, "search")
    page = (await chat.request("GET", path, headers=cookie)).body.decode()
    assert "zebra" not in page and "quagga" not in page and 'content="0; url=?plain"' in page
    monkeypatch.setattr(chat.application.conversations, "search", read, raising=False)
    for headers, address in [({}, path), (cookie, f"{path}?plain")]:
        page = (await chat.request("GET", address, headers=headers)).body.decode()
        assert "quagga" in page and "refresh" not in page


@pytest.mark.gen_test
async def test_a_running_answer_is_loaded_again_and_its_form_keeps_the_text(chat):
    stream = await chat.send(model="say=begun;hold")
    start = (await stream.until("start")).data
    await stream.until("delta")
    fields, page = await form(chat, f"/c/{start['conversation_id']}")
    assert "begun" in page and 'http-equiv="refresh"' in page
    refused = await post(chat, fields | {"question": "too <early>"})
    page = refused.body.decode()
    assert refused.status == 409 and html.escape("too <early>") in page
    assert f'value="{fields["request_id"]}"' in page
    german = await post(
        chat, fields | {"question": "zu früh"}, Sec_Fetch_Site="same-origin", Accept_Language="de"
    )
    assert "wird schon eine Antwort geschrieben" in german.body.decode()
    await chat.stop(start["generation_id"])
    assert "stopped" in (await form(chat, f"/c/{start['conversation_id']}"))[1]


@pytest.mark.gen_test
async def test_only_a_form_of_this_site_is_taken(serve, settings, upstream):
    chat = serve(replace(settings, max_message=100))
    fields = (await form(chat))[0] | {"question": "hi"}
    here = f"http://127.0.0.1:{chat.port}"
    for headers in (
        {"X-Other": "1"},  # neither header
        {"Sec-Fetch-Site": "cross-site", "Origin": here},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://other.example"},
        {"Origin": "null"},
    ):
        assert (await post(chat, fields, **headers)).status == 403, headers
    assert (await post(chat, fields | {"request_id": "1"})).status == 400
    assert (await post(chat, fields | {"question": "\xa0 "})).headers["location"] == "/"
    assert (await post(chat, fields | {"question": "x" * 101})).status == 413
    gone = await post(chat, fields | {"conversation_id": str(uuid.uuid4())})
    assert gone.status == 404 and b"hi" in gone.body
    json = await chat.request("POST", "/ask", fields, {"Sec-Fetch-Site": "same-origin"})
    assert json.status == 415
    assert not upstream.requests
    assert (await post(chat, fields, Origin=here)).status == 303


@pytest.mark.gen_test
async def test_what_is_shown_has_a_bound(chat):
    id = None
    for number in range(MESSAGES // 2 + 1):
        text = f"question {number}. " + "x" * CHARACTERS
        answer = await chat.ask(text, model="say=a", conversation_id=id)
        id = answer.start["conversation_id"]
    _, page = await form(chat, f"/c/{id}")
    assert page.count('<article class="message') == MESSAGES
    assert "question 0." not in page.split("<nav aria-label")[0].split('class="plain"')[1]
    assert f"/c/{id}.md" in page and len(page) < (CHARACTERS + 1000) * MESSAGES / 2 + 50_000


@pytest.mark.gen_test
@pytest.mark.parametrize("scripts", [True, False])
async def test_an_address_fills_the_question_box(chat, upstream, scripts):
    async def get(path):
        cookie = {"Cookie": "ts_scripts=1"} if scripts else {}
        return (await chat.request("GET", path, headers=cookie)).body.decode()

    page = await get("/?q=Why%20%3Cb%3E%0Aso%3F&model=say%3Dthis")
    assert ">\nWhy &lt;b&gt;\nso?</textarea>" in page and "<b>" not in page
    assert 'name="model" id="asked-model" value="say=this"' in page
    if scripts:
        refresh = "0; url=?plain&amp;q=Why%20%3Cb%3E%0Aso%3F&amp;model=say%3Dthis"
        assert f'content="{refresh}"' in page
    assert ">\n  def f():<" in await get("/?q=%20%20def%20f():")
    assert "x" * MOST_ASKED + "<" in await get("/?q=" + "x" * (MOST_ASKED + 1))
    assert ">\n</textarea>" in await get(f"/c/{uuid.uuid4()}?q=hi")
    assert upstream.requests == [], "nothing is sent"


@pytest.mark.gen_test
async def test_the_form_asks_the_model_of_the_address(chat, upstream):
    fields, _ = await form(chat, "/?q=hi&model=say%3Dthis")
    assert (await post(chat, fields | {"question": "hi"})).status == 303
    await chat.resume(fields["request_id"])
    assert upstream.requests[-1]["model"] == "say=this"
    refused = await post(chat, fields | {"question": "other"})
    assert refused.status == 409 and b'value="say=this"' in refused.body
