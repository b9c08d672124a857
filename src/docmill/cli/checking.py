"""`docmill validate`, `plan` and `schemas`: what the files say, before anything is run."""

from docmill.batch.equipment import equipped
from docmill.batch.foresight import foresee, foresee_kinds
from docmill.batch.start import make_plan, sandbox_of, survey
from docmill.batch.state import open_state
from docmill.cli.consent import consent_text
from docmill.cli.console import inert, put, put_json, talk
from docmill.cli.dormant import dormant
from docmill.cli.planned import Kinds, fate, fields_of, record_text, sent_to, sorted_out, tally
from docmill.cli.tables import put_table
from docmill.cli.workspace import chosen, here, overridden
from docmill.compile import check_workspace, compile_pipeline
from docmill.compile.networking import reachable
from docmill.errors import SpecError
from docmill.plan import BatchPlan, CompiledPipeline
from docmill.records.forecast import Forecast
from docmill.report.costs import forecast_basis, forecast_text
from docmill.report.display import count, size_text
from docmill.spec.agent import EMBEDDED, McpEntry, McpProgram
from docmill.spec.schemas import write_schemas


def validate(*, json: bool) -> None:
    """Report every mistake of the workspace at once.

    Raises:
        SpecError: there is at least one, and JSON wasn't asked for.
    """
    loaded, _ = here()
    problems = check_workspace(loaded)
    if json:
        put_json({"problems": [problem._asdict() for problem in problems]})
        if problems:
            raise SystemExit(SpecError.exit_code)
        return
    if problems:
        raise SpecError(problems)
    specs = loaded.workspace
    parts = [
        count(len(specs.pipelines), "pipeline"),
        count(len(specs.agents), "agent"),
        count(len(specs.environments), "environment"),
    ]
    put(f"{', '.join(parts)}: no problems.")


def plan(pipeline: str | None, settings: list[str], *, forecast: bool, json: bool) -> None:
    """Show what a run would do, and with `forecast` what it would take."""
    loaded, environment = here(pipeline)
    name = chosen(loaded, pipeline)
    loaded = overridden(loaded, name, settings)
    expected: Forecast | None = None
    by_kind: dict[str, Forecast] = {}
    with open_state(loaded) as state:
        compiled = equipped(compile_pipeline(loaded, name), environment, build=False)
        planned = make_plan(loaded, compiled, state)
        kinds = sorted_out(planned, state.growth)
        sandbox = sandbox_of(planned.compiled, environment).probe()
        if forecast:
            ground = survey(loaded, planned.compiled, environment, state)
            expected = foresee(ground, planned)
            by_kind = foresee_kinds(ground, planned, kinds.documents)
    if json:
        described = _described(planned, kinds, f"{sandbox.backend} {sandbox.version}")
        dumped = {kind: found.model_dump(mode="json") for kind, found in by_kind.items()}
        described["forecast"] = expected.model_dump(mode="json") if expected else None
        put_json(described | {"forecast_by_kind": dumped if expected else None})
        return
    receivers = sent_to(planned.compiled.agent, loaded.workspace.config.endpoints)
    _put_head(planned.compiled, f"{sandbox.backend} {sandbox.version}", receivers)
    put()
    put_table(
        ["document", "size", "what happens"],
        [
            [entry.info.name, size_text(entry.info.size), fate(entry, kinds.of[entry.info.id])]
            for entry in planned.documents
        ],
    )
    put()
    put(f"{tally(planned, kinds)} Nothing was run.")
    if expected is not None:
        put(f"Forecast: {forecast_text(expected)}.")
        for kind, part in by_kind.items() if len(by_kind) > 1 else ():
            put(f"  {kind:<8} {forecast_text(part)}")
        talk(f"{forecast_basis(expected)}.")
    for left_out in planned.excluded:
        talk(f"left out: {inert(left_out)}")
    for key in _without_effect(planned):
        talk(f"without effect in this version: {key}")


def _put_head(compiled: CompiledPipeline, sandbox: str, receivers: str) -> None:
    """What is the same for all documents."""
    put(f"{compiled.pipeline.name}: {compiled.pipeline.description}".rstrip(": "))
    limits = compiled.pipeline.limits.model_dump(exclude_none=True)
    minutes = limits.pop("approval_minutes")
    rows = [
        ("model", _asked(compiled)),
        ("sent to", receivers),
        ("agent", f"{compiled.agent.name}@{compiled.session_digest[:12]}"),
        (
            "sandbox",
            f"{sandbox}, environment {compiled.environment.name}",
        ),
        ("network", _network(compiled)),
        ("record", record_text(compiled)),
        ("reference", ", ".join(f"{r.path} {r.version}".strip() for r in compiled.references)),
        ("limits", ", ".join(f"{key} {value:g}" for key, value in limits.items())),
    ]
    for label, text in rows:
        put(f"  {label:<10} {text or 'none'}")
    if servers := compiled.agent.mcp_servers:
        put(f"  {'servers':<10} {', '.join(map(_server, servers))}")
    if asked := consent_text(compiled.agent):
        put(f"  {'consent':<10} {asked}; denied after {minutes:g} min without an answer")


def _network(compiled: CompiledPipeline) -> str:
    """Whom sandboxes may talk to, and the credentials their requests get."""
    hosts = ", ".join(reachable(compiled.environment, compiled.agent))
    names = ", ".join(compiled.pipeline.vault)
    return hosts + (f"; credentials {names}" if names else "")


def _server(server: McpEntry) -> str:
    where = "in the sandbox" if isinstance(server, McpProgram) else server.url
    return inert(f"{server.name} {where}")


def _asked(compiled: CompiledPipeline) -> str:
    """The models, and how they are asked."""
    model = compiled.agent.model_id
    batched = compiled.pipeline.mode == "batch" and model != EMBEDDED
    return f"{model}, in message batches" if batched else model


def schemas(*, json: bool) -> None:
    """Write the editors' JSON Schemas."""
    loaded, _ = here()
    written = [str(path) for path in write_schemas(loaded.root)]
    if json:
        put_json({"written": written})
        return
    for path in written:
        put(path)
    if not written:
        talk("All schemas are up to date.")


def _without_effect(planned: BatchPlan) -> list[str]:
    compiled = planned.compiled
    return [
        *dormant(compiled.pipeline, "pipeline"),
        *dormant(compiled.agent, "agent"),
        *dormant(compiled.environment, "environment"),
    ]


def _described(planned: BatchPlan, kinds: Kinds, sandbox: str) -> dict[str, object]:
    compiled = planned.compiled
    return {
        "pipeline": compiled.pipeline.name,
        "model": compiled.agent.model_id,
        "mode": compiled.pipeline.mode,
        "agent": compiled.agent.name,
        "environment": compiled.environment.name,
        "sandbox": sandbox,
        "session_digest": compiled.session_digest,
        "spec_digest": compiled.spec_digest,
        "references": [entry.model_dump() for entry in compiled.references],
        "limits": compiled.pipeline.limits.model_dump(mode="json", exclude_none=True),
        "documents": [
            {
                "id": entry.info.id,
                "name": entry.info.name,
                "size": entry.info.size,
                "kind": kinds.of[entry.info.id],
                "fields": fields_of(entry),
                "code": entry.code,
                "message": entry.message,
                "duplicate_of": entry.info.duplicate_of,
                "key": entry.key,
            }
            for entry in planned.documents
        ],
        "gone": list(kinds.gone),
        "excluded": list(planned.excluded),
        "without_effect": _without_effect(planned),
    }
