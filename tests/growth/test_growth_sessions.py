"""A record that grows: sessions ask for the fields that no earlier session knows."""

from typing import Any

from growing import MAKER, SERIAL, VOLTAGE, Workspace

from docmill.events import (
    Event,
    ModelRequestStart,
    OutcomeEvaluationEnd,
    SandboxStopped,
    StageStarted,
    UserMessage,
)
from docmill.models.rules import RulesModel
from docmill.records.growth import FieldsKept
from docmill.session.asking import adopt
from docmill.session.run import SessionEnd
from docmill.testing import ScriptedModel, tool_use

MODEL = "claude-haiku-4-5"
SAID = {
    "voltage": {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"},
    "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"},
    "maker": {"value": "Ohm Ltd", "page": 1, "quote": "Ohm Ltd"},
}


def submit(*names: str) -> list[dict[str, Any]]:
    """The step of a script that hands in these fields."""
    return [tool_use("submit_record", {name: SAID[name] for name in names}, call="s")]


def claim(**record: Any) -> list[dict[str, Any]]:
    """The step of a script that hands in this record."""
    return [tool_use("submit_record", record, call="s")]


def kept(events: list[Event]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a session took over, and what it asked for."""
    (event,) = [event for event in events if isinstance(event, FieldsKept)]
    return event.kept, event.asked


def values(end: SessionEnd) -> dict[str, tuple[str, str]]:
    """Status of each value, and the session it was taken over from."""
    assert end.findings.record is not None
    return {value.path: (value.status, value.session) for value in end.findings.record.values}


async def test_a_new_field_is_the_only_one_that_is_asked_for(workspace: Workspace) -> None:
    """The others keep value, proof and the session that found them; only the new one is paid."""
    with ScriptedModel([submit("voltage", "serial")]) as model:
        first = await workspace.read({"voltage": VOLTAGE, "serial": SERIAL}, {MODEL: model})
    with ScriptedModel([submit("maker")]) as model:
        second = await workspace.read(
            {"voltage": VOLTAGE, "maker": MAKER, "serial": SERIAL}, {MODEL: model}
        )
    (request,) = model.requests
    assert set(request.tools[-1]["input_schema"]["properties"]) == {"maker"}
    assert "`maker`" in request.system
    assert "`serial`" not in request.system
    assert kept(workspace.journal(second.session)) == (("voltage", "serial"), ("maker",))
    assert values(second) == {
        "voltage": ("verified", first.session),
        "maker": ("verified", ""),
        "serial": ("verified", first.session),
    }
    assert first.findings.record is not None
    assert second.findings.record is not None
    assert second.findings.record.values[0].reading == first.findings.record.values[0].reading


async def test_the_embedded_model_is_asked_for_the_new_field_too(workspace: Workspace) -> None:
    """And finds in it what it finds in the whole record."""
    await workspace.read({"voltage": VOLTAGE})
    end = await workspace.read({"voltage": VOLTAGE, "serial": SERIAL})
    assert kept(workspace.journal(end.session)) == (("voltage",), ("serial",))
    assert [status for status, _ in values(end).values()] == ["verified", "verified"]


async def test_a_removed_field_asks_nobody(workspace: Workspace) -> None:
    """The embedded model only looks whether the others still read the same."""
    await workspace.read({"voltage": VOLTAGE, "serial": SERIAL})
    end = await workspace.read({"voltage": VOLTAGE})
    events = workspace.journal(end.session)
    assert kept(events) == (("voltage",), ())
    assert not [event for event in events if isinstance(event, ModelRequestStart | UserMessage)]
    assert [status for status, _ in values(end).values()] == ["verified"]


async def test_a_changed_field_is_asked_again_and_alone(workspace: Workspace) -> None:
    """Its whole definition counts: here only an alias is new."""
    with ScriptedModel([submit("voltage", "serial")]) as model:
        await workspace.read({"voltage": VOLTAGE, "serial": SERIAL}, {MODEL: model})
    other = SERIAL | {"aliases": ["Serial number", "S/N"]}
    with ScriptedModel([submit("serial")]) as model:
        end = await workspace.read({"voltage": VOLTAGE, "serial": other}, {MODEL: model})
    assert kept(workspace.journal(end.session)) == (("voltage",), ("serial",))


async def test_a_renamed_field_is_another_field(workspace: Workspace) -> None:
    """One is removed, one is asked for; and under the old name it isn't asked a second time."""
    with ScriptedModel([submit("voltage", "serial")]) as model:
        await workspace.read({"voltage": VOLTAGE, "serial": SERIAL}, {MODEL: model})
    number = claim(number=SAID["serial"])
    with ScriptedModel([number]) as model:
        end = await workspace.read({"voltage": VOLTAGE, "number": SERIAL}, {MODEL: model})
    assert [*values(end)] == ["voltage", "number"]
    document = workspace.planned(
        workspace.compiled({"voltage": VOLTAGE, "serial": SERIAL}, [MODEL])
    )
    assert (document.cached, document.reuse) == (True, None)


async def test_a_prompt_or_a_model_that_changes_asks_for_everything(workspace: Workspace) -> None:
    """The base of the sessions is another one then."""
    with ScriptedModel([submit("voltage")]) as model:
        await workspace.read({"voltage": VOLTAGE}, {MODEL: model})
    more = {"voltage": VOLTAGE, "serial": SERIAL}
    assert workspace.planned(workspace.compiled(more, [MODEL])).reuse is not None
    assert workspace.planned(workspace.compiled(more, ["claude-sonnet-4-5"])).reuse is None
    workspace.system = "Read with care."
    assert workspace.planned(workspace.compiled(more, [MODEL])).reuse is None


async def test_in_a_cascade_each_model_is_asked_for_the_new_field_only(
    workspace: Workspace,
) -> None:
    """What the second model has proven isn't given back to the first."""
    workspace.write_pdf("report", ("Across it we saw 3.30 V", "Serial number AB-12", "by Ohm Ltd"))
    fields = {"voltage": VOLTAGE, "serial": SERIAL}
    voltage = claim(voltage=SAID["voltage"], serial=None)
    with ScriptedModel([voltage]) as model:
        await workspace.read(fields, {"rules": RulesModel(), MODEL: model})
    with ScriptedModel([submit("maker")]) as model:
        end = await workspace.read(fields | {"maker": MAKER}, {"rules": RulesModel(), MODEL: model})
    assert end.findings.record is not None
    by = {value.path: value.by for value in end.findings.record.values}
    assert by == {"voltage": MODEL, "serial": "rules", "maker": MODEL}
    starts = [e for e in workspace.journal(end.session) if isinstance(e, StageStarted)]
    assert [start.fields for start in starts] == [("maker",), ("maker",)]


async def test_the_rubric_is_held_against_the_whole_record(workspace: Workspace) -> None:
    """The grader sees what is known, too; only what is asked for can be complained about."""
    workspace.outcome = "{description: All., rubric: All values.}"
    fine = [tool_use("grade", {"criteria": [{"criterion": "c", "met": True}]}, call="g")]
    with ScriptedModel([submit("voltage"), fine]) as model:
        await workspace.read({"voltage": VOLTAGE}, {MODEL: model})
    unmet = {"criterion": "c", "met": False, "path": "voltage", "page": 1, "quote": "Test report"}
    graded = [tool_use("grade", {"criteria": [unmet]}, call="g")]
    with ScriptedModel([submit("serial"), graded]) as model:
        end = await workspace.read({"voltage": VOLTAGE, "serial": SERIAL}, {MODEL: model})
    assert "3.30 V" in str(model.requests[1].messages[0]["content"][-1])
    events = workspace.journal(end.session)
    (verdict,) = [event for event in events if isinstance(event, OutcomeEvaluationEnd)]
    assert verdict.result == "satisfied"


async def test_a_session_that_was_killed_goes_on_asking_what_it_asked(
    workspace: Workspace,
) -> None:
    """The answer that was paid for isn't asked again, and the merge is the same."""
    fields = {"voltage": VOLTAGE, "serial": SERIAL}
    with ScriptedModel([submit("voltage")]) as model:
        await workspace.read({"voltage": VOLTAGE}, {MODEL: model})
    with ScriptedModel([submit("serial")]) as model, workspace.dying_at(SandboxStopped):
        await workspace.read(fields, {MODEL: model})
    with ScriptedModel([]) as model:
        end = await workspace.read(fields, {MODEL: model})
    assert kept(workspace.journal(end.session)) == (("voltage",), ("serial",))
    assert [status for status, _ in values(end).values()] == ["verified", "verified"]


async def test_what_nobody_has_to_ask_is_put_together_without_a_session(
    workspace: Workspace,
) -> None:
    """A field less, another order: the record is there at once, and counts as an earlier run's."""
    with ScriptedModel([submit("voltage", "serial")]) as model:
        first = await workspace.read({"voltage": VOLTAGE, "serial": SERIAL}, {MODEL: model})
        compiled = workspace.compiled({"serial": SERIAL}, [MODEL])
        document = workspace.planned(compiled)
        assert document.cached
        assert adopt(workspace.bench(compiled, {MODEL: model}), document)
    known = workspace.store.finished(document.key)
    assert known is not None
    assert known.findings.record is not None
    assert [value.path for value in known.findings.record.values] == ["serial"]
    assert known.findings.record.values[0].session == first.session
    assert workspace.planned(compiled).reuse is None


async def test_a_list_is_one_field(workspace: Workspace) -> None:
    """Another column makes another list; rows of two readings never mix."""
    workspace.write_pdf("report", ("Output voltage 3.30 V", "Part R12 Price 0.10 EUR"))
    part, price = {"type": "id"}, {"type": "quantity", "unit": "EUR"}
    row = {
        "part": {"value": "R12", "page": 1, "quote": "R12"},
        "price": {"value": 0.1, "unit": "EUR", "page": 1, "quote": "0.10 EUR"},
    }
    before = {"voltage": VOLTAGE, "lines": {"type": "list", "fields": {"part": part}}}
    after = before | {"lines": {"type": "list", "fields": {"part": part, "price": price}}}
    with ScriptedModel([claim(voltage=SAID["voltage"], lines=[{"part": row["part"]}])]) as model:
        await workspace.read(before, {MODEL: model})
    with ScriptedModel([claim(lines=[row])]) as model:
        end = await workspace.read(after, {MODEL: model})
    assert [*values(end)] == ["voltage", "lines[0].part", "lines[0].price"]
    assert end.findings.record is not None
    assert end.findings.record.rows == {"lines": 1}
