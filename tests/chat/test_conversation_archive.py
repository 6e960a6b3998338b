"""The archive of a user's conversations is a zip file that any program opens."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from zipfile import ZipFile

import pytest

from tornado_stream.chat.conversation_archive import ConversationArchive
from tornado_stream.chat.export import export
from tornado_stream.values.messages import Conversation, Message

ID = "00000000-0000-4000-8000-00000000000{}"


def conversation(number: int, title: str, updated_at: int = 5) -> Conversation:
    return Conversation(ID.format(number), title, None, None, 5, updated_at)


def test_every_title_is_a_name_of_a_file(tmp_path):
    titles = ["", "../../etc/passwd", "a/b\\c:d*e?", "北京 ✓ été", "...", "x" * 5000, "CON\n\0"]
    archive = ConversationArchive()
    pieces = [archive.add(conversation(n, title), []) for n, title in enumerate(titles)]
    assert all(pieces), "each conversation is given out at once"
    data = b"".join([*pieces, archive.close()])
    (tmp_path / "all.zip").write_bytes(data)
    names = ZipFile(io.BytesIO(data)).namelist()
    assert len(set(names)) == len(names) == 2 * len(titles)
    for name in names:
        assert name.count("/") == 1 and ".." not in name and len(name.encode()) < 255
        assert name.isprintable() and "\\" not in name
    assert f"markdown/北京 ✓ été {ID.format(3)}.md" in names
    if unzip := shutil.which("unzip"):
        subprocess.run([unzip, "-tqq", tmp_path / "all.zip"], check=True)


@pytest.mark.parametrize("updated_at", [0, 5, 2**42, 10**13])
def test_every_time_can_be_in_an_archive(updated_at):
    archive = ConversationArchive()
    data = archive.add(conversation(1, "a", updated_at), []) + archive.close()
    assert ZipFile(io.BytesIO(data)).testzip() is None


@pytest.mark.parametrize("count", [0, 1, 3])
def test_the_pieces_are_the_json_of_the_conversation(count):
    messages = [
        Message(f"m{n}", ID.format(1), None, "user", f'line\n"{n}"\u2028', 5) for n in range(count)
    ]
    one = conversation(1, "a")
    archive = ConversationArchive()
    data = archive.add(one, messages) + archive.close()
    file = ZipFile(io.BytesIO(data)).read(f"json/{one.id}.json")
    assert file == export("json", one, messages)
    assert [m["content"] for m in json.loads(file)["messages"]] == [m.content for m in messages]
