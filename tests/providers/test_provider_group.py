"""Several upstreams as one provider: which upstream gets a request, and when it is retried.

The tests count the requests that reached each upstream.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from client import until
from fake_upstream import FakeUpstream

from tornado_stream.providers import provider_group
from tornado_stream.providers.provider_group import retry_delay
from tornado_stream.values.errors import ProviderError

DEAD = "http://127.0.0.1:9/v1"  # nothing listens there
#: What llama.cpp says with a 503 while it starts.
LOADING = '{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}'


@pytest.fixture(autouse=True)
def short_waits(monkeypatch) -> None:
    monkeypatch.setattr(provider_group, "FIRST_WAIT", 0.02)


@pytest.fixture
def another(io_loop, upstream):
    """A second upstream."""

    async def make() -> FakeUpstream:
        return FakeUpstream()

    fake = io_loop.run_sync(make)
    yield fake
    io_loop.run_sync(fake.close)


@pytest.fixture
def over(serve, settings, tmp_path) -> Callable:
    """Starts a server whose tornado-stream.toml names these upstreams: `name=(url, model, …)`."""

    def start(more: str = "", **upstreams):
        lines = []
        for name, (url, *models) in upstreams.items():
            lines += [f"[upstream.{name}]", f'base_url = "{url}"']
            if models:
                lines.append(f"models = {json.dumps(models)}")
        path = tmp_path / "upstreams.toml"
        path.write_text("\n".join([*lines, more]))
        return serve(replace(settings, config=path, base_url=None, model=None))

    return start


def notices(answer) -> list[tuple[str, str]]:
    found = [e.data for e in answer.events if e.name == "notice"]
    return [(data["code"], data.get("reason", "")) for data in found]


# -- which upstream gets a request


@pytest.mark.gen_test
async def test_a_request_goes_to_the_upstream_that_lists_its_model(over, upstream, another):
    upstream.models, another.models = ["a1", "a2"], ["b1", "b2"]
    chat = over(first=(upstream.url,), second=(another.url,))
    for model, judge, name in [
        (None, upstream, "first"),
        ("a2", upstream, "first"),
        ("b2", another, "second"),
        ("nobody-lists-this", upstream, "first"),
        ("second/nobody-lists-this", another, "second"),
    ]:
        answer = await chat.ask(**({"model": model} if model else {}))
        assert (answer.end["state"], answer.end["upstream"]) == ("done", name)
        assert judge.requests[-1]["model"] == (model or "a1").removeprefix("second/")
    assert (len(upstream.requests), len(another.requests)) == (3, 2)


@pytest.mark.gen_test
async def test_a_model_of_two_upstreams_is_listed_once_with_a_prefix(over, upstream, another):
    upstream.models, another.models = ["a", "both"], ["both", "b"]
    chat = over(first=(upstream.url,), second=(another.url,))
    body = (await chat.request("GET", "/api/models")).json()
    assert body["default"] == "a"
    assert [(m["id"], m["provider"]) for m in body["models"]] == [
        ("a", "first"),
        ("both", "first"),
        ("second/both", "second"),
        ("b", "second"),
    ]
    await chat.ask(model="second/both")
    assert another.requests[0]["model"] == "both" and not upstream.requests
    await chat.request("GET", "/api/models")
    assert (upstream.lists, another.lists) == (1, 1)  # the lists are cached


@pytest.mark.gen_test
async def test_a_broken_or_slow_upstream_does_not_hide_the_others(
    over, upstream, another, monkeypatch
):
    monkeypatch.setattr(provider_group, "LIST_TIMEOUT", 0.2)
    another.may_list.clear()
    chat = over(dead=(DEAD,), slow=(another.url,), good=(upstream.url,))

    async def models() -> dict[str, tuple[str, str]]:
        body = (await chat.request("GET", "/api/models")).json()
        return {m["provider"]: (m["id"], m["state"]) for m in body["models"]}

    loading = ("", "loading")
    while [(found := await models())[name] for name in ("dead", "good")].count(loading):
        pass  # on a busy machine the others take longer too
    assert found == {"dead": ("", "failed"), "slow": loading, "good": ("fake-model", "ready")}
    answer = await chat.ask(model="fake-model")
    assert answer.end["upstream"] == "good"
    another.models = ["slow-one"]
    await until(lambda: another.lists == 1, what="the slow upstream was asked for its list once")
    another.may_list.set()
    while (await models())["slow"] == loading:
        pass
    assert (await models())["slow"] == ("slow-one", "ready")
    assert another.lists == 1


# -- retries at the same upstream


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "refusal", ["429", "529", "503;after=0", "503;body=no healthy upstream", "503;body=" + LOADING]
)
async def test_a_request_that_was_turned_away_is_retried(chat, upstream, refusal):
    answer = await chat.ask(model=f"status={refusal};times=2;say=yes")
    assert (answer.end["state"], answer.text) == ("done", "yes")
    assert len(upstream.requests) == 3
    waits = [e.data for e in answer.events if e.name == "notice"]
    assert [(w["code"], w["attempt"]) for w in waits] == [("waiting", 1), ("waiting", 2)]
    assert all(w["seconds"] >= 0 and w["reason"] for w in waits)


@pytest.mark.gen_test
async def test_there_are_at_most_two_retries(chat, upstream):
    answer = await chat.ask(model="status=503;body=overloaded")
    assert (answer.end["state"], answer.end["error"]["upstream_status"]) == ("error", 503)
    assert len(upstream.requests) == 3


@pytest.mark.gen_test
async def test_a_503_that_does_not_say_what_became_of_the_request_is_not_retried(chat, upstream):
    """Envoy says the latter when the connection broke after the request was delivered."""
    broke = "upstream connect error or disconnect/reset before headers. reset reason: "
    for body in ("", "Service Unavailable", broke + "connection termination"):
        answer = await chat.ask(model=f"status=503;body={body}")
        error = answer.end["error"]
        assert (error["code"], error["retryable"]) == ("upstream_5xx", True)
    assert len(upstream.requests) == 3


@pytest.mark.gen_test
async def test_retry_after_is_honoured_up_to_a_limit(chat, upstream):
    began = time.monotonic()
    answer = await chat.ask(model="status=429;times=1;after=0.5;say=yes")
    assert answer.text == "yes" and time.monotonic() - began >= 0.5
    answer = await chat.ask(model="status=429;after=61")
    assert answer.end["error"]["retry_after"] == 61 and notices(answer) == []
    assert len(upstream.requests) == 3


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "script",
    [
        "status=500",
        "status=502",
        "status=408",
        "status=401",
        "close",
        "reset",
        "say=half;close",
        "say=half;error=rate limit exceeded",
        "error=overloaded",
        'status=429;body={"error":{"message":"You exceeded your current quota"}}',
    ],
)
async def test_a_request_that_may_have_been_processed_is_never_retried(
    over, upstream, another, script
):
    chat = over(first=(upstream.url, script), second=(another.url, "other"))
    answer = await chat.ask(model=script)
    assert answer.end["state"] in ("error", "cut_off") and notices(answer) == []
    assert (len(upstream.requests), len(another.requests)) == (1, 0)


@pytest.mark.gen_test
async def test_a_server_that_comes_up_meanwhile_is_reached(serve, settings, io_loop, monkeypatch):
    monkeypatch.setattr(provider_group, "FIRST_WAIT", 0.6)
    fake = FakeUpstream()
    port = fake.port
    await fake.close()
    chat = serve(replace(settings, base_url=f"http://127.0.0.1:{port}/v1"))
    stream = await chat.send(model="say=yes")
    waiting = await stream.until("notice")
    assert (waiting.data["code"], waiting.data["reason"]) == ("waiting", "connect_failed")
    again = FakeUpstream(port)
    answer = await stream.read()
    assert (answer.end["state"], answer.text) == ("done", "yes")
    assert len(again.requests) == 1
    await again.close()


@pytest.mark.gen_test
async def test_stop_ends_the_wait_for_a_retry(chat, upstream):
    stream = await chat.send(model="status=429;after=50")
    await stream.until("notice")
    began = time.monotonic()
    stopped = await chat.stop(stream.answer.start["generation_id"])
    assert stopped.json()["state"] == "stopped" and time.monotonic() - began < 40
    assert (await stream.read()).end["state"] == "stopped"
    assert len(upstream.requests) == 1


# -- the delay before a retry


def failed(code: str = "rate_limit", *, unprocessed: bool = True, after: float | None = None):
    return ProviderError(code, "No.", unprocessed=unprocessed, retry_after=after)


def test_delays_grow_and_have_jitter(monkeypatch):
    monkeypatch.setattr(provider_group, "FIRST_WAIT", 1.0)
    first = [retry_delay(1, failed()) for _ in range(50)]
    second = [retry_delay(2, failed()) for _ in range(50)]
    assert all(0.5 <= wait <= 1 for wait in first) and all(1 <= wait <= 2 for wait in second)
    assert len(set(first)) > 10


def test_a_retry_after_is_honoured_up_to_a_minute(monkeypatch):
    monkeypatch.setattr(provider_group, "FIRST_WAIT", 1.0)
    assert retry_delay(1, failed(after=7)) == 7
    assert retry_delay(1, failed(after=0)) >= 0.5
    assert retry_delay(1, failed(after=60)) == 60
    assert retry_delay(1, failed(after=61)) is None


@pytest.mark.parametrize(
    ("attempt", "error"),
    [(3, failed()), (1, failed(unprocessed=False)), (1, failed("quota")), (1, failed("auth"))],
)
def test_some_failures_are_not_retried(attempt, error):
    assert retry_delay(attempt, error) is None


# -- the next upstream


@pytest.mark.gen_test
@pytest.mark.parametrize("failing", ["status=429", "status=503;body=overloaded", "dead"])
async def test_the_next_upstream_that_has_the_model_is_tried(over, upstream, another, failing):
    script = "say=yes" if failing == "dead" else f"{failing};times=3;say=yes"
    first = DEAD if failing == "dead" else upstream.url
    chat = over(first=(first, script), other=(upstream.url, "x"), third=(another.url, script))
    another.requests += [{"model": script}] * 3  # as if its three failures were over
    answer = await chat.ask(model=script)
    assert (answer.end["state"], answer.end["upstream"], answer.text) == ("done", "third", "yes")
    assert (len(upstream.requests), len(another.requests)) == (0 if failing == "dead" else 3, 4)
    page = await chat.request("GET", f"/api/conversations/{answer.start['conversation_id']}")
    assert page.json()["messages"][1]["upstream"] == "third"


@pytest.mark.gen_test
async def test_without_credit_the_next_upstream_is_tried_at_once(over, upstream, another):
    body = '{"error":{"code":"insufficient_quota","message":"no credit"}}'
    script = f"status=429;times=1;body={body};say=yes"
    another.requests.append({"model": script})
    chat = over(first=(upstream.url, script), second=(another.url, script))
    answer = await chat.ask(model=script)
    assert (answer.text, answer.end["upstream"], notices(answer)) == ("yes", "second", [])
    assert (len(upstream.requests), len(another.requests)) == (1, 2)


@pytest.mark.gen_test
async def test_after_the_first_token_no_other_upstream_is_tried(over, upstream, another):
    script = "say=half;reset"
    chat = over(first=(upstream.url, script), second=(another.url, script))
    answer = await chat.ask(model=script)
    assert (answer.end["state"], answer.text) == ("cut_off", "half")
    assert answer.end["error"]["message"].startswith("first: ")
    assert (len(upstream.requests), len(another.requests)) == (1, 0)


@pytest.mark.gen_test
async def test_if_all_fail_the_error_is_that_of_the_last(over, another):
    chat = over(first=(DEAD, "m"), second=(another.url, "status=529"))
    answer = await chat.ask(model="status=529")
    assert answer.end["error"]["message"].startswith("second: ")
    assert (answer.end["upstream"], len(another.requests)) == ("second", 3)


# -- costs


@pytest.mark.gen_test
async def test_the_cost_of_an_answer(over, upstream):
    price = '[upstream.first.prices."say=a;usage=3"]\ninput = 2.0\noutput = 10.0'
    chat = over(price, first=(upstream.url, "say=a;usage=3", "say=abcd"))
    answer = await chat.ask(model="say=a;usage=3")
    usage, cost = answer.end["usage"], answer.end["cost"]
    amount = (usage["prompt_tokens"] * 2 + 3 * 10) / 1e6
    assert cost == {"amount": pytest.approx(amount), "currency": "USD", "estimated": False}
    page = await chat.request("GET", f"/api/conversations/{answer.start['conversation_id']}")
    assert page.json()["messages"][1]["cost"] == cost
    assert (await chat.ask(model="say=abcd")).end["cost"] is None  # this model has no price
    listed = (await chat.request("GET", "/api/models")).json()["models"]
    priced = {"input": 2.0, "output": 10.0, "cached_input": None, "currency": "USD"}
    assert [model["price"] for model in listed] == [priced, None]


@pytest.mark.gen_test
async def test_the_price_of_an_answer_is_known_without_asking(over):
    prices = "[upstream.two.prices]\nb = { input = 1, output = 2 }\nc = { input = 3, output = 4 }"
    group = over(prices, one=(DEAD, "a", "b"), two=(DEAD, "b", "c")).application.provider
    found = [group.expected(model) for model in ("a", "c", "b", "two/b", "two/z", None)]
    assert [(f.upstream, f.price and f.price.input) for f in found] == [
        ("one", None),
        ("two", 3),
        ("two", 1),  # only this one has a price
        ("two", 1),
        ("one", None),
        ("one", None),
    ]


@pytest.mark.gen_test
async def test_an_estimated_cost_counts_calls_of_tools_and_parts_of_messages(over, upstream):
    model = "tool=look:12345678"
    price = f'[upstream.first.prices."{model}"]\ninput = 100.0\noutput = 10.0'
    chat = over(price, first=(upstream.url, model))
    parts = [{"type": "text", "text": "x" * 40}, {"type": "image_url", "image_url": {"url": "y"}}]
    body = {"model": model, "messages": [{"role": "user", "content": parts}]}
    kept = {"Tornado-Stream-Keep": "true"}
    response = await chat.request("POST", "/v1/chat/completions", body, kept)
    answer = await chat.resume(response.headers["x-generation-id"])
    amount = (10 * 100 + 3 * 10) / 1e6
    assert answer.end["cost"] == {
        "amount": pytest.approx(amount),
        "currency": "USD",
        "estimated": True,
    }


@pytest.mark.gen_test
async def test_what_a_model_can_do_is_known_of_the_upstream_that_has_it(over):
    can = '[upstream.two.can]\nb = ["vision"]\nc = []'
    group = over(can, one=(DEAD, "a", "b"), two=(DEAD, "b", "c")).application.provider
    found = [group.can(model) for model in ("a", "b", "c", "two/b", "two/z", None)]
    assert found == [None, {"vision"}, set(), {"vision"}, None, None]
