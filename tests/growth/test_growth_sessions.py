"""A record that grows: sessions ask for the fields that no earlier session knows."""

from typing import Any

from growing import MAKER, SERIAL, VOLTAGE, Workspace

from docmill.events import Event, ModelRequestStart, UserMessage
from docmill.records.growth import FieldsKept
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
