"""Mistakes in the messages of a request: blocks, turns, and tool calls with their results.

Neighbours: `checking` looks at the rest of the request. What a block says is never judged.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, cast

from docmill.testing.script import Block


class MistakeError(Exception):
    """The request is wrong; the text says where and how, as the API does."""


class Shape(NamedTuple):
    """Keys of a kind of block, and who may say it."""

    required: frozenset[str]
    optional: frozenset[str]
    roles: tuple[str, ...]


def _shape(required: str, optional: str, *roles: str) -> Shape:
    return Shape(frozenset(required.split()) | {"type"}, frozenset(optional.split()), roles)


SHAPES = {
    "text": _shape("text", "cache_control citations", "user", "assistant", "system"),
    "image": _shape("source", "cache_control transformations", "user"),
    "document": _shape("source", "cache_control citations context title", "user"),
    "search_result": _shape("content source title", "cache_control citations", "user"),
    "thinking": _shape("signature thinking", "", "assistant"),
    "redacted_thinking": _shape("data", "", "assistant"),
    "tool_use": _shape("id input name", "cache_control caller toolset_name", "assistant"),
    "tool_result": _shape("tool_use_id", "cache_control content is_error toolset_name", "user"),
}
RESULT_PARTS = ("text", "image", "document", "search_result")
CALL_ID = re.compile(r"[a-zA-Z0-9_-]+")
MAGIC = {
    "image/png": ("iVBORw0KGgo",),
    "image/jpeg": ("/9j/",),
    "image/gif": ("R0lGOD",),
    "image/webp": ("UklGR",),
    "application/pdf": ("JVBERi",),
}
"""How base64 of these kinds of files begins."""


class Memory:
    """What the server said that may come back: paused turns, and the thoughts before calls."""

    def __init__(self) -> None:
        self._paused: list[Any] = []
        self._thoughts: dict[str, list[Block]] = {}

    def keep(self, content: Sequence[Block], stop_reason: str) -> None:
        """An answer was given."""
        if stop_reason == "pause_turn":
            self._paused.append(list(map(plain, content)))
        thoughts = [block for block in content if "thinking" in block["type"]]
        if thoughts:
            calls = [block["id"] for block in content if block["type"] == "tool_use"]
            self._thoughts.update(dict.fromkeys(calls, thoughts))

    def is_paused(self, content: Any) -> bool:
        """Whether this is an answer that stopped with `pause_turn`."""
        return isinstance(content, list) and list(map(plain, cast("list[Block]", content))) in (
            self._paused
        )

    def missing_thoughts(self, content: Sequence[Block]) -> bool:
        """Whether calls come back without the thinking that came before them."""
        said = [plain(block) for block in content if "thinking" in block["type"]]
        calls = (block["id"] for block in content if block["type"] == "tool_use")
        return any(self._thoughts.get(call, said) != said for call in calls)


def plain(block: Block) -> Block:
    """A block without marks and without keys that are null."""
    return {k: v for k, v in block.items() if k != "cache_control" and v is not None}


def check_messages(messages: Any, memory: Memory) -> None:
    """Every rule for messages.

    Raises:
        MistakeError: the first that is broken.
    """
    given = as_list(messages, "messages")
    if not given:
        raise MistakeError("messages: at least one message is required")
    turns = [_turn(number, message) for number, message in enumerate(given)]
    _check_order(turns)
    for number, turn in enumerate(turns):
        for place, block in enumerate(turn.content):
            check_block(block, f"messages.{number}.content.{place}", turn.role)
    _check_calls(turns)
    _check_end(turns, memory)


class _Turn(NamedTuple):
    role: str
    content: list[Block]


def _turn(number: int, message: Any) -> _Turn:
    where = f"messages.{number}"
    given = as_dict(message, where)
    check_keys(given, where, required={"role", "content"}, optional=set())
    role, content = given["role"], given["content"]
    if role not in ("user", "assistant", "system"):
        raise MistakeError(f"{where}.role: Input should be 'user', 'assistant' or 'system'")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}]
    blocks = as_list(content, f"{where}.content")
    if not blocks:
        raise MistakeError(f"{where}: all messages must have non-empty content")
    return _Turn(role, blocks)


def _check_order(turns: Sequence[_Turn]) -> None:
    if turns[0].role != "user":
        raise MistakeError("messages: first message must use the user role")
    spoken = [turn.role for turn in turns if turn.role != "system"]
    for before, after in pairwise(spoken):
        if before == after:
            raise MistakeError(
                'messages: roles must alternate between "user" and "assistant", '
                f'but found multiple "{after}" roles in a row'
            )


def as_dict(value: Any, where: str) -> dict[str, Any]:
    """The value, which has to be an object.

    Raises:
        MistakeError: it is something else.
    """
    if not isinstance(value, dict):
        raise MistakeError(f"{where}: Input should be a valid dictionary")
    return cast("dict[str, Any]", value)


def as_list(value: Any, where: str) -> list[Any]:
    """The value, which has to be a list.

    Raises:
        MistakeError: it is something else.
    """
    if not isinstance(value, list):
        raise MistakeError(f"{where}: Input should be a valid list")
    return cast("list[Any]", value)


def check_keys(
    given: Mapping[str, Any], where: str, *, required: set[str], optional: set[str]
) -> None:
    """Required keys are there and no others than the optional ones.

    Raises:
        MistakeError: a key is missing or unknown.
    """
    if missing := sorted(required - given.keys()):
        raise MistakeError(f"{where}.{missing[0]}: Field required".removeprefix("."))
    if unknown := sorted(given.keys() - required - optional):
        raise MistakeError(
            f"{where}.{unknown[0]}: Extra inputs are not permitted".removeprefix(".")
        )


def check_block(block: Any, where: str, role: str) -> None:
    """One content block.

    Raises:
        MistakeError: it has the wrong keys, the wrong place or nothing in it.
    """
    given = as_dict(block, where)
    kind = given.get("type")
    shape = SHAPES.get(str(kind))
    if shape is None:
        raise MistakeError(f"{where}.type: Input tag {kind!r} is none of {', '.join(SHAPES)}")
    if role not in shape.roles:
        raise MistakeError(f"{where}: `{kind}` blocks are not permitted in {role} messages")
    check_keys(given, f"{where}.{kind}", required=set(shape.required), optional=set(shape.optional))
    match kind:
        case "text":
            _check_text(given, where)
        case "image" | "document":
            _check_source(given["source"], f"{where}.{kind}.source")
        case "tool_use":
            _check_call(given, f"{where}.tool_use")
        case "tool_result":
            _check_result(given.get("content", ""), f"{where}.tool_result.content")
        case _:
            pass


def _check_text(block: Block, where: str) -> None:
    if not isinstance(block["text"], str):
        raise MistakeError(f"{where}.text.text: Input should be a valid string")
    if not block["text"]:
        raise MistakeError("messages: text content blocks must be non-empty")
    if not block["text"].strip():
        raise MistakeError("messages: text content blocks must contain non-whitespace text")


def _check_source(source: Any, where: str) -> None:
    given = as_dict(source, where)
    kind = given.get("type")
    if kind not in ("base64", "url", "file", "text", "content"):
        raise MistakeError(f"{where}.type: Input tag {kind!r} is none of the known ones")
    if kind != "base64":
        return
    check_keys(given, f"{where}.base64", required={"type", "data", "media_type"}, optional=set())
    begins = MAGIC.get(str(given["media_type"]))
    if begins is None or ("document" in where) != (given["media_type"] == "application/pdf"):
        raise MistakeError(f"{where}.base64.media_type: {given['media_type']!r} is not permitted")
    if not str(given["data"]).startswith(begins):
        raise MistakeError(f"{where}.base64.data: the file is not of type {given['media_type']}")


def _check_call(block: Block, where: str) -> None:
    if not isinstance(block["input"], dict):
        raise MistakeError(f"{where}.input: Input should be a valid dictionary")
    if not isinstance(block["name"], str) or not block["name"]:
        raise MistakeError(f"{where}.name: String should have at least 1 character")
    if not isinstance(block["id"], str) or not CALL_ID.fullmatch(block["id"]):
        raise MistakeError(f"{where}.id: String should match pattern '^[a-zA-Z0-9_-]+$'")


def _check_result(content: Any, where: str) -> None:
    if isinstance(content, str):
        return
    for place, part in enumerate(as_list(content, where)):
        kind = as_dict(part, f"{where}.{place}").get("type")
        if kind not in RESULT_PARTS:
            raise MistakeError(f"{where}.{place}: {kind!r} is not permitted in a tool result")
        check_block(part, f"{where}.{place}", "user")


def _check_calls(turns: Sequence[_Turn]) -> None:
    turns = [turn for turn in turns if turn.role != "system"]
    seen: set[str] = set()
    for number, turn in enumerate(turns):
        calls = list(_ids(turn, "tool_use", "id"))
        results = list(_ids(turn, "tool_result", "tool_use_id"))
        if len(calls) != len(set(calls)) or seen & set(calls):
            raise MistakeError(f"messages.{number}: `tool_use` ids must be unique")
        seen.update(calls)
        asked = set(_ids(turns[number - 1], "tool_use", "id")) if number else set[str]()
        for result in results:
            if result not in asked:
                raise MistakeError(
                    f"messages.{number}.content: unexpected `tool_use_id` found in `tool_result` "
                    f"blocks: {result}. Each `tool_result` block must have a corresponding "
                    "`tool_use` block in the previous message."
                )
        _check_results(number, turn, asked, results)
    if lonely := list(_ids(turns[-1], "tool_use", "id")):
        raise MistakeError(_unanswered(len(turns) - 1, lonely))


def _check_results(number: int, turn: _Turn, asked: set[str], results: Sequence[str]) -> None:
    if lonely := sorted(asked - set(results)):
        raise MistakeError(_unanswered(number - 1, lonely))
    if len(results) != len(set(results)):
        raise MistakeError(
            f"messages.{number}.content: each tool_use must have a single result. Found multiple "
            "`tool_result` blocks with the same id"
        )
    kinds = [block["type"] == "tool_result" for block in turn.content]
    if kinds != sorted(kinds, reverse=True):
        raise MistakeError(
            f"messages.{number}.content: `tool_result` blocks must come first in the message"
        )


def _unanswered(number: int, calls: Sequence[str]) -> str:
    return (
        f"messages.{number}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(calls)}. Each `tool_use` block must have a corresponding `tool_result` "
        "block in the next message."
    )


def _ids(turn: _Turn, kind: str, key: str) -> Iterator[str]:
    return (str(block[key]) for block in turn.content if block["type"] == kind)


def _check_end(turns: Sequence[_Turn], memory: Memory) -> None:
    said = [turn.content for turn in turns if turn.role == "assistant"]
    if said and memory.missing_thoughts(said[-1]):
        raise MistakeError(
            "messages: `thinking` or `redacted_thinking` blocks in the latest assistant message "
            "cannot be modified. These blocks must remain as they were in the original response."
        )
    if turns[-1].role == "assistant" and not memory.is_paused(said[-1]):
        raise MistakeError(
            "This model does not support assistant message prefill. "
            "The conversation must end with a user message."
        )
