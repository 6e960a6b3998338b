"""The files of a store: the same tests for SQLite, PostgreSQL and the oracle in memory."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tornado_stream.store import files, open_store, search
from tornado_stream.store.base import Progress, StoreError, WaitingQuestion
from tornado_stream.values.calls import Call
from tornado_stream.values.costs import TOKEN_LENGTH
from tornado_stream.values.errors import Conflict, NotFound, TooLarge
from tornado_stream.values.files import ReadText, StoredFile
from tornado_stream.values.messages import Conversation, Message

from .answers import converse, frame, listed, new_answer


class Placed:
    """The bytes that have a name, as `place` and `remove` of a store change them."""

    def __init__(self) -> None:
        self.there: set[str] = set()

    async def add(self, store, name: str = "a.txt", sum: str = "", at: int = 1, **more):
        sum = sum or name * 3
        state, most = more.pop("state", "ready"), more.pop("most", 0)
        answer = more.pop("answer", None)
        file = StoredFile(
            f"id of {name} at {at} by {store.owner}",
            *(sum, name, 10, "text/plain", "text", at),
            **({"state": state} | more),
        )
        return await store.add_file(file, lambda: self.there.add(sum), most=most, answer=answer)

    async def remove(self, store, *also: str) -> int:
        return await store.remove_bytes(self.there.discard, also)


@pytest.fixture
def placed() -> Placed:
    return Placed()


def with_files(*some: StoredFile, number: int = 1, **more):
    """A turn whose question has these files."""
    new = new_answer(number, **more)
    question = replace(new.messages[0], files=[one.in_message() for one in some], created_at=5)
    return replace(new, messages=(question,))


@pytest.mark.gen_test
async def test_a_file_comes_back_as_it_was(store, placed):
    file = await placed.add(store)
    assert await store.file(file.id) == file
    assert await store.files([file.id, "none", file.id]) == [file, file]
    assert await store.file("none") is None
    assert await store.file_bytes() == 10
    other = store.for_owner("other")
    assert await other.file(file.id) is None
    assert await other.files([file.id]) == []
    assert await other.file_bytes() == 0
    assert await other.unused_files() == []


@pytest.mark.gen_test
async def test_the_same_bytes_are_one_file(store, placed):
    file = await placed.add(store, "a.txt", sum="s", state="failed", detail="why", pages=3)
    again = await placed.add(store, "b.txt", sum="s", at=7, state="reading")
    assert again == replace(file, name="b.txt", uploaded_at=7, state="reading", detail="")
    assert await store.file(file.id) == again
    ready = await placed.add(store.for_owner("other"), "c.txt", sum="s")
    assert ready.id != file.id  # of another owner, with the same bytes
    assert await store.known_bytes(["s", "t"]) == {"s"}


@pytest.mark.gen_test
async def test_an_owner_has_so_many_bytes(store, placed):
    await placed.add(store, "a.txt", most=15)
    with pytest.raises(TooLarge) as error:
        await placed.add(store, "b.txt", most=15)
    assert error.value.code == "files_full"
    assert placed.there == {"a.txt" * 3}
    await placed.add(store, "a.txt", most=15)  # the same bytes take no more room
    await placed.add(store.for_owner("other"), "b.txt", most=15)


@pytest.mark.gen_test
async def test_a_file_whose_bytes_get_no_name_is_not_stored(store):
    def place() -> None:
        raise OSError

    file = StoredFile("f", "s", "a.txt", 10, "text/plain", "text", 1)
    with pytest.raises(Exception):  # noqa: B017  (StoreError, or what `place` raises)
        await store.add_file(file, place)
    assert await store.file("f") is None


@pytest.mark.gen_test
async def test_the_text_comes_later(store, placed):
    file = await placed.add(store, state="reading")
    assert await store.unread_files() == [(store.owner, file)]
    assert await store.file_texts([file.id]) == {}
    await store.for_owner("other").save_file_text(file.id, ReadText("theirs"), 1)
    await store.save_file_text(file.id, ReadText("words", "", 9, 2, True), 3)
    await store.save_file_text(file.id, ReadText("", "again"), 4)  # it is not read any more
    read = replace(file, state="ready", tokens=3, pages=9, pages_read=2, shortened=True)
    assert await store.file(file.id) == read
    assert await store.file_texts([file.id, "none"]) == {file.id: "words"}
    assert await store.for_owner("other").file_texts([file.id]) == {}
    assert await store.unread_files() == []
    damaged = await placed.add(store, "b.pdf", state="reading")
    await store.save_file_text(damaged.id, ReadText("", "It is damaged."), 0)
    assert await store.file(damaged.id) == replace(damaged, state="failed", detail="It is damaged.")


@pytest.mark.gen_test
async def test_a_message_keeps_its_files(store, placed):
    first, second, third = [await placed.add(store, name, at=2) for name in ("a", "b", "c")]
    assert await store.unused_files() == [third, second, first]
    assert await store.unused_files(1) == [third]
    await store.begin(with_files(second, first))
    assert await store.unused_files() == [third]
    message = await store.message("u1")
    assert message.files == [second.in_message(), first.in_message()]
    assert [m.files for m in await store.thread("a1")] == [message.files, []]
    for gone in (store.for_owner("other"), store):
        with pytest.raises(NotFound if gone is not store else Conflict) as error:
            await gone.delete_file(first.id)
        assert error.value.code in ("file_not_found", "file_in_use")
    await store.delete_file(third.id)
    assert await store.file(third.id) is None
    assert await placed.remove(store) == 1
    assert placed.there == {first.sha256, second.sha256}
    assert await placed.remove(store) == 0


@pytest.mark.gen_test
async def test_no_message_begins_with_a_file_that_is_not_there(store, placed):
    theirs = await placed.add(store.for_owner("other"))
    for file in (theirs, replace(theirs, id="none")):
        with pytest.raises(NotFound) as error:
            await store.begin(with_files(file))
        assert error.value.code == "file_not_found"
    assert await store.conversation("c") is None


@pytest.mark.gen_test
async def test_files_go_with_their_last_conversation(store, placed):
    both, one, fresh = [await placed.add(store, name) for name in ("both", "one", "fresh")]
    await store.begin(with_files(both, one, fresh, home="c1"))
    await store.begin(with_files(both, number=2, home="c2"))
    await placed.add(store, "fresh", at=6)  # for a draft, after the question
    await store.delete("c1")
    assert await store.file(one.id) is None
    assert await store.file(both.id)
    assert [file.id for file in await store.unused_files()] == [fresh.id]
    await placed.remove(store)
    assert placed.there == {both.sha256, fresh.sha256}
    await store.delete("c2")
    await placed.remove(store)
    assert placed.there == {fresh.sha256}


@pytest.mark.gen_test
async def test_unused_files_are_deleted_after_a_time(store, placed):
    used = await placed.add(store, "used", at=1)
    await store.begin(with_files(used))
    await placed.add(store, "old", at=1)
    await placed.add(store.for_owner("other"), "old too", at=1)
    new = await placed.add(store, "new", at=2)
    assert await store.delete_unused_files(2) == 2
    assert await store.delete_unused_files(2) == 0
    await placed.remove(store)
    assert placed.there == {used.sha256, new.sha256}


@pytest.mark.gen_test
async def test_pictures_in_the_results_of_calls_are_used_by_an_adopted_answer(store, placed):
    asked, drawn = await placed.add(store, "asked"), await placed.add(store, "drawn")
    result = {"text": "", "structured": None, "sources": [], "shortened": False}
    result["files"] = [drawn.in_message(), asked.in_message()]
    part = Call(0, "c", "draw", "s", "{}", "done", result=result).to_part()
    question = Message("x-u", "x", None, "user", "?", 1, files=[asked.in_message()])
    answer = Message("x-a", "x", "x-u", "assistant", "", 2, state="done", parts=[part])
    conversation = Conversation("x", "title", None, "x-a", 1, 2)
    assert await store.adopt(conversation, [question, answer])
    assert await store.messages("x") == [question, answer] and await store.unused_files() == []
    with pytest.raises(Conflict):
        await store.delete_file(drawn.id)
    await store.delete("x")
    await placed.remove(store)
    assert placed.there == set()


@pytest.mark.gen_test
async def test_a_waiting_question_has_files_until_it_is_asked(store, placed):
    first, second, third = [await placed.add(store, name) for name in ("a", "b", "c")]
    await store.begin(new_answer())
    conversation = await store.conversation("c")
    asked = WaitingQuestion("c", "g2", 0, "second", None, {}, (second.id, first.id))
    stored = await store.put_waiting(asked)
    assert stored == replace(asked, version=1) == await store.put_waiting(asked)
    assert await store.waiting("c") == stored
    assert await store.unused_files() == [third]
    with pytest.raises(Conflict) as error:
        await store.delete_file(first.id)
    assert error.value.code == "file_in_use"
    assert await store.delete_unused_files(2) == 1
    turn = {"parent": "a1", "conversation": conversation, "text": "second", "number": 2}
    for other in ([], [first, second], [second]):
        with pytest.raises(Conflict) as error:
            await store.begin(with_files(*other, **turn))
        assert error.value.code == "changed_meanwhile"
    assert await store.waiting("c") == stored
    await store.begin(with_files(second, first, **turn))
    assert await store.waiting("c") is None
    assert [file["id"] for file in (await store.message("u2")).files] == [second.id, first.id]
    assert await store.unused_files() == []


@pytest.mark.gen_test
async def test_no_question_waits_with_a_file_that_is_not_there(store, placed):
    await store.begin(new_answer())
    mine = await placed.add(store)
    theirs = await placed.add(store.for_owner("other"), "theirs")
    for file in (theirs.id, "none"):
        with pytest.raises(NotFound) as error:
            await store.put_waiting(WaitingQuestion("c", "g2", 0, "", None, {}, (mine.id, file)))
        assert error.value.code == "file_not_found"
    assert await store.waiting("c") is None
    assert await store.unused_files() == [mine]


@pytest.mark.gen_test
async def test_files_that_a_waiting_question_loses_are_new(store, placed):
    """They may belong to a draft again, for which a file is kept for a day."""
    await store.begin(new_answer())
    one, two = await placed.add(store, "a"), await placed.add(store, "b")
    question = WaitingQuestion("c", "g2", 0, "", None, {}, (one.id, two.id))
    question = await store.put_waiting(question)
    question = await store.put_waiting(replace(question, files=(two.id,)))
    assert [file.id for file in await store.unused_files()] == [one.id]
    assert question.files == (two.id,) == (await store.waiting("c")).files
    await store.delete_waiting("c", "g2", question.version)
    assert {file.id for file in await store.unused_files()} == {one.id, two.id}
    assert await store.delete_unused_files(before=3) == 0


@pytest.mark.gen_test
async def test_files_of_a_waiting_question_go_with_its_conversation(store, placed):
    await store.begin(new_answer())
    one, draft, both = [await placed.add(store, name) for name in ("one", "draft", "both")]
    await store.begin(with_files(both, number=3, home="c3"))
    files = (one.id, draft.id, both.id)
    await store.put_waiting(WaitingQuestion("c", "g2", 0, "", None, {}, files))
    await placed.add(store, "draft", at=6)  # uploaded again, for another question
    await store.delete("c")
    assert await store.file(one.id) is None
    assert [file.id for file in await store.unused_files()] == [draft.id]
    assert await store.file(both.id)


@pytest.mark.gen_test
async def test_a_waiting_question_is_changed_or_asked_and_never_both(store, placed):
    one, two = await placed.add(store, "a"), await placed.add(store, "b")
    for number in range(2, 22, 2):
        home = f"c{number}"
        await store.begin(new_answer(number, home=home))
        conversation = await store.conversation(home)
        asked = WaitingQuestion(home, f"g{number + 1}", 0, "next", None, {}, (one.id,))
        stored = await store.put_waiting(asked)
        turn = {"number": number + 1, "parent": f"a{number}", "home": home, "text": "next"}
        begun, changed = await asyncio.gather(
            store.begin(with_files(one, conversation=conversation, **turn)),
            store.put_waiting(replace(stored, files=(two.id,))),
            return_exceptions=True,
        )
        if begun is None:
            assert changed.code in ("already_sent", "changed_meanwhile")
            assert await store.waiting(home) is None
        else:
            assert begun.code == "changed_meanwhile"
            assert (
                await store.waiting(home) == changed == replace(stored, version=2, files=(two.id,))
            )


#: How a process of the version before takes a question away.
OLDER = "DELETE FROM waiting WHERE request_id = 'g2'"


async def refuses(store, placed, older) -> None:
    """The store keeps a waiting question with files from a process of the version before."""
    await store.begin(new_answer())
    file = await placed.add(store)
    question = WaitingQuestion("c", "g2", 0, "second", None, {}, (file.id,))
    question = await store.put_waiting(question)
    with pytest.raises(StoreError):
        await older()
    assert await store.waiting("c") == question
    await store.close()


@pytest.mark.gen_test
async def test_an_older_process_does_not_ask_a_question_without_its_files(tmp_path, placed):
    store = open_store(tmp_path)
    await refuses(store, placed, lambda: store._database.write(lambda db: db.execute(OLDER)))


@pytest.mark.wide
@pytest.mark.gen_test
async def test_an_older_server_does_not_either(postgres, tmp_path, placed):
    loop = asyncio.get_running_loop()
    store = open_store(tmp_path, database=await loop.run_in_executor(None, postgres.new_database))
    await store.open()
    await refuses(store, placed, lambda: store._writer.transact(lambda db: db.execute(OLDER)))


@pytest.mark.gen_test
async def test_bytes_stay_while_anybody_has_them(store, placed):
    mine = await placed.add(store, "a", sum="s")
    theirs = await placed.add(store.for_owner("other"), "a", sum="s")
    await store.delete_file(mine.id)
    assert await placed.remove(store, "stranger") == 2
    assert placed.there == {"s"}
    await store.for_owner("other").delete_file(theirs.id)
    await placed.add(store, "b", sum="s")  # comes back before they are removed
    await placed.remove(store)
    assert placed.there == {"s"}


@pytest.mark.gen_test
async def test_many_bytes_are_removed_in_steps(store, placed):
    count = files.REMOVED_AT_ONCE + 5
    for number in range(count):
        await store.delete_file((await placed.add(store, f"{number}")).id)
    removed = 0
    while done := await placed.remove(store):
        removed += done
    assert removed == count
    assert placed.there == set()


@pytest.mark.gen_test
async def test_other_messages_have_no_files(store):
    await converse(store, 1, "hi", "hello")
    assert [m.files for m in await store.messages("c")] == [[], []]


async def read(placed: Placed, store, name: str, text: str) -> StoredFile:
    """A file with this text."""
    file = await placed.add(store, name, state="reading")
    await store.save_file_text(file.id, ReadText(text), 1)
    return await store.file(file.id)


@pytest.mark.gen_test
async def test_the_texts_of_files_are_found(store, placed):
    contract = await read(placed, store, "contract", "The party of the first part, in Zürich.")
    await read(placed, store, "unused", "The party of nobody.")
    theirs = await read(placed, store.for_owner("other"), "theirs", "Their party.")
    await store.begin(with_files(contract, home="c1", text="Is it fair?"))
    await store.begin(with_files(number=2, home="c2", text="a party"))
    await store.for_owner("other").begin(with_files(theirs, number=3, home="c3"))
    assert await listed(store, query="party") == ["c2", "c1"]
    for query in ("zurich", "first part", "ür", "party of the first"):
        (match,) = (await store.conversations(query=query)).matches
        assert (match.conversation.id, match.message_id) == ("c1", "u1"), query
    assert match.snippet == "The \ue000party of the first\ue001 part, in Zürich."
    assert await listed(store, query="nobody") == []
    assert await listed(store.for_owner("other"), query="party") == ["c3"]
    page = await store.conversations(query="party", limit=1)
    assert [match.conversation.id for match in page.matches] == ["c2"]
    page = await store.conversations(query="party", limit=1, before=page.next)
    assert [match.conversation.id for match in page.matches] == ["c1"]
    await store.delete("c1")
    assert await listed(store, query="party") == ["c2"]


@pytest.mark.gen_test
async def test_one_character_is_found_in_the_texts_of_files(store, placed):
    await store.begin(with_files(await read(placed, store, "a", "雪"), home="c1", text="-"))
    await store.begin(
        with_files(
            await read(placed, store, "b", "x" * 40_000 + "雨"), number=2, home="c2", text="-"
        )
    )
    assert await listed(store, query="雪") == ["c1"]
    assert await listed(store, query="雨") == ["c2"]


@pytest.mark.gen_test
async def test_the_index_has_the_texts_of_files_and_forgets_them(tmp_path, placed):
    store = open_store(tmp_path / "data")
    long = "word " * 20_000 + "the last words"
    await store.begin(with_files(await read(placed, store, "a", long), home="c1"))
    while await store._database.writer.transact(search.catch_up):
        pass
    assert await listed(store, query="last words") == ["c1"]
    (match,) = (await store.conversations(query="last words")).matches
    assert match.message_id == "u1"
    await store.delete("c1")
    assert await listed(store, query="last words") == []
    await store.close()
    for path in (tmp_path / "data").glob("chat.db*"):
        assert b"the last words" not in path.read_bytes()


@pytest.mark.gen_test
async def test_files_count_as_what_the_model_got_before_an_answer(store, placed):
    some = [await placed.add(store, name, tokens=count) for name, count in (("a", 10), ("b", 5))]
    await store.begin(with_files(*some))
    running = await store.generation("g1")
    assert await store.prompt_lengths([running]) == [len("hi") + 15 * TOKEN_LENGTH]


@pytest.mark.gen_test
async def test_a_running_answer_has_a_file_at_once(store, placed):
    await store.begin(new_answer(1))
    file = await placed.add(store, at=1, answer="g1")
    again = await placed.add(store, at=9, answer="g1")  # the model sends it twice
    assert again == file and await store.unused_files() == []
    assert [message.files for message in await store.branch("a1")] == [(), (file.id,)]
    with pytest.raises(Conflict):
        await store.delete_file(file.id)
    draft = await placed.add(store, "b.txt", at=1)
    assert await placed.add(store, "c.txt", sum=draft.sha256, at=5, answer="g1") == draft
    assert await store.unused_files() == []
    other = store.for_owner("other")
    theirs = await placed.add(other, "d.txt", answer="g1")  # it is not their answer
    assert await other.unused_files() == [theirs]
    gone = await placed.add(store, "e.txt", answer="none")
    assert await store.unused_files() == [gone]
    with pytest.raises(TooLarge):
        await placed.add(store, "f.txt", most=1, answer="g1")
    await store.delete("c")
    assert await store.file(file.id) is None and await store.file(draft.id) is None
    assert await store.file(gone.id) == gone


@pytest.mark.gen_test
@pytest.mark.parametrize("state", ["stopped", "interrupted"])
async def test_an_answer_that_ends_early_keeps_the_files_that_it_shows(store, placed, state):
    """A stop or a crash may come when a picture is stored, and before the event that tells it."""
    one = new_answer(1)
    await store.begin(one)
    shown = await placed.add(store, "shown", at=1, answer="g1")
    hidden = await placed.add(store, "hidden", at=1, answer="g1")
    theirs = await placed.add(store.for_owner("other"), "theirs", at=1)
    drawn = await placed.add(store, "drawn by a tool", at=1, answer="g1")
    result = {"text": "", "files": [drawn.in_message()]}
    call = Call(0, "i", "draw", "s", "{}", "done", result=result)
    files = [shown.in_message(), theirs.in_message()]
    message = replace(one.message, state=state, files=files, parts=[call.to_part()])
    await store.append([Progress("g1", 2, [frame(2, "end")], message)])
    late = await placed.add(store, "late", at=2, answer="g1")
    assert await store.unused_files() == [late, hidden]
    assert await store.delete_unused_files(3) == 3
    await placed.remove(store)
    assert placed.there == {shown.sha256, drawn.sha256}
    assert await store.message("a1") == message
