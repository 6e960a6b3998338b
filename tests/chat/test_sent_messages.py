"""The messages of a program as messages of a conversation."""

from __future__ import annotations

from tornado_stream.chat.sent_messages import leading_system, sent_messages
from tornado_stream.values.content import content_text

SYSTEM = {"role": "system", "content": "be brief"}
USER = {"role": "user", "content": "hi"}


def test_a_first_system_message_is_the_conversations_if_it_is_only_a_text():
    assert leading_system([SYSTEM, USER]) == "be brief"
    assert leading_system([SYSTEM]) is None and leading_system([USER, SYSTEM]) is None
    assert leading_system([{**SYSTEM, "name": "n"}, USER]) is None
    assert leading_system([{**SYSTEM, "content": ""}, USER]) is None


def test_a_message_is_kept_as_sent_where_it_is_more_than_a_role_and_a_text():
    parts = {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url"}]}
    first, second, third = sent_messages([USER, {**USER, "name": "n"}, parts], "c")
    assert (first.sent, second.sent, third.sent) == (None, {**USER, "name": "n"}, parts)
    assert (first.parent_id, second.parent_id, third.parent_id) == (None, first.id, second.id)
    assert [m.content for m in (first, second, third)] == ["hi", "hi", "a"]


def test_the_text_of_a_message_is_that_of_its_parts():
    parts = [{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": "b"}, {"text": 1}]
    assert content_text({"content": parts}) == "a\nb"
    assert content_text({"content": None}) == content_text({}) == ""
