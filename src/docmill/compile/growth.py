"""What two sessions have in common that differ only by the fields of their records: their base.

With the same base, a field that is defined as it was need not be asked again. Pure; the store knows
which sessions have which base.
"""

from docmill.compile.digest import session_digest
from docmill.output.schema import record_schema
from docmill.output.shape import RecordShape
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.spec.pipeline import Pipeline


def base_digest(
    *, pipeline: Pipeline, agent: Agent, environment: Environment, preamble: str
) -> str:
    """sha256 of all that decides what a session finds, except document and fields of the record.

    Empty for a record by JSON Schema or python model: what holds of such a record as a whole can't
    be told from its fields, so it is asked for as a whole.
    """
    if pipeline.record.fields is None:
        return ""
    return session_digest(
        pipeline=pipeline,
        agent=agent,
        environment=environment,
        shape=RecordShape({}, record_schema({})),
        system=preamble,
    )
