"""A conversation as another program exported it becomes one of ours. Pure.

The rule: every branch is kept. A node that people did not see there, such as a hidden prompt or the
result of a tool, is left out and counted, and its children follow the node before it.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tornado_stream.values.events import Source
from tornado_stream.values.messages import Conversation, Message

#: Characters of a title, and of one that is made from the first question.
MAX_TITLE, MADE_TITLE = 200, 80
#: All ids are made in this space, so that the same export of the same user has the same ids.
NAMESPACE = uuid.UUID("5b1e0c86-3a55-5f0e-9d41-6e0c7f2a9b13")


@dataclass(slots=True)
class Node:
    """A node of another program's tree. `role` is "user", "assistant" or "system"; "" is a node
    that is left out, which counts only if it is `seen`. A node with reasoning alone is part of the
    answer that follows it."""

    id: str
    parent: str | None
    role: str
    text: str = ""
    reasoning: str = ""
    model: str | None = None
    at: int = 0
    seen: bool = True
    sources: list[Source] = field(default_factory=list)
    #: Its files: `id`, `name`, and `instead`, which stands in the text if a file cannot be stored;
    #: in an export of this program, what our `Message` has.
    files: list[dict[str, Any]] = field(default_factory=list)
    #: The bytes of those files that stand within the JSON, in base64, by id.
    data: dict[str, str] = field(default_factory=dict)
    #: Further fields of our `Message`.
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Tree:
    """What a format reads from one conversation. `id` is the conversation's id there; `current` is
    the node that is shown; times are in milliseconds since the epoch, 0 if not known."""

    id: str
    title: str
    nodes: list[Node]
    current: str | None = None
    created_at: int = 0
    updated_at: int = 0
    #: Further fields of our `Conversation`.
    more: dict[str, Any] = field(default_factory=dict)
    #: Whether it comes from this program: then its title may be empty, and so may it.
    own: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that can be stored. `original` is its id in the export; `left_out` is how many
    nodes people did not see there. Parents come before their children. `data` has the bytes of
    files that stand within the JSON, in base64, by the ids that messages have."""

    source: str
    original: str
    conversation: Conversation
    messages: list[Message]
    left_out: int
    data: dict[str, str] = field(default_factory=dict, compare=False, repr=False)


class Unreadable(ValueError):
    """A conversation cannot be imported; `why` is a word of docs/import.md."""

    def __init__(self, why: str, title: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.title = title


def grown(tree: Tree, owner: str, source: str) -> Found:
    """The conversation of a tree, with ids that depend on the owner, the source and the ids there
    alone. Raises `Unreadable`."""
    nodes = {node.id: node for node in tree.nodes}
    system, kept, left_out = _kept(list(nodes.values()), nodes)
    answers = _joined(kept)
    if not kept and not tree.own:
        raise Unreadable("empty", _title(tree, kept))
    place = _Ids(owner, source, tree.id)
    times = [node.at for node in kept if node.at]
    created_at = tree.created_at or min(times, default=0)
    updated_at = tree.updated_at or max(times, default=created_at)
    messages = [_message(node, place, answers, created_at or updated_at, source) for node in kept]
    shown = _shown(tree.current, nodes, answers) or (kept[-1].id if kept else None)
    more = {"system": system} | tree.more if system else tree.more
    conversation = Conversation(
        id=place.conversation,
        title=_title(tree, kept),
        current_id=place.message(shown) if shown else None,
        created_at=created_at,
        updated_at=updated_at,
        **({"system": None} | more),
    )
    data = {id: base64 for node in kept for id, base64 in node.data.items()}
    return Found(source, tree.id, conversation, messages, left_out, data)


def _kept(all_nodes: list[Node], nodes: Mapping[str, Node]) -> tuple[str | None, list[Node], int]:
    """The system prompt, the nodes that are kept with their parents set anew, each behind its
    parent, and how many others there are."""
    system: str | None = None
    left_out = 0
    for node in all_nodes:
        if node.role == "system" and system is None and node.text.strip():
            system = node.text
        elif node.role not in ("user", "assistant") and node.text and node.text != system:
            left_out += node.seen
    parents = {node.parent for node in all_nodes}
    kept: list[Node] = []
    placed: dict[str, str | None] = {}  # node → the kept node that stands for it, or before it
    thoughts: dict[str, str] = {}  # node that is left out → the reasoning up to it
    for node in _in_order(all_nodes, nodes):
        parent = node.parent if node.parent in placed else None
        before = thoughts.get(parent or "", "")
        node.parent = placed[parent] if parent else None
        if node.role == "assistant":
            node.reasoning = _with(before, node.reasoning)
        is_last_thought = node.role == "assistant" and node.reasoning and node.id not in parents
        has_content = node.text or node.files or node.more or is_last_thought
        if node.role in ("user", "assistant") and has_content:
            placed[node.id] = node.id
            kept.append(node)
            continue
        placed[node.id] = node.parent
        if reasoning := node.reasoning if node.role == "assistant" else before:
            thoughts[node.id] = reasoning
    return system, kept, left_out


def _in_order(all_nodes: list[Node], nodes: Mapping[str, Node]) -> list[Node]:
    """Each node behind its parent, else in the order of the export. A node whose parent is missing
    is a root, and so is one of a circle."""
    ordered: list[Node] = []
    done: set[str] = set()
    for node in all_nodes:
        way: list[Node] = []
        on_way: set[str] = set()
        one: Node | None = node
        while one and one.id not in done and one.id not in on_way:
            way.append(one)
            on_way.add(one.id)
            one = nodes.get(one.parent or "")
        for step in reversed(way):
            ordered.append(step)
            done.add(step.id)
    return ordered


def _joined(kept: list[Node]) -> dict[str, str]:
    """Join each answer with the only one that follows it directly: programs write one node for each
    step of an answer. Returns the node that stands for each node."""
    children: dict[str | None, int] = {}
    for node in kept:
        children[node.parent] = children.get(node.parent, 0) + 1
    by_id = {node.id: node for node in kept}
    stands: dict[str, str] = {}
    whole: list[Node] = []
    for node in kept:
        node.parent = stands.get(node.parent or "", node.parent)
        before = by_id.get(node.parent or "")
        own = children.get(node.id, 0)
        joins = (
            before is not None
            and before.role == node.role == "assistant"
            and children.get(before.id) == 1
            and not before.more
            and not node.more
        )
        if not joins or before is None:
            stands[node.id] = node.id
            whole.append(node)
            continue
        before.text = _with(before.text, node.text)
        before.reasoning = _with(before.reasoning, node.reasoning)
        before.model = node.model or before.model
        before.sources += node.sources
        before.files += [one for one in node.files if one not in before.files]
        before.data |= node.data
        stands[node.id] = before.id
        children[before.id] = own
    kept[:] = whole
    return stands


def _shown(current: str | None, nodes: Mapping[str, Node], stands: dict[str, str]) -> str | None:
    """The kept node that is shown: the current one there, or the nearest before it."""
    seen = set()
    while current and current not in seen:
        if current in stands:
            return stands[current]
        seen.add(current)
        current = nodes[current].parent if current in nodes else None
    return None


def _message(node: Node, place: _Ids, stands: dict[str, str], began: int, source: str) -> Message:
    parent = stands.get(node.parent or "")
    more = dict(node.more)
    if node.role == "assistant" and "state" not in more:
        more |= {"state": "done", "upstream": f"import:{source}"}
    if continued := more.get("continued_from"):
        more["continued_from"] = place.message(continued)
    return Message(
        id=place.message(node.id),
        conversation_id=place.conversation,
        parent_id=place.message(parent) if parent else None,
        role=more.pop("role", node.role),
        content=node.text,
        created_at=node.at or began,
        reasoning=node.reasoning,
        model=node.model,
        sources=node.sources,
        files=node.files,
        **more,
    )


class _Ids:
    """The ids of one conversation and its messages."""

    def __init__(self, owner: str, source: str, id: str) -> None:
        self._space = uuid.uuid5(NAMESPACE, f"{owner}\n{source}\n{id}")
        self.conversation = str(self._space)

    def message(self, id: str) -> str:
        return str(uuid.uuid5(self._space, id))


def _title(tree: Tree, kept: list[Node]) -> str:
    if tree.own:
        return tree.title[:MAX_TITLE]
    if title := " ".join(tree.title.split())[:MAX_TITLE]:
        return title
    first = next((node.text for node in kept if node.role == "user"), "")
    return " ".join(first[: 4 * MADE_TITLE].split())[:MADE_TITLE]


def _with(before: str, after: str) -> str:
    """Two texts as two paragraphs."""
    return f"{before}\n\n{after}" if before and after else before or after
