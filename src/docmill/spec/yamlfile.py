"""One YAML file as plain data plus the place of every key and value.

`load` validates what is read here; `locate` turns paths into lines. YAML 1.2 core schema: `yes` and
`no` are text, dates are text, only `true` and `false` are booleans. Knows nothing of specs.
"""

import math
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, ReusedAnchorWarning, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from docmill.spec.syntax import explain_syntax

KeyPath = tuple[str | int, ...]
Node = Any
"""A node of ruamel.yaml, whose attributes are untyped: `value`, `tag`, `style`, `start_mark`."""
MAX_BYTES = 2 * 1024 * 1024
MAX_NODES = 100_000
"""Values of one file after aliases are expanded; more is a mistake or an attack."""
MAX_DEPTH = 100

_TOO_MANY = (
    f"has more than {MAX_NODES} values after its aliases are expanded",
    "write the values out instead of nesting aliases",
)
_TOO_DEEP = (f"nests deeper than {MAX_DEPTH} levels", "write it flatter")
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]+\Z")
_KINDS = ("str", "int", "float", "bool", "null", "seq", "map", "merge", "timestamp")
_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in _KINDS}


class Place(NamedTuple):
    """Line and column, counted from 1."""

    line: int
    column: int


class Mark(NamedTuple):
    """Where a key and its value stand; list items have no key of their own."""

    key: Place
    value: Place
    raw: str | None
    """The scalar as it is written; None for lists and mappings."""


class FileProblem(NamedTuple):
    """A mistake in the YAML itself."""

    place: Place
    path: KeyPath
    message: str
    remedy: str


@dataclass(slots=True)
class YamlFile:
    """Plain data (None, bool, int, float, str, list, dict with text keys) and its places."""

    data: Any = None
    marks: dict[KeyPath, Mark] = field(default_factory=dict[KeyPath, Mark])
    problems: list[FileProblem] = field(default_factory=list[FileProblem])
    readable: bool = True
    """False if the syntax is so broken that `data` is missing."""


def read_yaml(content: bytes) -> YamlFile:
    """Read one document; every mistake ends in `problems`, none is raised."""
    file = YamlFile()
    if len(content) > MAX_BYTES:
        return _unreadable(file, Place(1, 1), "is larger than 2 MiB", "split the file")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return _unreadable(file, Place(line, 1), "is not UTF-8 text", "save the file as UTF-8")
    composer: Any = YAML(typ="safe", pure=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ReusedAnchorWarning)
            root: Node | None = composer.compose(text)
    except MarkedYAMLError as error:
        found = explain_syntax(error)
        return _unreadable(file, Place(found.line, found.column), found.message, found.remedy)
    except RecursionError:
        return _unreadable(file, Place(1, 1), *_TOO_DEEP)
    except (YAMLError, ValueError) as error:
        message = f"is not readable: {str(error).partition(chr(10))[0]}"
        return _unreadable(file, Place(1, 1), message, "mend the syntax")
    if root is not None:
        _Builder(file).build(root)
    return file


def _unreadable(file: YamlFile, place: Place, message: str, remedy: str) -> YamlFile:
    file.problems.append(FileProblem(place, (), message, remedy))
    file.readable = False
    return file


def _place(node: Any) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


class _Builder:
    """Turns composed nodes into data, keeping places and gathering mistakes."""

    def __init__(self, file: YamlFile) -> None:
        self.file = file
        self.left = MAX_NODES
        self.open: list[int] = []

    def build(self, root: Node) -> None:
        try:
            self.file.data = self._value(root, (), _place(root))
        except _ExpansionError as error:
            _unreadable(self.file, Place(1, 1), error.message, error.remedy)

    def _problem(self, node: Node, path: KeyPath, message: str, remedy: str) -> None:
        self.file.problems.append(FileProblem(_place(node), path, message, remedy))

    def _value(self, node: Node, path: KeyPath, key: Place) -> Any:
        self.left -= 1
        if self.left < 0:
            raise _ExpansionError(*_TOO_MANY)
        if len(self.open) > MAX_DEPTH:
            raise _ExpansionError(*_TOO_DEEP)
        raw = str(node.value) if _is(node, ScalarNode) else None
        self.file.marks[path] = Mark(key, _place(node), raw)
        tag = str(getattr(node, "tag", "") or "")
        if tag and tag not in _TAGS:
            self._problem(node, path, f"the tag `{_short(tag)}` is not supported", "remove the tag")
            return None
        if _is(node, ScalarNode):
            return self._scalar(node, path, tag)
        if id(node) in self.open:
            self._problem(node, path, "an alias contains itself", "write the value out")
            return None
        self.open.append(id(node))
        try:
            if _is(node, SequenceNode):
                items: list[Node] = list(node.value)
                return [self._value(item, (*path, i), _place(item)) for i, item in enumerate(items)]
            return self._mapping(node, path)
        finally:
            self.open.pop()

    def _scalar(self, node: Any, path: KeyPath, tag: str) -> Any:
        text = str(node.value)
        if node.style in ("'", '"', "|", ">") or tag.endswith(":str"):
            return text
        if _LEADING_ZERO.match(text):
            self._problem(
                node,
                path,
                f"`{text}` is read as the number {int(text)}, without its leading zero",
                f'write "{text}" for text or {int(text)} for the number',
            )
        if _infinite(text):
            self._problem(
                node, path, f"`{text}` is no finite number", "leave the key out to set no limit"
            )
            return None
        return _resolve(text)

    def _mapping(self, node: Node, path: KeyPath) -> dict[str, Any]:
        seen: dict[str, Place] = {}
        data: dict[str, Any] = {}
        merged: list[Node] = []
        pairs: list[tuple[Node, Node]] = list(node.value) if _is(node, MappingNode) else []
        for key_node, value_node in pairs:
            if not _is(key_node, ScalarNode):
                self._problem(key_node, path, "a key must be text", "write a plain word before `:`")
                continue
            key = str(key_node.value)
            if key == "<<" and key_node.style is None:
                merged.append(value_node)
                continue
            if key in seen:
                self._problem(
                    key_node,
                    (*path, key),
                    f"the key stands twice; the first is in line {seen[key].line}",
                    "remove one of them",
                )
                continue
            seen[key] = _place(key_node)
            data[key] = self._value(value_node, (*path, key), seen[key])
        for value_node in merged:
            for mapping in self._merge_sources(value_node, path):
                for key, value in self._mapping_of(mapping, path, skip=set(data)).items():
                    data.setdefault(key, value)
        return data

    def _merge_sources(self, node: Node, path: KeyPath) -> Iterator[Node]:
        candidates: list[Node] = list(node.value) if _is(node, SequenceNode) else [node]
        for candidate in candidates:
            if _is(candidate, MappingNode) and id(candidate) not in self.open:
                yield candidate
            else:
                self._problem(
                    candidate, path, "`<<` needs a mapping", "name an anchor: `<<: *base`"
                )

    def _mapping_of(self, node: Node, path: KeyPath, *, skip: set[str]) -> dict[str, Any]:
        """A merged mapping's values; places of keys that are already there are kept."""
        kept = {known: mark for known, mark in self.file.marks.items() if _under(known, path, skip)}
        self.open.append(id(node))
        values = self._mapping(node, path)
        self.open.pop()
        self.file.marks.update(kept)
        return values


def _is(node: Node, kind: type) -> bool:
    """`isinstance` that leaves the node untyped, as its attributes have no types anyway."""
    return isinstance(node, kind)


class _ExpansionError(Exception):
    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


def _under(known: KeyPath, path: KeyPath, keys: set[str]) -> bool:
    depth = len(path)
    return len(known) > depth and known[:depth] == path and known[depth] in keys


def _infinite(text: str) -> bool:
    if _SPECIAL.match(text):
        return True
    return _FLOAT.match(text) is not None and math.isinf(float(text))


def _resolve(text: str) -> Any:
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if _INT.match(text):
        return int(text) if len(text) < 400 else text
    if _BASED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return text


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
