"""Processes that take over from each other: `python main.py` and `python main.py --replace`."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import socket
import uuid
from contextlib import suppress

import pytest
from client import read_body, read_head, until
from deadlines import LONG, at_most
from tornado.iostream import StreamClosedError

from tornado_stream.handover.offer import CONTROL, PROTOCOL, door_of, lock_holder
from tornado_stream.net.passing import call, connect
from tornado_stream.store.migrations import MIGRATIONS, NOT_ADDITIVE

#: An answer that waits for `upstream.released`, and its text.
SLOW, TEXT = "say=a ;say=b ;hold;count=40", "a b " + "".join(f"t{number} " for number in range(40))
TAKE = {"take": PROTOCOL, "schema": len(MIGRATIONS), "not_additive": NOT_ADDITIVE}


def ask(fleet, message: str = "hi", **more) -> tuple[str, dict]:
    id = str(uuid.uuid4())
    return id, {"message": message, "model": SLOW, "request_id": id, **more}


async def get(stream, fleet, path: str = "/healthz"):
    """One request on a connection that is open."""
    await stream.write(fleet.client.encode("GET", path, None, {}))
    response = await read_head(stream)
    response.body = await read_body(stream, response)
    return response


@pytest.mark.gen_test(timeout=120)
async def test_the_old_process_serves_its_answers_to_the_end(fleet, upstream):
    """Read on, resumed, asked again and stopped: each request comes to the process that writes."""
    first = await fleet.start()
    (one, body), (two, _) = ask(fleet), ask(fleet)
    reading = asyncio.ensure_future((await fleet.client.open("POST", "/stream", body)).read())
    stopped = await fleet.client.open("POST", "/stream", {**body, "request_id": two})
    second = await fleet.replace()
    os.kill(second.pid, signal.SIGSTOP)  # what the first one serves goes on without the second
    await stopped.until("delta")
    os.kill(second.pid, signal.SIGCONT)
    resumed = asyncio.ensure_future(fleet.client.resume(one, after=2))
    again = asyncio.ensure_future((await fleet.client.open("POST", "/stream", body)).read())
    reused = await fleet.client.request("POST", "/stream", {**body, "message": "another"})
    assert (reused.status, reused.json()["error"]["code"]) == (409, "request_id_reused")
    busy = {"message": "b", "conversation_id": (await reading_start(fleet, one))["conversation_id"]}
    response = await fleet.client.request("POST", "/stream", busy)
    assert (response.status, response.json()["error"]["generation_id"]) == (409, one)
    response = await fleet.client.stop(two)
    assert (response.status, response.json()["state"]) == (200, "stopped")
    assert [event.name for event in (await stopped.read()).events][-1] == "end"
    upstream.released.set()
    for answer in (await reading, await again):
        assert (answer.text, answer.end["state"]) == (TEXT, "done")
        assert [event.id for event in answer.events] == list(range(1, len(answer.events) + 1))
    assert [event.id for event in (await resumed).events][0] == 3
    assert await fleet.end_of(first) == 0
    assert len(upstream.requests) == 2
    assert (await fleet.client.resume(one)).text == TEXT  # from the store
    assert second.poll() is None and "Traceback" not in fleet.logged()


async def reading_start(fleet, id: str) -> dict:
    stream = await fleet.client.open("GET", f"/stream/{id}")
    event = await stream.until("start")
    stream.close()
    return event.data


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_three_in_a_row_each_with_answers(fleet, upstream):
    processes, answers, ids = [await fleet.start()], [], []
    for _ in range(3):
        id, body = ask(fleet)
        ids.append(id)
        answers.append(await fleet.client.open("POST", "/stream", body))
        processes.append(await fleet.replace())
    upstream.released.set()
    resumed = await asyncio.gather(*map(fleet.client.resume, ids))
    read = await asyncio.gather(*(answer.read() for answer in answers))
    assert {(answer.text, answer.end["state"]) for answer in (*read, *resumed)} == {(TEXT, "done")}
    for process in processes[:3]:
        assert await fleet.end_of(process) == 0
    assert len(upstream.requests) == 3
    assert os.readlink(fleet.data / CONTROL).startswith("control-")
    names = {path.name for path in fleet.data.iterdir()}
    assert len([name for name in names if name.startswith(("instance-", "control-"))]) == 2


@pytest.mark.gen_test(timeout=240)
async def test_idle_connections_are_passed(fleet):
    first = await fleet.start()
    streams = []
    for _ in range(1000 if LONG else 200):
        streams.append(await fleet.client.connect())
        if len(streams) % 2:
            assert (await get(streams[-1], fleet)).status == 200
        elif len(streams) % 4 == 2:  # the half of a head
            await streams[-1].write(b"GET /healthz HTTP/1.1\r\nHo")
    await fleet.replace()
    assert await fleet.end_of(first) == 0
    for number, stream in enumerate(streams, 1):
        if number % 4 == 2:
            await stream.write(b"st: localhost\r\n\r\n")
            assert (await read_head(stream)).status == 200
        else:
            assert (await get(stream, fleet)).status == 200
        stream.close()


@pytest.mark.gen_test(timeout=120)
async def test_a_slow_upload_goes_on_across_a_hand_over(fleet, upstream):
    first = await fleet.start()
    id, body = ask(fleet)
    request = fleet.client.encode("POST", "/stream", {**body, "message": "x" * 50_000}, {})
    stream = await fleet.client.connect()
    await stream.write(request[:20_000])
    await until(lambda: os.path.exists(fleet.data / CONTROL))
    await fleet.replace()
    for start in range(20_000, len(request), 10_000):
        await asyncio.sleep(0.05)
        await stream.write(request[start : start + 10_000])
    assert (await read_head(stream)).status == 200
    upstream.released.set()
    assert (await fleet.client.resume(id)).text == TEXT
    stream.close()
    assert await fleet.end_of(first) == 0
    assert len(upstream.requests) == 1


@pytest.mark.gen_test(timeout=120)
async def test_the_successor_dies_at_each_step(fleet, upstream):
    """Until it is ready it has got nothing; later the one before leads again."""
    first = await fleet.start()
    id, body = ask(fleet)
    reading = await fleet.client.open("POST", "/stream", body)
    stream = await fleet.client.connect()
    for steps in range(4):
        channel = connect(fleet.data / CONTROL, 5)
        if steps:
            answer, descriptors = call(channel, TAKE)
            assert "refused" not in answer and len(descriptors) >= 2
            refused, _ = call(other := connect(fleet.data / CONTROL, 5), TAKE)
            assert refused["refused"].endswith("taking over from it now")
            other.close()
            for descriptor in descriptors:
                os.close(descriptor)
        if steps == 2:
            channel.send(b"not JSON")
        if steps == 3:
            answer, _ = call(channel, {"ready": "0123456789abcdef"})
            assert answer["go"] is True
        channel.close()
        assert (await get(stream, fleet)).status == 200
        assert (await fleet.client.request("GET", "/readyz")).status == 200
    second = await fleet.replace()  # and a real one
    os.kill(second.pid, signal.SIGKILL)
    await fleet.end_of(second)
    assert (await fleet.client.request("GET", "/readyz")).status == 200
    upstream.released.set()
    answer = await fleet.client.resume(id, after=3)
    assert answer.end["state"] == "done"
    assert (await reading.read()).end["state"] == "done"
    assert first.poll() is None and "leads again" in fleet.logged()
    await fleet.replace()
    assert await fleet.end_of(first) == 0


@pytest.mark.wide
@pytest.mark.gen_test(timeout=600)
async def test_the_successor_dies_at_any_moment(fleet, upstream):
    """There is a server all the time, and the old process keeps its answers."""
    rng = random.Random(9)
    first = await fleet.start()
    id, body = ask(fleet)
    reading = await fleet.client.open("POST", "/stream", body)
    for _ in range(60 if LONG else 4):
        successor = fleet.spawn("--port", str(fleet.client.port), "--replace")
        await asyncio.sleep(rng.uniform(0.3, 1.0))
        successor.kill()
        successor.wait()
        assert (await fleet.client.request("GET", "/readyz")).status == 200
        stream = await fleet.client.open("GET", f"/stream/{id}")
        assert (await stream.until("delta")).data["content"].startswith("a ")
        stream.close()
        assert first.poll() is None
    upstream.released.set()
    assert (await reading.read()).text == TEXT
    await fleet.replace()
    assert await fleet.end_of(first) == 0
    assert len(upstream.requests) == 1 and "Traceback" not in fleet.logged()


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_of_two_that_lead_again_one_is_left(fleet, upstream):
    """Two processes still write answers when the one that leads dies. Later all hand over again."""
    processes, answers = [await fleet.start()], []
    for _ in range(2):
        answers.append(await fleet.client.open("POST", "/stream", ask(fleet)[1]))
        processes.append(await fleet.replace())
    processes[-1].kill()
    await fleet.end_of(processes[-1])
    await until(lambda: fleet.logged().count("leads again"))
    for _ in range(20):
        assert (await fleet.client.request("GET", "/readyz")).status == 200
        await asyncio.sleep(0.1)
    last = await fleet.replace()
    upstream.released.set()
    for answer in answers:
        assert (await answer.read()).text == TEXT
    for process in processes[:2]:
        assert await fleet.end_of(process) == 0
    assert (await fleet.client.request("GET", "/readyz")).status == 200
    assert last.poll() is None


@pytest.mark.timed
@pytest.mark.gen_test(timeout=120)
async def test_the_old_process_dies_with_its_answers(fleet, upstream):
    first = await fleet.start()
    ids = []
    for _ in range(5):
        id, body = ask(fleet)
        ids.append(id)
        await (await fleet.client.open("POST", "/stream", {**body, "model": "say=a ;hold"})).until(
            "start"
        )
    await fleet.replace()
    id, body = ask(fleet)
    mine = await fleet.client.open("POST", "/stream", body)
    stopped = await fleet.client.stop(ids[0])
    assert stopped.json()["state"] == "stopped"
    first.kill()
    first.wait()
    loop = asyncio.get_running_loop()
    killed = loop.time()
    states = [(await fleet.client.resume(id)).end["state"] for id in ids]
    assert loop.time() - killed < at_most(0.5)
    assert states == ["stopped", *["interrupted"] * 4]
    upstream.released.set()
    assert (await mine.read()).end["state"] == "done"
    assert len(upstream.requests) == 6


@pytest.mark.wide
@pytest.mark.gen_test(timeout=600)
async def test_the_old_process_dies_at_any_moment_of_a_hand_over(fleet):
    """Whatever the moment, there is a server afterwards, and nothing that ended is lost."""
    rng = random.Random(7)
    for _ in range(60 if LONG else 3):
        process = await fleet.start()
        id, body = ask(fleet)
        ended = await fleet.client.ask("hi", model="say=whole;done", request_id=id)
        successor = fleet.spawn("--port", str(fleet.client.port), "--replace")
        await asyncio.sleep(rng.uniform(0.2, 0.9))
        process.kill()
        process.wait()
        await fleet.serves(successor)
        assert (await fleet.client.request("GET", "/readyz")).status == 200
        assert (await fleet.client.resume(id)).text == ended.text
        successor.terminate()
        assert await fleet.end_of(successor) == 0
    assert "Traceback" not in fleet.logged()


@pytest.mark.gen_test(timeout=120)
async def test_a_leader_that_is_stopped_ends_those_before_it(fleet, upstream):
    first = await fleet.start("--drain-timeout", "20")
    _, body = ask(fleet)
    reading = await fleet.client.open("POST", "/stream", body)
    second = await fleet.start("--replace", "--drain-timeout", "20")
    second.terminate()
    await until(lambda: fleet.logged().count("draining: 1 answers"))
    refused = await fleet.client.request("POST", "/stream", ask(fleet)[1])
    assert refused.json()["error"]["code"] == "draining"
    assert first.poll() is second.poll() is None  # it waits for the one before it
    upstream.released.set()
    assert (await reading.read()).end["state"] == "done"
    assert await fleet.end_of(first) == await fleet.end_of(second) == 0
    with pytest.raises(OSError):
        await fleet.client.connect()
    assert lock_holder(fleet.data) is None


@pytest.mark.gen_test(timeout=120)
async def test_a_signal_begins_a_hand_over(fleet, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        first = fleet.spawn("--port", "0", NOTIFY_SOCKET=str(tmp_path / "notify"))
        await fleet.serves(first)
        port = fleet.client.port
        os.kill(first.pid, signal.SIGUSR2)
        told = dict(line.split("=") for line in manager.recv(999).decode().splitlines())
    pid = int(told["MAINPID"])
    try:
        assert await fleet.end_of(first) == 0
        fleet.client.port = port
        assert (await fleet.client.request("GET", "/readyz")).status == 200
        assert lock_holder(fleet.data) == pid != first.pid
    finally:
        with suppress(OSError):
            os.kill(pid, signal.SIGTERM)
    await until(lambda: lock_holder(fleet.data) is None)


@pytest.mark.wide
@pytest.mark.gen_test(timeout=120)
async def test_a_session_of_one_process_counts_in_the_other(fleet, upstream):
    """Also one that began while the other was taking over."""
    fleet._arguments += ["--allow-anyone"]
    variables = {"TORNADO_STREAM_PASSWORD": "correct horse"}
    first = fleet.spawn("--port", "0", **variables)
    await fleet.serves(first)

    async def log_in() -> dict[str, str]:
        response = await fleet.client.request("POST", "/login", {"password": "correct horse"})
        assert response.status in (200, 204), response
        return {"Cookie": response.headers["set-cookie"].partition(";")[0]}

    before = await log_in()
    id, body = ask(fleet)
    reading = await fleet.client.open("POST", "/stream", body, before)
    successor = fleet.spawn("--port", str(fleet.client.port), "--replace", **variables)
    cookies = [before]
    while not fleet.logged().count("another process has taken over"):
        cookies.append(await log_in())
    await fleet.serves(successor)
    cookies.append(await log_in())
    for cookie in cookies:
        assert (await fleet.client.request("GET", "/api/models", None, cookie)).status == 200
    stream = await fleet.client.open("GET", f"/stream/{id}", None, cookies[-1])
    upstream.released.set()
    assert (await stream.read()).text == TEXT
    assert (await reading.read()).text == TEXT
    assert await fleet.end_of(first) == 0


@pytest.mark.gen_test(timeout=60)
async def test_a_hand_over_gives_nobody_more_tries(fleet):
    variables = {"TORNADO_STREAM_PASSWORD": "correct horse"}
    first = fleet.spawn("--port", "0", **variables)
    await fleet.serves(first)
    wrong = "POST", "/login", {"password": "wrong"}
    while (response := await fleet.client.request(*wrong)).status != 429:
        assert response.status == 401
    successor = fleet.spawn("--port", str(fleet.client.port), "--replace", **variables)
    await fleet.serves(successor)
    # The wait may be over meanwhile. Then there is one try, and not the five of a new start.
    tries = [await fleet.client.request(*wrong) for _ in range(2)]
    assert 429 in [response.status for response in tries]
    assert await fleet.end_of(first) == 0


@pytest.mark.gen_test(timeout=60)
async def test_another_process_cannot_lead_without_being_asked(fleet):
    await fleet.start()
    channel = connect(fleet.data / CONTROL, 5)
    assert "refused" in call(channel, {"ready": "0123456789abcdef"})[0]
    assert "refused" in call(channel, {"connection": True})[0]
    assert "refused" in call(channel, {"what": 1})[0]
    assert call(channel, {"ends": True})[0] == {"answers": 0}
    assert (await fleet.client.ask("hi", model="say=1;done")).text == "1"
    channel.close()
    (door,) = fleet.data.glob("control-*.sock")
    assert door == door_of(fleet.data, door.stem.removeprefix("control-"))
    assert door.stat().st_mode & 0o777 == 0o600


@pytest.mark.wide
@pytest.mark.gen_test(timeout=60)
async def test_pipelined_requests_behind_a_passed_one_are_answered(fleet, upstream):
    await fleet.start()
    id, body = ask(fleet)
    reading = await fleet.client.open("POST", "/stream", body)
    await fleet.replace()
    stream = await fleet.client.connect()
    encode = fleet.client.encode
    first = encode("GET", f"/stream/{id}?after=3", None, {})
    await stream.write(first + encode("GET", "/healthz", None, {}) * 3)
    upstream.released.set()
    assert (await read_head(stream)).status == 200
    chunks = b""
    while not chunks.endswith(b"0\r\n\r\n"):
        chunks += await stream.read_until(b"\r\n")
        if chunks.endswith(b"\r\n0\r\n"):
            chunks += await stream.read_bytes(2)
    assert b"event: end" in chunks
    for _ in range(3):
        response = await read_head(stream)
        assert response.status == 200
        json.loads(await read_body(stream, response))
    assert (await reading.read()).text == TEXT
    with suppress(StreamClosedError):
        stream.close()


@pytest.mark.gen_test(timeout=120)
async def test_a_temporary_answer_is_found_in_the_process_that_has_it(fleet, upstream):
    """It is in no store: also the same request sent again finds it, and the model is asked once."""
    first = await fleet.start()
    id, body = ask(fleet, keep=False)
    reading = await fleet.client.open("POST", "/stream", body)
    await fleet.replace()
    resumed = await fleet.client.open("GET", f"/stream/{id}?after=1")
    again = await fleet.client.open("POST", "/stream", body)
    missing = str(uuid.uuid4())
    assert (await fleet.client.request("GET", f"/stream/{missing}")).status == 404
    upstream.released.set()
    for stream in (reading, resumed, again):
        assert (await stream.read()).text == TEXT
    assert len(upstream.requests) == 1
    assert await fleet.end_of(first) == 0


@pytest.mark.gen_test(timeout=120)
async def test_items_of_responses_are_known_while_the_old_process_lives_and_after(fleet, upstream):
    first = await fleet.start()
    id, body = ask(fleet)
    running = await fleet.client.open("POST", "/stream", body)  # for this one the old one lives on
    await running.until("delta")
    output = []
    for text in ("one", "two"):
        asked = {"model": f"say={text}", "input": "hi"}
        output += (await fleet.client.request("POST", "/v1/responses", asked)).json()["output"]
    await fleet.replace()

    async def refer(number: int) -> str:
        reference = {"type": "item_reference", "id": output[number]["id"]}
        asked = {"model": "fake", "input": [reference, {"role": "user", "content": "and?"}]}
        response = await fleet.client.request("POST", "/v1/responses", asked)
        assert response.status == 200, response
        return upstream.requests[-1]["messages"][0]["content"]

    assert first.poll() is None and await refer(0) == "one"
    upstream.released.set()
    await running.read()
    assert await fleet.end_of(first) == 0
    assert await refer(1) == "two"


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.gen_test(timeout=120)
async def test_a_programs_call_that_is_repeated_finds_its_answer(fleet, upstream, stream):
    """With its body, which may be large; the model is asked once."""
    first = await fleet.start()
    content = "what is the answer? " * 20_000
    body = {"model": SLOW, "stream": stream, "messages": [{"role": "user", "content": content}]}
    call = "POST", "/v1/chat/completions", body, {"Idempotency-Key": "k1"}
    before = asyncio.ensure_future(fleet.client.request(*call))
    await until(lambda: upstream.requests)
    await fleet.replace()
    after = asyncio.ensure_future(fleet.client.request(*call))
    other = await fleet.client.request(*call[:2], body | {"stop": "x"}, call[3])
    assert (other.status, other.json()["error"]["code"]) == (409, "idempotency_key_reused")
    upstream.released.set()
    first_response, second = await before, await after
    assert second.status == 200 and second.body == first_response.body
    assert second.headers["idempotency-replayed"] == "true"
    assert len(upstream.requests) == 1
    assert await fleet.end_of(first) == 0


@pytest.mark.gen_test(timeout=120)
async def test_a_question_waits_for_the_answer_of_the_other_process(fleet, upstream):
    """Whether it began to wait before the hand-over or after it, it is asked once."""
    first = await fleet.start()
    answers, waiting = [], []

    async def put(start: dict) -> None:
        path = f"/api/files?name={len(waiting)}.txt"
        file = (await fleet.client.request("POST", path, b"words %d" % len(waiting))).json()
        question = {"message": "next", "model": "say=next;done", "request_id": str(uuid.uuid4())}
        question["files"] = [file["id"]]
        path = f"/api/conversations/{start['conversation_id']}/waiting"
        response = await fleet.client.request("PUT", path, question | {"version": 0})
        assert (response.status, response.json()["held"]) == (200, None), response
        waiting.append((path, question["request_id"]))

    for _ in range(2):
        id, body = ask(fleet)
        answers.append(await fleet.client.open("POST", "/stream", body))
    await put((await answers[0].until("start")).data)
    await fleet.replace()
    await put((await answers[1].until("start")).data)
    shown = await fleet.client.request("GET", waiting[0][0].removesuffix("/waiting"))
    assert shown.json()["waiting"]["held"] is None
    assert [file["name"] for file in shown.json()["waiting"]["files"]] == ["0.txt"]
    upstream.released.set()
    for _, id in waiting:
        while (await fleet.client.request("GET", f"/stream/{id}?live=0")).status != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        assert (await fleet.client.resume(id)).text == "next"
    asked = [str(request["messages"][-1]["content"]) for request in upstream.requests]
    assert sorted(text.partition("words ")[2][:1] for text in asked) == ["", "", "0", "1"]
    assert await fleet.end_of(first) == 0
