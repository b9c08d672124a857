"""Writes docs/cli.md and docs/reference.md out of the commands and the spec classes.

`python -m docmill.cli.docs [FOLDER]` writes them; a test compares. The other pages are written by
hand.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, cast

import typer

from docmill.cli.app import app
from docmill.cli.dormant import KEYS
from docmill.settings import known_settings
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.pipeline import Pipeline
from docmill.spec.schemas import schema_text
from docmill.spec.workspace import WorkspaceConfig

Schema = dict[str, Any]

WIDTH = 80
NOTE = "<!-- Written by `make docs`; change the code it describes. -->\n\n"
CLI_HEAD = """\
# The command line

Answers go to stdout, talk and progress to stderr; with `--json` stdout is JSON, also for an error.
On a pipe everything is plain: no colours, no moving line. Commands look for the workspace (a folder
with `docmill.yaml`) from the current folder upward.

## Exit codes

| code | means |
|---|---|
| 0 | all documents ended `ok` or `flagged`; or the command did what was asked |
| 1 | some documents did not finish, or there is no such run or document |
| 2 | a mistake in a spec or on the command line; nothing was run |
| 3 | something is missing on the machine, or another process is running this pipeline |
| 4 | a limit was reached |
| 130 | Ctrl-C; what is done is kept, and `docmill resume` goes on |

## Environment variables

| variable | means |
|---|---|
"""
MORE_VARIABLES = {
    "PREFECT_API_URL": "a Prefect server of yours, instead of the workspace's own",
    "NO_COLOR, FORCE_COLOR": "no colours; colours also where no terminal is seen",
}
REFERENCE_HEAD = """\
# The YAML reference

Every key of every file. Unknown keys are errors, and `docmill validate` says where.
[pipelines.md](pipelines.md) explains with examples; the same as JSON Schema for editors stands
beside the files in `.schema/` folders (`docmill schemas` writes them).

A key marked ○ is read and checked, but has no effect in this version of docmill: specs written for
a hosted agent service stay valid. `docmill plan` names those that a pipeline sets.
"""
_DECIMAL = "^(?!^[-+.]*$)"
KINDS = (
    ("Pipeline", "pipelines/NAME.yaml", Pipeline),
    ("Agent", "agent_specs/NAME.yaml", Agent),
    ("Environment", "sandbox/NAME.yaml", Environment),
    ("Workspace", "docmill.yaml", WorkspaceConfig),
)


class Block(NamedTuple):
    """A mapping in a YAML file: where it stands, and the class it is made from."""

    place: str
    path: str
    """The place without the type that tells it from its neighbours."""
    name: str
    """The class."""
    schema: Schema
    order: Schema
    """The same, with its keys in the order of the class."""


def cli_page() -> str:
    """Every command with its `--help`, then what all of them have in common."""
    variables = {**known_settings(), **MORE_VARIABLES}
    head = CLI_HEAD + "".join(f"| `{name}` | {text} |\n" for name, text in variables.items())
    return head.replace("\n\n", f"\n\n{NOTE}", 1) + "\n## Commands\n" + "".join(_commands())


def reference_page() -> str:
    """Every key of every spec file with type, default and meaning."""
    parts = [REFERENCE_HEAD.replace("\n\n", f"\n\n{NOTE}", 1)]
    for kind, file, model in KINDS:
        schema = json.loads(schema_text(model))
        page = _Page(kind, schema, model.model_json_schema(mode="validation"))
        parts.append(f"## {file}\n\n{schema['description']}\n\n" + page.text())
    return "\n".join(parts)


def write_pages(folder: Path) -> list[Path]:
    """Write both pages; returns those that changed."""
    changed: list[Path] = []
    for name, text in (("cli.md", cli_page()), ("reference.md", reference_page())):
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed


def _commands() -> Iterator[str]:
    root: Any = typer.main.get_command(app)
    yield from _command(root, "docmill", None)


def _command(command: Any, name: str, parent: Any) -> Iterator[str]:
    widths = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    context = command.context_class(
        command, info_name=name, parent=parent, **widths, **command.context_settings
    )
    if parent is not None:
        heading = context.command_path
        yield f"\n### {heading}\n\n```\n{command.get_help(context).rstrip()}\n```\n"
    for inner in getattr(command, "commands", {}).values():
        yield from _command(inner, inner.name, context)


class _Page:
    """The blocks of one kind of file, each once, in the order they are met."""

    def __init__(self, kind: str, schema: Schema, order: Schema) -> None:
        self._kind = kind
        self._schema = schema
        self._order = order
        self._places: dict[str, str] = {}
        self._blocks = [Block("", "", schema["title"].split()[-1], schema, order)]

    def text(self) -> str:
        """All tables."""
        return "\n".join(self._table(block) for block in self._all())

    def _all(self) -> Iterator[Block]:
        done = 0
        while done < len(self._blocks):
            yield self._blocks[done]
            done += 1

    def _table(self, block: Block) -> str:
        lines: list[str] = []
        if block.place:
            lines += [f"### {self._kind} `{block.place}`", "", block.schema["description"], ""]
        lines += ["| key | type | default | |", "|---|---|---|---|"]
        given: Schema = block.schema["properties"]
        known = [name for name in block.order["properties"] if name in given]
        for name in [*known, *(name for name in given if name not in known)]:
            typed = " or ".join(self._types(given[name], f"{block.path}.{name}".lstrip(".")))
            needed = name in block.schema.get("required", ())
            default = "required" if needed else _default(given[name])
            about = self._about(block, name)
            lines.append(f"| `{name}` | {_cell(typed)} | {_cell(default)} | {_cell(about)} |")
        return "\n".join(lines) + "\n"

    def _about(self, block: Block, name: str) -> str:
        key: Schema = block.schema["properties"][name]
        text = str(key.get("description", ""))
        if not text and name == "type":
            text = "Which kind of entry this is."
        if not text and (target := _target(key)):
            text = self._schema["$defs"][target]["description"].partition("\n")[0]
        mark = "○ " if f"{block.name}.{name}" in KEYS else ""
        return mark + " ".join(text.split())

    def _types(self, key: Schema, place: str) -> list[str]:
        """What a value may be, in words."""
        if "anyOf" in key or "oneOf" in key:
            forms: list[Schema] = key.get("anyOf") or key["oneOf"]
            texts = [text for form in forms for text in self._types(form, place)]
            return list(dict.fromkeys(texts))
        if "$ref" in key:
            return [self._link(key["$ref"].rpartition("/")[2], place)]
        if "const" in key:
            return [f"`{key['const']}`"]
        if "enum" in key:
            return [f"`{choice}`" for choice in key["enum"]]
        return self._plain(key, place)

    def _plain(self, key: Schema, place: str) -> list[str]:
        match key.get("type"):
            case "null":
                return []
            case "array":
                return [f"list of {' or '.join(self._types(key.get('items', {}), f'{place}[]'))}"]
            case "object":
                patterns = cast("Schema", key.get("patternProperties", {}))
                inner = next(iter(patterns.values()), key.get("additionalProperties"))
                typed = (
                    self._types(cast("Schema", inner), f"{place}.NAME")
                    if (isinstance(inner, dict))
                    else []
                )
                return [f"mapping of name to {' or '.join(typed)}" if typed else "mapping"]
            case "integer" | "number":
                return [_number(key)]
            case "boolean":
                return ["`true` or `false`"]
            case "string":
                pattern = key.get("pattern", "")
                # A decimal number may also be written as text; nobody has to know.
                return [] if pattern.startswith(_DECIMAL) else [_text(pattern)]
            case _:
                return ["anything"]

    def _link(self, name: str, path: str) -> str:
        if name not in self._places:
            schema = cast("Schema", self._schema["$defs"][name])
            tag = schema["properties"].get("type", {}).get("const")
            self._places[name] = f"{path} {tag}" if tag else path
            order = self._order["$defs"][name]
            self._blocks.append(Block(self._places[name], path, name, schema, order))
        shown = self._places[name]
        return f"[`{shown}`](#{anchor(f'{self._kind} {shown}')})"


def _target(key: Schema) -> str | None:
    """The class a key's value is made from; of a list's items, where it is a list."""
    forms = [key, key.get("items", {}), *key.get("anyOf", ())]
    refs = [form["$ref"] for form in forms if "$ref" in form]
    return refs[0].rpartition("/")[2] if refs else None


def anchor(heading: str) -> str:
    """The id that viewers of Markdown give a heading."""
    kept = (char for char in heading.lower() if char.isalnum() or char in " -_")
    return "".join(kept).replace(" ", "-")


def _text(pattern: str) -> str:
    return "share such as `20 %`" if "%" in pattern else "text"


def _number(key: Schema) -> str:
    noun = "whole number" if key["type"] == "integer" else "number"
    least, most = key.get("minimum"), key.get("maximum")
    if least is not None and most is not None:
        return f"{noun}, {least:g} to {most:g}"
    if least is not None:
        return f"{noun}, {least:g} or more"
    above = key.get("exclusiveMinimum")
    return noun if above is None else f"{noun} above {above:g}"


def _default(key: Schema) -> str:
    value = key.get("default")
    match value:
        case dict() if value:
            return "see there"
        case bool():
            return f"`{str(value).lower()}`"
        case list() if any(isinstance(item, dict) for item in cast("list[Any]", value)):
            return "all built-in tools"
        case list() if value:
            return f"`[{', '.join(map(str, cast('list[Any]', value)))}]`"
        case int() | float():
            return f"`{value:g}`"
        case str() if value:
            return f"`{value}`"
        case _:
            return "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for written in write_pages(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("docs")):
        sys.stdout.write(f"{written}\n")
