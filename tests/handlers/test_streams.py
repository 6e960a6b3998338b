"""The stream routes over real sockets, with an upstream that can fail in every way."""

from __future__ import annotations

import asyncio
import socket
import time
import uuid
from dataclasses import replace

import pytest
from client import Client, until
from deadlines import at_most

from tornado_stream.net.streamed_body import ChunkedBody


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_an_answer_streams_as_the_contract_says(chat, upstream):
    answer = await chat.ask("tell me", model="say=Hel;say=lo%0A  <b>;usage=2;finish=stop;done")
    assert answer.response.headers["content-type"] == "text/event-stream"
    assert answer.response.headers["cache-control"] == "no-cache, no-transform"
    assert answer.response.headers["x-accel-buffering"] == "no"
    assert [e.id for e in answer.events] == list(range(1, len(answer.events) + 1))
    assert answer.text == "Hello\n  <b>"
    assert set(answer.start) == {
        "generation_id",
        "conversation_id",
        "message_id",
        "user_message_id",
        "parent_id",
        "model",
        "continued_from",
        "created_at",
        "t",
    }
    assert answer.start["parent_id"] is None and answer.start["continued_from"] is None
    end = answer.end
    assert (end["state"], end["finish_reason"], end["error"]) == ("done", "stop", None)
    assert end["usage"] == {"prompt_tokens": 1, "completion_tokens": 2}
    assert end["stop"] is None and end["saved"] is True
    assert 0 <= end["timings"]["first_token_ms"] <= end["timings"]["total_ms"]
    times = [event.data["t"] for event in answer.events]
    assert times == sorted(times)
    assert upstream.requests[0]["messages"] == [{"role": "user", "content": "tell me"}]
    assert upstream.requests[0]["stream"] is True


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_the_first_bytes_leave_at_once(chat):
    stream = await chat.send(model="wait=5;say=late")
    started = await stream.until("start")
    assert started.id == 1
    stream.close()


@pytest.mark.gen_test
async def test_the_end_names_the_model_that_nobody_knew_at_the_start(serve, settings, upstream):
    upstream.models = ["newest", "older"]
    chat = serve(replace(settings, model=None))
    answer = await chat.ask("hi")
    assert (answer.start["model"], answer.end["model"]) == (None, "newest")
    answer = await chat.ask("hi", model="older")
    assert (answer.start["model"], answer.end["model"]) == ("older", None)


@pytest.mark.gen_test
async def test_the_second_question_carries_the_first(chat, upstream):
    first = await chat.ask("one", model="say=1")
    second = await chat.ask("two", conversation_id=first.start["conversation_id"], model="say=2")
    assert second.start["parent_id"] == first.start["message_id"]
    assert upstream.requests[1]["messages"] == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": "1"},
        {"role": "user", "content": "two"},
    ]


@pytest.mark.gen_test
async def test_edit_and_regenerate_make_branches(chat, upstream):
    first = (await chat.ask("one", model="say=1")).start
    conversation = first["conversation_id"]
    again = await chat.ask(
        None, conversation_id=conversation, parent_id=first["user_message_id"], model="say=1b"
    )
    assert again.start["user_message_id"] == first["user_message_id"]
    assert again.start["message_id"] != first["message_id"]
    edited = await chat.ask("uno", conversation_id=conversation, parent_id=None, model="say=1c")
    assert edited.start["parent_id"] is None
    assert upstream.requests[2]["messages"] == [{"role": "user", "content": "uno"}]
    later = await chat.ask(
        "two", conversation_id=conversation, parent_id=first["message_id"], model="say=2"
    )
    assert later.start["parent_id"] == first["message_id"]
    assert [m["content"] for m in upstream.requests[3]["messages"]] == ["one", "1", "two"]


@pytest.mark.gen_test
async def test_a_question_whose_answer_failed_is_not_sent_with_the_next(chat, upstream):
    first = await chat.ask("one", model="status=500")
    assert first.end["state"] == "error"
    await chat.ask("two", conversation_id=first.start["conversation_id"], model="say=2")
    assert upstream.requests[1]["messages"] == [{"role": "user", "content": "two"}]


@pytest.mark.gen_test
async def test_the_oldest_turns_can_be_left_out(chat, upstream):
    first = await chat.ask("one", model="say=1")
    conversation = first.start["conversation_id"]
    await chat.ask("two", conversation_id=conversation, model="say=2")
    third = await chat.ask("three", conversation_id=conversation, model="say=3", leave_out=9)
    assert upstream.requests[2]["messages"] == [{"role": "user", "content": "three"}]
    notices = [e.data for e in third.events if e.name == "notice"]
    assert [(n["code"], n["turns"]) for n in notices] == [("context_trimmed", 2)]


@pytest.mark.gen_test
async def test_a_branch_can_begin_with_a_summary_of_what_was_before(chat, upstream):
    first = await chat.ask("one", model="say=1", system="Be brief.")
    home = first.start["conversation_id"]
    summary = await chat.ask("Sum up.", conversation_id=home, model="say=We counted.")
    body = {"conversation_id": home, "summary": summary.start["message_id"]}
    third = await chat.ask("three", **body, model="say=3")
    four = await chat.ask("four", conversation_id=home, model="say=4")
    system = {"role": "system", "content": "Be brief.\n\nWe counted."}
    assert upstream.requests[2]["messages"] == [system, {"role": "user", "content": "three"}]
    sent = [system["content"], "three", "3", "four"]
    assert [m["content"] for m in upstream.requests[3]["messages"]] == sent
    messages = (await chat.request("GET", f"/api/conversations/{home}")).json()["messages"]
    root = messages[4]
    assert (root["role"], root["parent_id"], root["content"]) == ("system", None, "We counted.")
    assert third.start["parent_id"] == root["id"]
    assert [m["content"] for m in messages[:4]] == ["one", "1", "Sum up.", "We counted."]
    assert four.start["parent_id"] == third.start["message_id"]
    export = (await chat.request("GET", f"/c/{home}.md")).body.decode()
    assert "We counted." in export and "Sum up." not in export


@pytest.mark.gen_test
async def test_a_summary_without_a_text_is_refused(chat, upstream):
    first = await chat.ask("one", model="say=1")
    other = await chat.ask("two", model="say=2")
    failed = await chat.ask("three", model="status=401")
    home = first.start["conversation_id"]
    empty = failed.start
    for body, status in [
        ({"conversation_id": home, "summary": other.start["message_id"]}, 404),
        ({"conversation_id": home, "summary": "none"}, 404),
        ({"conversation_id": home, "summary": first.start["user_message_id"]}, 400),
        ({"conversation_id": empty["conversation_id"], "summary": empty["message_id"]}, 400),
        ({"summary": first.start["message_id"]}, 400),
        ({"conversation_id": home, "summary": first.start["message_id"], "parent_id": None}, 400),
        ({"conversation_id": home, "summary": 5}, 400),
    ]:
        assert (await chat.request("POST", "/stream", {"message": "hi", **body})).status == status
    assert len(upstream.requests) == 3


@pytest.mark.gen_test
async def test_only_the_options_that_were_set_are_sent(chat, upstream):
    await chat.ask("hi", options={"temperature": 0.5, "model": "evil", "stream": False})
    sent = upstream.requests[0]
    assert sent["temperature"] == 0.5
    assert sent["model"] == "fake-model" and sent["stream"] is True
    assert set(sent) == {"model", "messages", "stream", "stream_options", "temperature"}


@pytest.mark.gen_test
async def test_resume_gives_exactly_what_is_missing(chat):
    answer = await chat.ask(model="count=20")
    id = answer.start["generation_id"]
    for after in (0, 1, 7, len(answer.events) - 1):
        rest = await chat.resume(id, after)
        assert [(e.id, e.data) for e in rest.events] == [
            (e.id, e.data) for e in answer.events if e.id > after
        ]
    gone = await chat.request("GET", f"/stream/{id}?after={len(answer.events)}")
    assert (gone.status, gone.body) == (204, b"")
    by_header = await chat.open(
        "GET", f"/stream/{id}?after=0", headers={"Last-Event-ID": str(len(answer.events) - 1)}
    )
    assert [e.name for e in (await by_header.read()).events] == ["end"]


@pytest.mark.gen_test
async def test_replay_and_live_join_without_a_seam(chat):
    stream = await chat.send(model="gap=0.002;count=200")
    id = (await stream.until("start")).data["generation_id"]
    readers = []
    for number in range(10):
        readers.append(await chat.open("GET", f"/stream/{id}?after={number}"))
        await asyncio.sleep(0.02)
    whole = await stream.read()
    for number, reader in enumerate(readers):
        answer = await reader.read()
        assert [e.id for e in answer.events] == list(range(number + 1, len(whole.events) + 1))
        assert answer.events[-1].data == whole.events[-1].data


@pytest.mark.gen_test
async def test_without_live_the_response_ends_at_once(chat):
    stream = await chat.send(model="say=a;wait=5")
    id = (await stream.until("start")).data["generation_id"]
    await stream.until("delta")
    answer = await chat.resume(id, live=False)
    assert [e.name for e in answer.events] == ["start", "delta"]
    stream.close()


@pytest.mark.gen_test
async def test_a_reader_ahead_of_the_log_is_reset(chat):
    stream = await chat.send(model="say=a;wait=5")
    id = (await stream.until("start")).data["generation_id"]
    await stream.until("delta")
    answer = await chat.resume(id, after=50, live=False)
    assert [(e.id, e.name) for e in answer.events] == [(0, "reset"), (1, "start"), (2, "delta")]
    assert answer.events[0].data == {}
    stream.close()


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_leaving_is_not_stopping(chat, upstream):
    stream = await chat.send(model="gap=0.01;count=20")
    id = (await stream.until("start")).data["generation_id"]
    stream.close()
    answer = await chat.resume(id)
    assert answer.end["state"] == "done"
    assert answer.text == "".join(f"t{n} " for n in range(20))
    assert len(upstream.requests) == 1


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_client_that_leaves_while_its_question_is_being_saved(chat, upstream):
    """The upstream is asked all the same, once. A response without a client is no failure."""
    store, begun, leave = chat.application.store, asyncio.Event(), asyncio.Event()
    begin = store.begin

    async def slow(new_answer):
        begun.set()
        await leave.wait()
        await begin(new_answer)

    store.begin = slow
    body = {"message": "hi", "request_id": str(uuid.uuid4())}
    connection = await chat.connect()
    await connection.write(chat.encode("POST", "/stream", body, {}))
    await begun.wait()
    connection.close()
    await asyncio.sleep(0.02)
    leave.set()
    await until(lambda: upstream.requests)
    assert (await chat.ask(**body)).end["state"] == "done"
    assert len(upstream.requests) == 1


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_the_same_request_again_is_the_same_answer(chat, upstream):
    id = str(uuid.uuid4())
    body = {"request_id": id, "model": "gap=0.01;count=5"}
    at_once = await asyncio.gather(*(chat.ask(**body) for _ in range(5)))
    later = await chat.ask(**body)
    events = [[(e.id, e.data) for e in answer.events] for answer in [*at_once, later]]
    assert all(each == events[0] for each in events)
    assert at_once[0].start["generation_id"] == id
    assert len(upstream.requests) == 1
    other = await chat.request("POST", "/stream", {"message": "other", "request_id": id})
    assert (other.status, other.json()["error"]["code"]) == (409, "request_id_reused")


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_one_running_answer_per_conversation(chat):
    stream = await chat.send(model="say=a;stall")
    start = (await stream.until("start")).data
    body = {"message": "more", "conversation_id": start["conversation_id"]}
    busy = await chat.request("POST", "/stream", body)
    assert busy.status == 409
    assert busy.json()["error"]["code"] == "conversation_busy"
    assert busy.json()["error"]["generation_id"] == start["generation_id"]
    await chat.stop(start["generation_id"])
    assert (await chat.ask(**body)).end["state"] == "done"


@pytest.mark.both_ways
@pytest.mark.parametrize(
    "script",
    ["nohead=30", "wait=30;say=a", "say=a;wait=30", "say=a;stall", "gap=0.005;count=5000"],
)
@pytest.mark.timed
@pytest.mark.gen_test
async def test_stop_closes_the_upstream_at_any_phase(chat, upstream, script):
    stream = await chat.send(model=script)
    id = (await stream.until("start")).data["generation_id"]
    if "say" in script.partition(";")[0] or "count" in script:
        await stream.until("delta")
    else:
        await until(lambda: upstream.open_streams)
    began = time.monotonic()
    stopped = await chat.stop(id)
    assert stopped.status == 200
    assert stopped.json()["state"] == "stopped"
    await until(lambda: upstream.closed_at)
    assert upstream.closed_at[0] - began < at_most(0.15)
    receipt = stopped.json()["stop"]
    assert 0 <= receipt["upstream_closed_ms"] < at_most(0.15) * 1000
    answer = await stream.read()
    assert answer.end["state"] == "stopped" and answer.end["stop"] == receipt
    assert receipt["received_events"] == sum(e.name == "delta" for e in answer.events)
    assert (await chat.stop(id)).json() == stopped.json()


@pytest.mark.gen_test
async def test_stop_of_an_unknown_answer_is_404(chat):
    response = await chat.stop(str(uuid.uuid4()))
    assert (response.status, response.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.gen_test
async def test_stop_after_the_end_changes_nothing(chat):
    answer = await chat.ask(model="say=a")
    response = await chat.stop(answer.start["generation_id"])
    assert response.json() == {
        "generation_id": answer.start["generation_id"],
        "state": "done",
        "stop": None,
    }


@pytest.mark.parametrize(
    ("script", "state", "code", "text"),
    [
        ("say=ab;close", "cut_off", "connection_closed", "ab"),
        ("say=ab;reset", "cut_off", "connection_reset", "ab"),
        ("say=ab;badchunk", "cut_off", "malformed_response", "ab"),
        ("say=ab;end", "cut_off", "connection_closed", "ab"),
        ("say=ab;error=model crashed", "error", "upstream_error", "ab"),
        ("say=ab;finish=stop;error=late", "error", "upstream_error", "ab"),
        ("close", "cut_off", "connection_closed", ""),
        ("status=401", "error", "auth", ""),
        ("status=429;after=77", "error", "rate_limit", ""),  # too long for a retry
        ("status=502", "error", "upstream_5xx", ""),
    ],
)
@pytest.mark.gen_test
async def test_each_failure_has_its_state_and_code(chat, script, state, code, text):
    answer = await chat.ask(model=script)
    assert answer.response.status == 200
    assert (answer.end["state"], answer.end["error"]["code"]) == (state, code)
    assert answer.text == text
    assert set(answer.end["error"]) == {
        "code",
        "message",
        "upstream_status",
        "retryable",
        "retry_after",
    }
    if "after=" in script:
        assert answer.end["error"]["retry_after"] == 77


@pytest.mark.parametrize("ending", ["close", "reset", "badchunk", "stall", "end"])
@pytest.mark.gen_test
async def test_after_a_finish_reason_a_broken_connection_does_not_matter(serve, settings, ending):
    chat = serve(replace(settings, idle_timeout=0.2))
    answer = await chat.ask(model=f"say=ab;finish=stop;{ending}")
    assert (answer.end["state"], answer.text) == ("done", "ab")


@pytest.mark.gen_test
async def test_silence_ends_at_its_limit(serve, settings):
    chat = serve(replace(settings, idle_timeout=1, first_byte_timeout=1))
    cases = {
        "say=ab;stall": ("cut_off", "idle_timeout"),
        "nohead=9": ("error", "first_byte_timeout"),
        "stall": ("cut_off", "first_byte_timeout"),
        # Comments are a sign of life.
        "ping;wait=0.4;ping;wait=0.4;ping;wait=0.4;say=ab": ("done", None),
    }
    answers = await asyncio.gather(*(chat.ask(model=script) for script in cases))
    for answer, (script, expected) in zip(answers, cases.items(), strict=True):
        error = answer.end["error"] or {"code": None}
        assert (answer.end["state"], error["code"]) == expected, script
    assert answers[-1].text == "ab"


@pytest.mark.gen_test
async def test_the_longest_time_of_an_answer_is_bounded(serve, settings):
    chat = serve(replace(settings, answer_timeout=0.5))
    answer = await chat.ask(model="gap=0.05;count=1000")
    assert answer.end["error"]["code"] == "answer_timeout"
    assert answer.end["state"] == "cut_off" and answer.text.startswith("t0 t1 ")


@pytest.mark.gen_test
async def test_an_unreachable_upstream(serve, settings):
    chat = serve(replace(settings, base_url="http://127.0.0.1:9/v1"))
    answer = await chat.ask()
    assert (answer.end["state"], answer.end["error"]["code"]) == ("error", "connect_failed")
    assert "127.0.0.1:9" in answer.end["error"]["message"]


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_silent_reader_is_pinged(serve, settings):
    chat = serve(replace(settings, heartbeat=0.1))
    answer = await chat.ask(model="wait=0.5;say=a")
    assert len([c for c in answer.comments if c == ": ping"]) >= 2


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_slow_reader_delays_nobody_and_misses_nothing(chat, upstream):
    stream = await chat.send(model="fill=500x4000")
    id = (await stream.until("start")).data["generation_id"]
    # This reader reads nothing; another one sees the whole answer meanwhile.
    other = await chat.resume(id)
    assert other.end["state"] == "done" and len(other.text) == 2_000_000
    slow = await stream.read()
    assert slow.text == other.text
    assert [e.id for e in slow.events] == [e.id for e in other.events]


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_a_reader_that_takes_nothing_is_let_go(serve, settings):
    chat = serve(replace(settings, write_timeout=0.3))
    stream = await chat.send(model="fill=3000x4000")
    await stream.until("start")
    await until(lambda: not chat.application.streams)
    stream.close()


@pytest.mark.both_ways
@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="Linux")
@pytest.mark.gen_test
async def test_a_reader_that_is_gone_without_a_word_is_noticed_by_the_system(serve, settings):
    """A laptop that was closed sends no FIN. The system closes the connection after a while without
    acknowledgements."""
    chat = serve(replace(settings, write_timeout=7))
    stream = await chat.send(model="say=a;stall")
    await stream.until("start")
    (response,) = chat.application.streams
    sock = response._socket.socket
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 7000
    stream.close()


@pytest.mark.gen_test
async def test_http_1_0_readers_get_a_plain_stream(chat):
    connection = await chat.connect()
    head = chat.encode("POST", "/stream", {"message": "hi", "model": "say=ab"}, {})
    await connection.write(head.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    response = await connection.read_until_close()
    assert b"Transfer-Encoding" not in response
    assert response.count(b"event: end\n") == 1


BAD_REQUESTS = [
    (b"{", 400, "invalid_json"),
    (b"[]", 400, "invalid_request"),
    (b"\xff\xfe", 400, "invalid_json"),
    (b'{"message": "\\ud800"}', 400, "invalid_json"),
    (b"[" * 60_000, 400, "invalid_json"),
    (b"[" * 100_000, 400, "invalid_request"),
    ({}, 400, "invalid_request"),
    ({"message": ""}, 400, "invalid_request"),
    ({"message": "  \n"}, 400, "invalid_request"),
    ({"message": 1}, 400, "invalid_request"),
    ({"message": None}, 400, "invalid_request"),
    ({"message": "hi", "request_id": "x"}, 400, "invalid_request"),
    ({"message": "hi", "request_id": 5}, 400, "invalid_request"),
    ({"message": "hi", "options": [1]}, 400, "invalid_request"),
    ({"message": "hi", "model": 5}, 400, "invalid_request"),
    ({"message": "hi", "leave_out": -1}, 400, "invalid_request"),
    ({"message": "hi", "leave_out": True}, 400, "invalid_request"),
    ({"message": "hi", "conversation_id": 5}, 400, "invalid_request"),
    ({"message": "hi", "conversation_id": str(uuid.uuid4())}, 404, "not_found"),
    ({"message": "hi", "parent_id": str(uuid.uuid4())}, 404, "not_found"),
    (b'{"message": "' + b"x" * (1024 * 1024) + b'"}', 413, "too_large"),
]


@pytest.mark.both_ways
@pytest.mark.parametrize(("body", "status", "code"), BAD_REQUESTS, ids=range(len(BAD_REQUESTS)))
@pytest.mark.gen_test
async def test_malformed_requests_get_an_error_message(chat, upstream, body, status, code):
    response = await chat.request("POST", "/stream", body)
    assert (response.status, response.json()["error"]["code"]) == (status, code)
    assert response.json()["error"]["message"].endswith(".")
    assert not upstream.requests


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_parents_are_checked(chat):
    start = (await chat.ask("one", model="say=1")).start
    other = (await chat.ask("other", model="say=o")).start
    conversation = start["conversation_id"]
    for message, parent, status in [
        ("x", start["user_message_id"], 400),
        (None, start["message_id"], 400),
        (None, None, 400),
        ("x", other["message_id"], 404),
        ("x", "nonsense", 404),
    ]:
        body = {"message": message, "conversation_id": conversation, "parent_id": parent}
        assert (await chat.request("POST", "/stream", body)).status == status, body


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "９"])
@pytest.mark.gen_test
async def test_a_malformed_event_number_is_refused(chat, after):
    id = (await chat.ask(model="say=a")).start["generation_id"]
    response = await chat.request(
        "GET", f"/stream/{id}", headers={"Last-Event-ID": after.encode().decode("latin-1")}
    )
    assert (response.status, response.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.both_ways
@pytest.mark.gen_test
async def test_200_streams_all_start_at_once(chat: Client, upstream):
    streams = await asyncio.gather(*(chat.send(model="hold;say=a") for _ in range(200)))
    await until(lambda: len(upstream.open_streams) == 200)
    upstream.released.set()
    answers = await asyncio.gather(*(stream.read() for stream in streams))
    assert all(answer.text == "a" and answer.end["state"] == "done" for answer in answers)


@pytest.mark.both_ways
@pytest.mark.parametrize("writes", [0, 2])
@pytest.mark.gen_test
async def test_a_bug_after_the_head_ends_one_response_in_good_form(chat, caplog, writes):
    """The reader notices that the `end` is missing and resumes; the answer continues."""
    write, left = ChunkedBody.write, [writes]

    def broken(body, data):
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("a bug")
        return write(body, data)

    id = str(uuid.uuid4())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ChunkedBody, "write", broken)
        answer = await chat.ask(model="gap=0.02;count=5", request_id=id)
    assert answer.response.status == 200 and "bug" not in str(answer)
    assert len(answer.events) == writes
    again = await chat.resume(id, len(answer.events))
    assert len(answer.text + again.text) == 15 and again.end["state"] == "done"
    assert "RuntimeError: a bug" in caplog.text
    caplog.clear()
