"""What a run is made of, kept with it: specs as compiled, reference standard, prices.

Specs change after a run; whoever proves its report again needs those it was made with. Kept as
blobs, so the same specs are kept once. Keys and secrets aren't part of any spec.
"""

import json
from typing import Any

from sqlalchemy import insert, select

from docmill.base import Frozen
from docmill.batch.state import State
from docmill.checks.expectations import library_version
from docmill.ledger.prices import PriceTable
from docmill.output.fields import resolve_record
from docmill.output.shape import Bounds, RecordShape
from docmill.plan import CompiledPipeline
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.fields import Field
from docmill.spec.pipeline import Pipeline
from docmill.store.schema import origins

SPECS, PRICES, REFERENCE = "specs.json", "prices.json", "reference"
"""Parts; the reference standard's has the file's own suffix: `reference.xlsx`."""
VERSIONS = "versions.json"
"""Part: library → version, of libraries whose answers stand in the report."""
GREAT_EXPECTATIONS = "great-expectations"


class Specs(Frozen):
    """A pipeline with all that it names, as it was compiled."""

    pipeline: Pipeline
    agent: Agent
    environment: Environment
    fields: dict[str, Field]
    """In the order of the record."""
    record_schema: dict[str, Any]
    bounds: dict[str, Bounds] = {}
    """Limits of a JSON Schema by field, as `output.shape` has them."""
    python: bool = False
    """Whether a model of the user's own validates the record besides."""
    system: str
    session_digest: str
    spec_digest: str

    @property
    def shape(self) -> RecordShape:
        """The record's shape, without the user's own model: that is code, and isn't kept."""
        return RecordShape(self.fields, self.record_schema, None, self.bounds)


def keep_origins(state: State, number: int, compiled: CompiledPipeline, prices: PriceTable) -> None:
    """Keep what a run is made of; a run that goes on adds what is different now."""
    parts = {
        SPECS: _json(_specs(compiled).model_dump(mode="json")),
        PRICES: _json(prices.model_dump(mode="json")),
    }
    if compiled.pipeline.expectations:
        parts[VERSIONS] = _json({GREAT_EXPECTATIONS: library_version()})
    reference = compiled.pipeline.reference
    if reference is not None:
        path = compiled.root / reference.path
        parts[f"{REFERENCE}{path.suffix}"] = path.read_bytes()
    rows = {(number, part, state.blobs.put(data)) for part, data in parts.items()}
    with state.engine.begin() as connection:
        kept = select(origins).where(origins.c.run == number)
        rows -= {tuple(row) for row in connection.execute(kept)}
        if rows:
            names = ("run", "part", "blob")
            connection.execute(
                insert(origins), [dict(zip(names, row, strict=True)) for row in sorted(rows)]
            )


def _specs(compiled: CompiledPipeline) -> Specs:
    shape = resolve_record(compiled.pipeline.record, compiled.root)
    return Specs(
        pipeline=compiled.pipeline,
        agent=compiled.agent,
        environment=compiled.environment,
        fields=compiled.fields,
        record_schema=compiled.record_schema,
        bounds=shape.bounds,
        python=shape.model is not None,
        system=compiled.system,
        session_digest=compiled.session_digest,
        spec_digest=compiled.spec_digest,
    )


def _json(data: Any) -> bytes:
    text = json.dumps(data, ensure_ascii=False, indent=1, sort_keys=False)
    return text.encode("utf-8", "surrogatepass")
