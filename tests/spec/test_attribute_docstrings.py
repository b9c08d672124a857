"""Docstrings below attributes: read from the source when a schema is asked for, not at import."""

from pydantic import create_model

from docmill.base import Frozen, attribute_docstrings


class Measured(Frozen):
    """Something with a size."""

    size: int = 0
    """In millimetres,
    rounded."""
    plain: int = 0

    @property
    def double(self) -> int:
        """Not a field."""
        return 2 * self.size


class Weighed(Measured):
    """Something with a weight as well."""

    weight: int = 0
    """In grams."""


def test_docstrings_are_those_of_the_class_and_of_its_bases() -> None:
    """Only fields have them."""
    expected = {"size": "In millimetres,\nrounded.", "weight": "In grams."}
    assert attribute_docstrings(Weighed) == expected


def test_a_json_schema_describes_its_properties_with_them() -> None:
    """Editors show them beside the key."""
    properties = Weighed.model_json_schema()["properties"]
    assert properties["weight"]["description"] == "In grams."
    assert properties["size"]["description"] == "In millimetres,\nrounded."
    assert "description" not in properties["plain"]


def test_a_class_without_source_has_none_of_its_own() -> None:
    """One that was made at run time."""
    made = create_model("Made", __base__=Measured, extra=(int, 0))
    assert attribute_docstrings(made) == {"size": "In millimetres,\nrounded."}
