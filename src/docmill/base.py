"""The base of every data class that crosses a boundary: YAML, journal, report.

Frozen and closed: an unknown key is an error, never a default. Behaviour lives in the layers above.
"""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable data with no unknown keys; attribute docstrings become JSON Schema descriptions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, populate_by_name=True
    )
