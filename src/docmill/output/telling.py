"""The fields of a record as a language model is told of them, at the end of its system prompt.

`compile.prompt` has the rest of the prompt; `schema` says the same as a JSON Schema.
"""

from collections.abc import Iterator, Mapping

from docmill.spec.fields import Field


def with_fields(preamble: str, fields: Mapping[str, Field]) -> str:
    """The system prompt: what it begins with, then the fields that are asked for."""
    told = "# Fields of the record\n" + "\n".join(_lines(fields, ""))
    return f"{preamble}\n\n{told}"


def _lines(fields: Mapping[str, Field], indent: str) -> Iterator[str]:
    for name, field in fields.items():
        yield f"{indent}- `{name}`: {_sentence(field)}"
        if field.fields is not None:
            yield from _lines(field.fields, indent + "  ")


def _sentence(field: Field) -> str:
    kind = "list, one entry per row" if field.type == "list" else field.type
    parts = [kind + (f" in {field.unit}" if field.unit else "")]
    if not field.required:
        parts.append("optional")
    if field.pick:
        parts.append(f"the {field.pick} column where a table has several")
    if field.enum:
        parts.append("one of " + ", ".join(_spelled(field.enum)))
    if field.pattern:
        parts.append(f"matches `{field.pattern}`")
    text = "; ".join(parts) + "."
    if field.description:
        text += f" {field.description.strip()}"
    if field.aliases:
        text += f" Also called: {', '.join(field.aliases)}."
    if field.section:
        text += f" Stands under: {', '.join(field.section)}."
    return text


def _spelled(enum: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for text, spellings in enum.items():
        yield f"{text} (also {', '.join(spellings)})" if spellings else text
