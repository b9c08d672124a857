"""Fields of a record: what to look for in a document, in which form."""

from typing import Annotated, Literal, cast

from pydantic import Field as PydanticField
from pydantic import field_validator, model_validator

from docmill.base import Frozen

FieldType = Literal[
    "text", "id", "integer", "number", "quantity", "range", "date", "boolean", "list"
]


class Field(Frozen):
    """One field of a record."""

    type: FieldType = "text"
    """`quantity` is a number with a unit (a currency counts), `range` a stated interval with one,
    `id` a text compared without spaces and case, `list` a repeated group with its own `fields`."""
    unit: str | None = None
    """Unit the value is wanted in, for `quantity` and `range`; checks convert other units."""
    description: str = ""
    """For people and language models."""
    aliases: tuple[str, ...] = ()
    """Labels, codes and names it goes by in documents, in any language."""
    section: tuple[str, ...] = ()
    """Headings one of which the value has to stand under."""
    pick: Literal["min", "typ", "max"] | None = None
    """Which column to take where a table gives several, for `quantity` and `number`."""
    required: bool = True
    """A required value that is missing flags the document."""
    enum: dict[str, tuple[str, ...]] | None = None
    """Allowed texts, each with its other spellings: `{passed: [pass, bestanden]}`, or a list."""
    pattern: str | None = None
    """Regular expression the whole text has to match, for `text` and `id`."""
    fields: "dict[str, Field] | None" = None
    """Fields of each row, for `list`."""

    @field_validator("aliases", "section", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @field_validator("enum", mode="before")
    @classmethod
    def _enum_from_list(cls, value: object) -> object:
        if not isinstance(value, (list, tuple)):
            return value
        items = cast("list[object]", value)
        others = [item for item in items if not isinstance(item, str)]
        if others:
            shown = "true/false" if isinstance(others[0], bool) else str(others[0])
            raise ValueError(f"the list holds {shown}, which is not text; write it in quotes")
        return {str(item): () for item in items}

    @model_validator(mode="after")
    def _consistent(self) -> "Field":
        if (self.type == "list") != (self.fields is not None):
            raise ValueError("`fields` belongs to type `list`, and only there")
        if self.unit is not None and self.type not in ("quantity", "range"):
            raise ValueError(
                f"`unit` has no meaning for type `{self.type}`; did you mean `quantity`?"
            )
        if self.enum is not None and self.type not in ("text", "id"):
            raise ValueError(f"`enum` has no meaning for type `{self.type}`")
        return self


FieldName = Annotated[str, PydanticField(pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class RecordSpec(Frozen):
    """The structured output of a document: fields, a JSON Schema file, or a pydantic model."""

    fields: dict[FieldName, Field] | None = None
    """What to look for, by name."""
    json_schema: str | None = None
    """Path of a JSON Schema file in the workspace."""
    python: str | None = None
    """`module:Model`, a pydantic model importable from the workspace."""
    repairs: Annotated[int, PydanticField(ge=0, le=10)] = 2
    """How often the model may hand in a corrected record."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "RecordSpec":
        given = [name for name in ("fields", "json_schema", "python") if getattr(self, name)]
        if len(given) != 1:
            raise ValueError("give exactly one of `fields`, `json_schema`, `python`")
        return self
