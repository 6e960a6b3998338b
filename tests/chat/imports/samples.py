"""Conversations as other programs export them, made by hand in the form of each.

No maker documents these forms but in code, so each function says what it follows.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from pictures import png

#: 2025-06-01 12:00:00 UTC, in seconds.
NOON = 1748779200
#: The picture of the question of `llama_cpp`.
CAT = png(3, 2)


def data_url(data: bytes, type: str = "image/png") -> str:
    return f"data:{type};base64,{b64encode(data).decode()}"


def chatgpt(number: int = 1) -> dict[str, Any]:
    """A tree of ChatGPT's `conversations.json`. Its members, kinds of content and hidden nodes are
    those of `chatgpt-modern-export.json` and `chatgpt-tree.json` among the test data of LibreChat's
    importer, and of the description in `docs/chatgpt-data-export-format.md` of the repository
    mitkury/chatgpt-export-parser."""
    nodes = [
        ("root", None, None, None),
        ("sys", "root", "system", {"content_type": "text", "parts": [""]}),
        (
            "ctx",
            "sys",
            "user",
            {"content_type": "user_editable_context", "user_profile": "An SRE."},
        ),
        ("q1", "ctx", "user", {"content_type": "text", "parts": ["How do I roll back?"]}),
        (
            "t1",
            "q1",
            "assistant",
            {
                "content_type": "thoughts",
                "thoughts": [{"summary": "Looking", "content": "at the chart"}],
            },
        ),
        (
            "call",
            "t1",
            "assistant",
            {"content_type": "code", "language": "unknown", "text": "search()"},
        ),
        ("tool", "call", "tool", {"content_type": "execution_output", "text": "found"}),
        (
            "recap",
            "tool",
            "assistant",
            {"content_type": "reasoning_recap", "content": "Thought for 9s"},
        ),
        (
            "a1",
            "recap",
            "assistant",
            {"content_type": "text", "parts": ["Use helm \ue200cite\ue202turn0\ue201."]},
        ),
        ("a2", "q1", "assistant", {"content_type": "text", "parts": ["Another answer."]}),
        (
            "q2",
            "a1",
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": "sediment://file_0001",
                        "width": 10,
                    },
                    "And this?",
                ],
            },
        ),
        ("q3", "a1", "user", {"content_type": "text", "parts": ["Edited question"]}),
        ("a3", "q3", "assistant", {"content_type": "text", "parts": ["Step one."]}),
        ("a4", "a3", "assistant", {"content_type": "text", "parts": ["Step two."]}),
    ]
    mapping: dict[str, Any] = {}
    for place, (id, parent, role, content) in enumerate(nodes):
        message = None
        if role:
            message = {
                "id": id,
                "author": {"role": role, "name": None, "metadata": {}},
                "create_time": NOON + place,
                "content": content,
                "status": "finished_successfully",
                "weight": 1.0,
                "metadata": {},
                "recipient": "all",
                "channel": None,
            }
        mapping[id] = {"id": id, "message": message, "parent": parent, "children": []}
        if parent:
            mapping[parent]["children"].append(id)
    mapping["ctx"]["message"]["metadata"]["is_visually_hidden_from_conversation"] = True
    mapping["call"]["message"]["recipient"] = "python"
    mapping["a1"]["message"]["metadata"] = {
        "model_slug": "gpt-5",
        "content_references": [
            {"type": "grouped_webpages", "items": [{"title": "Helm", "url": "https://helm.sh/"}]}
        ],
    }
    mapping["q2"]["message"]["metadata"] = {
        "attachments": [
            {"id": "file_0001", "name": "shot.png"},
            {"id": "file_0002", "name": "values.yaml"},
        ]
    }
    return {
        "title": f"Rolling back {number}",
        "create_time": NOON - 5.5,
        "update_time": NOON + 60.25,
        "mapping": mapping,
        "moderation_results": [],
        "current_node": "a4",
        "conversation_id": f"6b0f0d9c-0000-4000-8000-{number:012}",
        "is_archived": False,
        "is_starred": None,
        "default_model_slug": "gpt-5",
        "id": f"6b0f0d9c-0000-4000-8000-{number:012}",
    }


def claude(number: int = 1) -> dict[str, Any]:
    """A conversation of Claude's `conversations.json`. Its members are those that the repositories
    Sinity/polylogue (`docs/providers/claude-ai.md`) and socketteer/Claude-Conversation-Exporter
    describe; the root's parent and the empty `text` are as in their notes on real exports."""
    root = "00000000-0000-4000-8000-000000000000"

    def message(
        uuid: str, sender: str, parent: str, minute: int, *blocks: dict[str, Any], **more: Any
    ) -> dict[str, Any]:
        return {
            "uuid": uuid,
            "text": "",
            "content": list(blocks),
            "sender": sender,
            "created_at": f"2025-06-01T12:{minute:02}:00.500000Z",
            "updated_at": f"2025-06-01T12:{minute:02}:00.500000Z",
            "attachments": [],
            "files": [],
            "parent_message_uuid": parent,
            **more,
        }

    def said(text: str) -> dict[str, Any]:
        return {"type": "text", "text": text, "citations": []}

    attachment = {
        "file_name": "notes.txt",
        "file_size": 9,
        "file_type": "txt",
        "extracted_content": "one\n```\ntwo",
    }
    return {
        "uuid": f"0196b6f2-0000-7000-8000-{number:012}",
        "name": f"Planning {number}",
        "summary": "",
        "created_at": "2025-06-01T12:00:00.000000Z",
        "updated_at": "2025-06-01T12:30:00.000000Z",
        "account": {"uuid": "c1a9a5f8-a09c-42e7-8de7-ad0174488170"},
        "chat_messages": [
            message("m1", "human", root, 1, said("Plan my week"), attachments=[attachment]),
            message(
                "m2",
                "assistant",
                "m1",
                2,
                {"type": "thinking", "thinking": "Which days?", "summaries": []},
                {"type": "tool_use", "name": "calendar", "input": {}},
                {"type": "tool_result", "name": "calendar", "content": []},
                said("Monday: rest."),
                said("Tuesday: work."),
            ),
            message("m3", "human", "m1", 3, said("not a reply")),
            message(
                "m4",
                "human",
                "m2",
                4,
                said("More"),
                files=[{"file_kind": "image", "file_name": "a.png"}],
            ),
            message("m5", "assistant", "m4", 5, said("Wednesday.")),
        ],
    }


def open_webui(number: int = 1) -> dict[str, Any]:
    """A chat of Open WebUI's *Export Chats*: the row of its table `chat`, whose member `chat` the
    page writes. The tree is that of `openwebui-export.json` among the test data of LibreChat's
    importer."""

    def message(
        id: str, parent: str | None, role: str, content: Any, **more: Any
    ) -> dict[str, Any]:
        return {
            "id": id,
            "parentId": parent,
            "childrenIds": [],
            "role": role,
            "content": content,
            "timestamp": NOON + int(id[1:]),
            **more,
        }

    thinking = (
        '<details type="reasoning" done="true" duration="3">\n<summary>Thought for 3 seconds'
        "</summary>\n&gt; a &lt; b\n&gt; so c\n</details>\n"
    )
    tool = (
        '<details type="tool_calls" done="true" name="w"><summary>Tool Executed</summary>\n'
        '"18C"</details>\n'
    )
    messages = [
        message("m1", None, "user", "What is 15 * 17?", files=[{"type": "image", "name": "x.png"}]),
        message(
            "m2", "m1", "assistant", thinking.replace("&gt; ", "> ") + tool + "255", model="r1"
        ),
        message("m3", "m1", "assistant", "It is 255.", model="llama3.1:latest"),
        message("m4", "m3", "user", [{"type": "text", "text": "Sure?"}]),
        message(
            "m5",
            "m4",
            "assistant",
            "",
            model="r1",
            output=[
                {"type": "reasoning", "content": [{"type": "output_text", "text": "Yes it is"}]},
                {"type": "message", "content": [{"type": "output_text", "text": "Sure."}]},
            ],
        ),
    ]
    return {
        "id": f"chat-{number}",
        "user_id": "u1",
        "title": f"Sums {number}",
        "chat": {
            "title": f"Sums {number}",
            "models": ["r1"],
            "params": {"system": "Be exact."},
            "history": {
                "currentId": "m5",
                "messages": {one["id"]: one for one in messages},
            },
        },
        "created_at": NOON,
        "updated_at": NOON + 9,
        "share_id": None,
        "archived": True,
        "pinned": False,
        "meta": {},
        "folder_id": None,
    }


def open_webui_output(number: int = 1) -> dict[str, Any]:
    """A chat of *Export Chats* as the page and the server of Open WebUI 0.12.4 wrote it, shortened:
    `output` has reasoning and calls of tools, which are no longer in the text."""

    def said(text: str, status: str = "completed") -> dict[str, Any]:
        return written("message", text, status=status, role="assistant")

    def written(type: str, text: str, **more: Any) -> dict[str, Any]:
        content = [{"type": "output_text", "text": text}]
        return {"type": type, "id": "r_1", "status": "completed", "content": content, **more}

    def file(id: str, name: str, type: str) -> dict[str, Any]:
        meta = {"name": name, "content_type": type, "size": 40, "data": {}}
        inner = {"id": id, "filename": name, "data": {"status": "completed"}, "meta": meta}
        return {"type": "file", "file": inner, "id": id, "url": id, "name": name, "size": 40} | {
            "content_type": type
        }

    def asked(id: str, parent: str | None, text: str, **more: Any) -> dict[str, Any]:
        return message(id, parent, "user", text, models=["thinker"], **more)

    def answer(id: str, parent: str, text: str, *output: Any, **more: Any) -> dict[str, Any]:
        own = {"done": True, "model": "thinker", "modelIdx": 0, "output": list(output)}
        return message(id, parent, "assistant", text, **{**own, **more})

    def message(id: str, parent: str | None, role: str, text: str, **more: Any) -> dict[str, Any]:
        place = {"id": id, "parentId": parent, "childrenIds": [], "timestamp": NOON + int(id[1:])}
        return {**place, "role": role, "content": text, **more}

    call = {"type": "function_call", "id": "call_1", "name": "clock", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "call_1", "output": []}
    code = {"type": "open_webui:code_interpreter", "lang": "python", "code": "print(1+1)"}
    notes = file("f1", "notes.txt", "text/plain")
    whole = {"file_id": "f1", "name": "notes.txt", "source": "notes.txt"}
    pages = [
        {"source": "https://fjords.example/?a=1&b=2", "title": "Fjords & <more>"},
        {"source": "https://oslo.example/", "name": "Oslo"},
        {"source": "https://oslo.example/", "name": "Oslo again"},
    ]
    messages = [
        asked("m1", None, "Read", files=[notes, file("f2", "cat.png", "image/png")]),
        answer(
            "m2",
            "m1",
            "It is noon.",
            written("reasoning", "1 < 2\n> quoted"),
            call,
            result,
            code,
            said("It is noon."),
            sources=[
                {"source": notes, "document": ["one & <b>\n"], "metadata": [whole]},
                {
                    "source": {"type": "web_search", "name": "fjords", "queries": ["fjords"]},
                    "document": ["long", "a city", "a city"],
                    "metadata": pages,
                },
            ],
        ),
        answer("m3", "m1", "", error={"content": {"message": "quota exceeded"}}),
        answer("m4", "m1", "", error={"content": "told to fail"}),
        answer("m5", "m1", "Half", said("Half"), error={"content": {"message": "overloaded"}}),
        answer("m6", "m1", "t0 t1 ", said("t0 t1 ", "incomplete")),
        answer("m7", "m1", "Both.", said("Both."), merged={"status": True, "content": "As one."}),
        asked("m8", "m7", "Again"),
        answer("m9", "m8", "", done=False),
    ]
    return {
        "id": f"chat-{number}",
        "user_id": "u1",
        "title": f"Latest {number}",
        "chat": {
            "id": f"chat-{number}",
            "title": f"Latest {number}",
            "models": ["thinker"],
            "history": {"currentId": "m9", "messages": {one["id"]: one for one in messages}},
            "messages": [{"role": "user", "content": "Read"}],
            "files": [notes],
            "tags": [],
            "timestamp": NOON * 1000,
            "params": {"custom_params": {}, "system": "Be exact."},
        },
        "updated_at": NOON + 9,
        "created_at": NOON,
        "share_id": None,
        "archived": False,
        "pinned": True,
        "meta": {},
        "variables": {},
        "folder_id": "d0eb47b9-45c0-406e-89a1-b9997c5b95ce",
        "tasks": None,
        "summary": None,
        "current_message_id": "m9",
        "context_usage": None,
    }


def librechat(number: int = 1, *, recursive: bool = False) -> dict[str, Any]:
    """A conversation as LibreChat's `useExportConversation.ts` writes it, with and without its
    option *recursive*; the members of the messages are those of `librechat-export.json` among the
    test data of its importer."""
    root = "00000000-0000-0000-0000-000000000000"

    def message(id: str, parent: str, by_user: bool, text: str, **more: Any) -> dict[str, Any]:
        return {
            "messageId": id,
            "conversationId": f"af1ea676-{number}",
            "parentMessageId": parent,
            "isCreatedByUser": by_user,
            "sender": "User" if by_user else "GPT-4o",
            "text": text,
            "model": None if by_user else "gpt-4o",
            "error": False,
            "unfinished": False,
            "createdAt": f"2025-06-01T12:0{id[1:]}:00.000Z",
            **more,
        }

    parts = [
        {"type": "think", "think": "Let me see"},
        {"type": "tool_call", "tool_call": {"name": "search", "args": "{}", "output": "x"}},
        {"type": "text", "text": {"value": "8 litres"}},
    ]
    flat = [
        message("l1", root, True, "Fuel?", files=[{"type": "image/png", "filename": "car.png"}]),
        message("l2", "l1", False, "", content=parts),
        message("l3", "l1", False, "Nine litres"),
        message("l4", "l3", True, "Loaded?"),
        message("l5", "l4", False, "Yes"),
    ]
    data: dict[str, Any] = {
        "conversationId": f"af1ea676-{number}",
        "endpoint": "openAI",
        "title": f"Fuel {number}",
        "exportAt": "16:33:32 GMT+0200 (Central European Summer Time)",
        "branches": True,
        "recursive": recursive,
        "options": {"model": "gpt-4o", "promptPrefix": "In litres.", "temperature": 1},
    }
    if not recursive:
        return data | {"messages": flat}
    by_id = {one["messageId"]: one | {"children": []} for one in flat}
    for one in by_id.values():
        if one["parentMessageId"] in by_id:
            by_id[one["parentMessageId"]]["children"].append(one)
    return data | {"messagesTree": [by_id["l1"]]}


def llama_cpp(number: int = 1) -> dict[str, Any]:
    """A conversation as older pages of llama.cpp's server write it: `ExportedConversation` in
    `tools/server/webui/src/lib/types/database.d.ts`."""

    def message(
        id: str, parent: str | None, role: str, content: str, **more: Any
    ) -> dict[str, Any]:
        return {
            "id": id,
            "convId": f"conv-{number}",
            "type": "text",
            "timestamp": (NOON + int(id[1:])) * 1000,
            "role": role,
            "content": content,
            "parent": parent,
            "children": [],
            **more,
        }

    note = {"type": "TEXT", "name": "note.txt", "content": "hello"}
    picture = {"type": "imageFile", "name": "cat.png", "base64Url": data_url(CAT)}
    return {
        "conv": {
            "id": f"conv-{number}",
            "name": f"Cats {number}",
            "lastModified": (NOON + 99) * 1000,
            "currNode": "n4",
        },
        "messages": [
            message("n0", None, "system", "", type="root"),
            message("n1", "n0", "system", "Purr.", type="system"),
            message("n2", "n1", "user", "Who?", extra=[note, picture]),
            message("n3", "n2", "assistant", "A cat.", thinking="Cats…", model="smol"),
            message("n5", "n2", "assistant", "A dog.", reasoningContent="Dogs…"),
            message("n6", "n5", "tool", "{}", toolCallId="c1"),
            message("n4", "n3", "user", "Which?"),
        ],
    }


def llama_cpp_lines(number: int = 1) -> list[dict[str, Any]]:
    """The same as newer pages write it: `serializeSessionToJsonl` in
    `tools/ui/src/lib/services/conversation-transfer.service.ts`."""
    whole = llama_cpp(number)
    lines = [{"message": one, "type": "message"} for one in whole["messages"]]
    return [{"harness": "llama.cpp", "type": "session", **whole["conv"]}, *lines]
