"""Several servers over one PostgreSQL, as users and programs meet them: over HTTP, each a process
of its own. A client may send every request to another server.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import tarfile
import time
import uuid
from pathlib import Path

import pytest
from chat.imports.exports import SHOT, chatgpt_archive
from client import Client, until
from process import environ
from spending import AT_THE_EDGE, WITHIN_BUDGET, spend_all
from tornado.iostream import StreamClosedError

pytestmark = pytest.mark.wide

MAIN = Path(__file__).resolve().parent.parent / "main.py"
MIGRATIONS_FILE = "tornado_stream/store/postgres/migrations.py"
PASSWORD = "correct horse battery"


class Server:
    """`python main.py` over a database."""

    def __init__(
        self,
        url: str,
        directory: Path,
        upstream: str,
        port: int = 0,
        main: Path = MAIN,
        **variables: str,
    ) -> None:
        directory.mkdir(exist_ok=True)
        self.log = directory / "log"
        self._command = [sys.executable, str(main), "--data-dir", str(directory)]
        self._command += ["--port", str(port)]
        self._command += ["--base-url", upstream, "--model", "fake", "--no-local"]
        self._environ = environ(TORNADO_STREAM_DATABASE=url, **variables)

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                self._command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environ
            )

    async def client(self) -> Client:
        """Reads the address from what the server prints at its start."""
        readline = self.process.stdout.readline
        line = await asyncio.get_running_loop().run_in_executor(None, readline)
        port = re.search(r"http://localhost:(\d+)/", line)
        assert port, (line, self.log.read_text())
        return Client(int(port[1]))

    def signal(self, number: int) -> None:
        os.kill(self.process.pid, number)

    def close(self) -> None:
        if self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        text = self.log.read_text()
        assert "Traceback" not in text and "ERROR" not in text, text


@pytest.fixture
def start(postgres, upstream, tmp_path):
    """Starts servers over one database."""
    url = postgres.new_database()
    running = []

    def start(count: int, **variables: str) -> list[Server]:
        for number in range(len(running), len(running) + count):
            running.append(Server(url, tmp_path / str(number), upstream.url, **variables))
            running[-1].start()
        return running[-count:]

    start.url = url
    yield start
    for server in running:
        server.close()


async def ask(client: Client, model: str, **more) -> str:
    """Begin an answer, and leave. Returns its id."""
    body = {"message": "hello", "model": model, "request_id": str(uuid.uuid4()), **more}
    reader = await client.open("POST", "/stream", body)
    start = await reader.until("start")
    reader.close()
    return start.data["generation_id"]


async def read(client: Client, id: str, after: int = 0):
    return await client.resume(id, after)


def words(count: int) -> str:
    """What the fake upstream says with `say=word;count=…`."""
    return "word" + "".join(f"t{number} " for number in range(count))


def whole(answer) -> bool:
    """Whether the events have the numbers 1, 2, 3 …"""
    return [event.id for event in answer.events] == list(range(1, len(answer.events) + 1))


@pytest.mark.gen_test
async def test_every_server_serves_resumes_and_stops_every_answer(start):
    first, second = [await server.client() for server in start(2)]
    long = await ask(first, "say=word;gap=0.01;count=20000")
    short = await ask(second, "say=word;gap=0.01;count=200;done")
    answers = await asyncio.gather(read(first, short), read(second, short))
    assert answers[0].text == answers[1].text == words(200)
    assert all(map(whole, answers)) and answers[0].end["state"] == "done"
    reader = asyncio.ensure_future(read(second, long))
    listed = (await second.request("GET", "/api/conversations")).json()["conversations"]
    assert {one["id"]: one["generation_id"] for one in listed} == {
        listed[0]["id"]: None,
        listed[1]["id"]: long,
    }
    shown = await second.request("GET", f"/api/conversations/{listed[1]['id']}")
    assert shown.json()["messages"][-1]["state"] == "running"
    stopped = await second.stop(long)
    assert stopped.json()["state"] == "stopped"
    answer = await reader
    assert answer.end["state"] == "stopped" and whole(answer)
    again = await first.stop(long)
    assert again.json()["state"] == "stopped"


@pytest.mark.gen_test
async def test_the_same_request_at_all_servers_is_one_answer(start, upstream):
    clients = [await server.client() for server in start(3)]
    for _ in range(5):
        body = {
            "message": "hello",
            "model": "say=word;gap=0.01;count=20;done",
            "request_id": str(uuid.uuid4()),
        }
        asked = len(upstream.requests)
        readers = await asyncio.gather(*(one.open("POST", "/stream", body) for one in clients))
        for reader in readers:
            async for _ in reader:
                pass
        assert {reader.answer.text for reader in readers} == {words(20)}
        assert all(whole(reader.answer) for reader in readers)
        assert len(upstream.requests) == asked + 1


@pytest.mark.gen_test
async def test_answers_beside_each_other_run_at_any_server(start, upstream):
    first, second = clients = [await server.client() for server in start(2)]
    reader = await first.open("POST", "/stream", {"message": "hello", "model": "hold;say=one"})
    begun = (await reader.until("start")).data
    home = begun["conversation_id"]
    reader.close()

    def beside(model: str) -> dict:
        more = {"beside": True, "request_id": str(uuid.uuid4()), "model": model}
        parent = begun["user_message_id"]
        return {"message": None, "conversation_id": home, "parent_id": parent, **more}

    same = beside("hold;say=two")
    five = [await clients[n % 2].open("POST", "/stream", same) for n in range(5)]
    ids = [begun["generation_id"]]
    ids += {(await one.until("start")).data["generation_id"] for one in five}
    third = await second.open("POST", "/stream", beside("hold;say=three"))
    ids.append((await third.until("start")).data["generation_id"])
    assert len(ids) == 3
    await until(lambda: len(upstream.requests) == 3)
    for client in clients:
        full = await client.request("POST", "/stream", beside("say=four"))
        assert (full.status, full.json()["error"]["code"]) == (429, "too_many_answers")
        body = {"message": "more", "conversation_id": home}
        busy = await client.request("POST", "/stream", body)
        assert (busy.status, busy.json()["error"]["generation_ids"]) == (409, ids)
        shown = (await client.request("GET", f"/api/conversations/{home}")).json()
        assert (shown["generation_ids"], shown["current_id"]) == (ids, begun["message_id"])
    id = str(uuid.uuid4())
    file = (await second.request("POST", "/api/files?name=a.txt", b"some words")).json()["id"]
    waiting = {"request_id": id, "message": "and then?", "model": "say=then", "files": [file]}
    path = f"/api/conversations/{home}/waiting"
    assert (await first.request("PUT", path, waiting)).json()["generation_id"] is None
    assert (await second.stop(ids[1])).json()["state"] == "stopped"
    upstream.released.set()
    assert [(await read(client, ids[2])).text for client in clients] == ["three", "three"]
    await until(lambda: len(upstream.requests) == 4)
    assert [(await read(client, id)).text for client in clients] == ["then", "then"]
    *before, asked = [m["content"] for m in upstream.requests[3]["messages"]]
    assert before == ["hello", "one"] and "some words" in asked and asked.endswith("and then?")
    used = await first.request("DELETE", f"/api/files/{file}")
    assert used.json()["error"]["code"] == "file_in_use"


@pytest.mark.gen_test
async def test_a_killed_server_leaves_no_answer_running(start):
    servers = start(2)
    first, second = [await server.client() for server in servers]
    ids = [await ask(first, "say=word;gap=0.02;count=20000") for _ in range(5)]
    readers = [asyncio.ensure_future(read(second, id)) for id in ids]
    await asyncio.sleep(0.5)
    servers[0].signal(signal.SIGKILL)
    began = time.monotonic()
    answers = await asyncio.gather(*readers)
    assert {answer.end["state"] for answer in answers} == {"interrupted"}
    assert time.monotonic() - began > 3, "another server has not waited for the lease"
    for id in ids:
        answer = await read(second, id)
        assert answer.end["state"] == "interrupted" and answer.text


@pytest.mark.gen_test
async def test_a_paused_server_does_not_end_its_answers_twice(start):
    servers = start(2)
    first, second = [await server.client() for server in servers]
    id = await ask(first, "say=word;gap=0.02;count=20000")
    remote = asyncio.ensure_future(read(second, id))
    local = await first.open("GET", f"/stream/{id}")
    await local.until("delta")
    servers[0].signal(signal.SIGSTOP)
    answer = await remote
    assert answer.end["state"] == "interrupted"
    servers[0].signal(signal.SIGCONT)
    async for _ in local:
        pass
    assert all(event.name != "end" for event in local.answer.events)
    resumed = await read(first, id, local.answer.events[-1].id)
    assert resumed.end["state"] == "interrupted"
    assert (await read(first, id)).text == answer.text
    again = await read(first, await ask(first, "say=again;done"))
    assert again.end["state"] == "done"


@pytest.mark.gen_test
async def test_a_drained_server_is_replaced_without_a_lost_answer(start):
    """A rolling restart: the new one starts, the old one finishes what it writes."""
    (old,) = start(1)
    first = await old.client()
    (new,) = start(1)
    second = await new.client()
    id = await ask(first, "say=word;gap=0.01;count=200;done")
    old.signal(signal.SIGTERM)
    answer = await read(second, id)
    assert answer.text == words(200) and answer.end["state"] == "done" and whole(answer)
    await until(lambda: old.process.poll() is not None)
    assert old.process.returncode == 0


@pytest.mark.gen_test
async def test_a_server_that_ends_waits_for_the_readers_of_others_answers(start):
    first, second = start(2)
    writer, other = await first.client(), await second.client()
    id = await ask(writer, "say=word;gap=0.01;count=300;done")
    reading = await other.open("GET", f"/stream/{id}")
    await reading.until("delta")
    second.signal(signal.SIGTERM)
    answer = await reading.read()
    assert answer.text == words(300) and answer.end["state"] == "done" and whole(answer)
    await until(lambda: second.process.poll() is not None)
    assert second.process.returncode == 0


@pytest.mark.gen_test
async def test_the_database_may_go_away_for_a_while(start, postgres):
    servers = start(2)
    first, second = [await server.client() for server in servers]
    ids = [await ask(first, "say=word;gap=0.02;count=300;done") for _ in range(5)]
    readers = [asyncio.ensure_future(read(client, id)) for id in ids for client in (first, second)]
    await asyncio.sleep(0.5)
    postgres.kill()
    await asyncio.sleep(1)
    refused = await first.request("POST", "/stream", {"message": "now", "model": "say=x;done"})
    assert refused.status == 503 and refused.json()["error"]["code"] == "not_saved"
    postgres.launch()
    await asyncio.get_running_loop().run_in_executor(None, postgres.wait)
    for answer in await asyncio.gather(*readers):
        assert answer.text == words(300) and answer.end["state"] == "done"
        assert whole(answer)
    for id in ids:
        assert (await read(second, id)).text == words(300)
    assert (await read(first, await ask(first, "say=again;done"))).end["state"] == "done"


@pytest.mark.gen_test
async def test_a_login_counts_at_all_servers_at_once(start):
    servers = start(2, TORNADO_STREAM_PASSWORD=PASSWORD)
    clients = [await server.client() for server in servers]
    for number in range(10):
        here, there = clients if number % 2 else clients[::-1]
        response = await here.request("POST", "/login", {"password": PASSWORD})
        assert response.status == 204, response.body
        session = {"Cookie": response.headers["set-cookie"].partition(";")[0]}
        for client in (there, here):
            assert (await client.request("GET", "/api/models", headers=session)).status == 200
        assert (await there.request("POST", "/logout", {}, session)).status in (200, 204)
        for client in (there, here):
            assert (await client.request("GET", "/api/models", headers=session)).status == 401


@pytest.mark.gen_test
async def test_users_that_a_command_adds_or_removes_count_at_all_servers(start, tmp_path):
    servers = start(2, TORNADO_STREAM_PASSWORD=PASSWORD)
    clients = [await server.client() for server in servers]

    async def command(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, MAIN, "--data-dir", tmp_path / "command", *arguments),
            env=environ(TORNADO_STREAM_DATABASE=start.url),
            stdout=subprocess.PIPE,
        )
        output, _ = await process.communicate()
        assert process.returncode == 0
        return output.decode().strip()

    async def statuses(token: str) -> set[int]:
        headers = {"Authorization": f"Bearer {token}"}
        found = [await one.request("GET", "/api/models", headers=headers) for one in clients]
        return {response.status for response in found}

    async def become(token: str, status: int) -> None:
        for _ in range(600):
            if await statuses(token) == {status}:
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"the servers do not agree on {status}")

    token = await command("--new-token", "anna")
    await become(token, 200)
    await command("--remove-user", "anna")
    await become(token, 401)


@pytest.mark.gen_test
async def test_a_server_without_its_database_says_so_in_one_line(start, tmp_path, upstream):
    url = start.url.rpartition("/")[0].replace("ts@", "ts:correct-horse@") + "/absent"
    server = Server(url, tmp_path / "none", upstream.url)
    server.start()
    await until(lambda: server.process.poll() is not None)
    assert server.process.returncode == 2
    text = server.log.read_text()
    assert "no such database" in text and "correct-horse" not in text
    assert [line for line in text.splitlines() if " INFO " not in line] == [
        "tornado-stream: cannot open the database: the server has no such database; "
        "check --database"
    ]
    server.process.stdout.close()


async def refusal(client: Client, path: str, body: dict, headers: dict | None = None) -> str:
    """The code of a refused request; "" if it was not refused."""
    response = await client.request("POST", path, body, headers)
    return response.json()["error"]["code"] if response.status >= 400 else ""


@pytest.mark.gen_test
async def test_all_servers_count_the_answers_of_a_user(start):
    servers = start(2, TORNADO_STREAM_MAX_ANSWERS_PER_USER="2")
    first, second = [await server.client() for server in servers]
    ids = [await ask(client, "say=word;gap=0.02;count=20000") for client in (first, second)]
    question = {"message": "one more", "model": "say=x;done"}
    for client in (first, second):
        assert await refusal(client, "/stream", question) == "too_many_answers"
        assert await refusal(client, "/stream", question | {"keep": False}) == "too_many_answers"
    await first.stop(ids[1])
    assert (await read(second, await ask(second, "say=x;done"))).text == "x"


@pytest.mark.gen_test
async def test_all_servers_count_the_tries_to_log_in(start):
    clients = [await one.client() for one in start(2, TORNADO_STREAM_PASSWORD=PASSWORD)]
    wrong = {"password": "wrong"}
    codes = [await refusal(clients[number % 2], "/login", wrong) for number in range(7)]
    assert codes == ["wrong_password"] * 5 + ["too_many_tries"] * 2


@pytest.mark.gen_test
async def test_all_servers_count_what_a_user_spends(start, tmp_path):
    config = tmp_path / "tornado-stream.toml"
    config.write_text("[budget]\ntokens = 5\n")
    first, second = [await one.client() for one in start(2, TORNADO_STREAM_CONFIG=str(config))]
    question = {"message": "hello", "model": "say=x;usage=7;done"}
    assert await refusal(second, "/stream", question | {"model": "say=x;done"}) == ""
    assert await refusal(first, "/stream", question) == ""
    assert await refusal(first, "/stream", question) == "budget_reached"
    assert await refusal(second, "/stream", question) == "budget_reached"  # at once


@pytest.mark.gen_test(timeout=240)
async def test_no_more_answers_exceed_a_budget_than_were_running(start, tmp_path):
    config = tmp_path / "tornado-stream.toml"
    config.write_text(f"[budget]\ntokens = {2 * WITHIN_BUDGET}\n")
    clients = [await one.client() for one in start(2, TORNADO_STREAM_CONFIG=str(config))]
    whole = await spend_all(clients)
    assert WITHIN_BUDGET <= whole <= WITHIN_BUDGET + AT_THE_EDGE


@pytest.mark.gen_test
async def test_a_shared_link_is_read_and_taken_back_at_every_server(start):
    clients = [await one.client() for one in start(2, TORNADO_STREAM_SHARING="1")]
    first, second = clients
    id = await ask(first, "say=word;hold")
    listed = (await first.request("GET", "/api/conversations")).json()["conversations"]
    address = f"/api/conversations/{listed[0]['id']}"
    leaf = (await first.request("GET", address)).json()["current_id"]
    made = await first.request("POST", f"{address}/shares", {"leaf_id": leaf, "live": True})
    link = "/s/" + made.json()["url"].rpartition("/s/")[2]
    readers = [await client.open("GET", f"{link}/stream/{id}") for client in clients]
    for reader in readers:
        await reader.until("delta")
    share = made.json()["id"]
    assert (await first.request("DELETE", f"/api/shares/{share}")).status == 204
    began = time.monotonic()
    for reader in readers:
        with pytest.raises(StreamClosedError):
            await reader.until("end")
    print(f"closed at both servers {time.monotonic() - began:.2f} s after the link was revoked")
    for client in clients:
        assert (await client.request("GET", link)).status == 404
    wrong = [(await clients[n % 2].request("GET", f"/s/{n}")).status for n in range(30)]
    assert wrong.count(404) == 18 and set(wrong) == {404, 429}  # two were wrong before
    await second.stop(id)


@pytest.mark.gen_test
async def test_an_import_brings_its_pictures_along(start, tmp_path):
    (server,) = start(1)
    client = await server.client()
    export = chatgpt_archive(tmp_path / "x.zip").read_bytes()
    for imported, known in [(6, 0), (0, 6)]:
        id = (await client.request("POST", "/api/imports?name=x.zip", export)).json()["id"]
        path, about = f"/api/imports/{id}", {"state": "reading"}
        while about["state"] == "reading":
            about = (await client.request("GET", path)).json()
        assert (about["imported"], about["known"], about["skipped"]) == (imported, known, [])
        listed = (await client.request("GET", "/api/conversations")).json()["conversations"]
        for row in listed:
            messages = (await client.request("GET", f"/c/{row['id']}.json")).json()["messages"]
            (file,) = [file for message in messages for file in message["files"]]
            assert (await client.request("GET", f"/api/files/{file['id']}")).body == SHOT
        assert len(listed) == 6
    assert (await client.request("GET", "/api/files")).json() == {"files": []}


@pytest.fixture
def version_before(tmp_path) -> Path:
    """`main.py` of the last version with an older schema, as git has it."""
    from tornado_stream.store.postgres.migrations import MIGRATIONS

    names = [name for name, _ in MIGRATIONS]
    commits = git("log", "--first-parent", "--format=%H", "--", MIGRATIONS_FILE).decode().split()
    for commit in commits:
        text = git("show", f"{commit}:{MIGRATIONS_FILE}").decode()
        before = re.findall(r'^    \("(\w+)", ', text, re.MULTILINE)
        if 0 < len(before) < len(names) and before == names[: len(before)]:
            break
    else:
        pytest.skip("git does not have a version with an older schema")
    archive = git("archive", commit, "main.py", "tornado_stream")
    folder = tmp_path / "before"
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder / "main.py"


def git(*arguments: str) -> bytes:
    """What git says; nothing where it is not there, or does not know."""
    try:
        command = ["git", "-C", str(MAIN.parent), *arguments]
        return subprocess.run(command, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return b""


@pytest.mark.gen_test
async def test_two_versions_serve_side_by_side(start, tmp_path, upstream, version_before):
    old = Server(start.url, tmp_path / "old", upstream.url, main=version_before)
    old.start()
    first = await old.client()
    asked = await ask(first, "say=word;gap=0.01;count=600;done")
    (new,) = start(1)  # changes the schema under the old one
    second = await new.client()
    clients, count = [first, second], 0

    async def person(number: int) -> None:
        nonlocal count
        until = time.monotonic() + 5
        while time.monotonic() < until:
            here, there = clients[number % 2], clients[(number + 1) % 2]
            id = await ask(here, "say=word;gap=0.01;count=40;done")
            answers = await asyncio.gather(read(here, id), read(there, id))
            assert all(answer.text == words(40) and whole(answer) for answer in answers)
            long = await ask(there, "say=word;gap=0.01;count=20000")
            assert (await here.stop(long)).json()["state"] == "stopped"
            number, count = number + 1, count + 1

    await asyncio.gather(*map(person, range(4)))
    for client in clients:
        assert (await read(client, asked)).text == words(600)
    left = await ask(first, "say=word;gap=0.01;count=200;done")
    old.signal(signal.SIGTERM)
    assert (await read(second, left)).text == words(200)
    await until(lambda: old.process.poll() is not None)
    assert old.process.returncode == 0 and count >= 4
    old.close()
