"""A session with a way out: what it asked for stands in its journal, where it asked for it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.egress.egress_scene import LOOPBACK, Names, Website, host

from docmill.egress.broker import Broker
from docmill.egress.hosts import rules_for
from docmill.egress.policy import Policy
from docmill.events import Event, ToolResultEvent, ToolUse
from docmill.records.egress import Egress, EgressSummary
from docmill.session.run import run_session
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

RECORD = {
    "voltage": {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"},
    "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"},
}
GET = "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://{0}/ HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3"


async def journal(bench: "Bench", broker: Broker | None, command: str) -> Sequence[Event]:
    """The events of a session whose agent runs a command and hands in its record."""
    steps = [
        [tool_use("bash", {"command": command}, call="b1")],
        [tool_use("submit_record", RECORD, call="s1")],
    ]
    with ScriptedModel(steps) as model:
        made = bench.for_model(model)
        spec = replace(made.sandbox_spec, door=broker is not None)
        workbench = replace(made, broker=broker, sandbox_spec=spec)
        end = await run_session(workbench, bench.document(workbench), attempt=1)
    assert end.findings.record is not None
    return [entry.event for entry in bench.store.journal(end.session)]


async def test_requests_stand_between_the_call_and_its_result(bench: "Bench") -> None:
    """And their sum before the sandbox's end."""
    async with host(Website()) as port:
        policy = Policy(rules_for([f"a.example:{port}"]))
        broker = Broker(policy, resolver=Names(), addresses=LOOPBACK)
        places = (f"a.example:{port}", "b.example")
        events = await journal(bench, broker, "; ".join(GET.format(place) for place in places))
    kinds = (ToolUse, ToolResultEvent, Egress, EgressSummary)
    told = [event for event in events if isinstance(event, kinds)]
    assert [type(event) for event in told] == [
        ToolUse,
        Egress,
        Egress,
        ToolResultEvent,
        EgressSummary,
    ]
    requests = [event for event in told if isinstance(event, Egress)]
    assert [event.verdict for event in requests] == ["allowed", "refused"]
    assert events[-1].type == "docmill.sandbox_stopped"


async def test_a_session_without_one_asks_in_vain(bench: "Bench") -> None:
    """There is no port, and no word of it in the journal."""
    events = await journal(bench, None, GET.format("a.example"))
    (result,) = [event for event in events if isinstance(event, ToolResultEvent)]
    assert "Connection refused" in result.content
    assert not any(isinstance(event, Egress | EgressSummary) for event in events)


async def test_what_is_still_under_way_is_cut_with_the_session(bench: "Bench") -> None:
    """A program left behind holds a connection; the journal ends in order all the same."""
    broker = Broker(Policy(rules_for(["a.example"])), resolver=Names(), addresses=LOOPBACK)
    hold = "exec 3<>/dev/tcp/127.0.0.1/3128; sleep 60 &"
    events = await journal(bench, broker, hold)
    (cut,) = [event for event in events if isinstance(event, Egress)]
    assert (cut.verdict, cut.reason) == ("failed", "session_ended")
    assert any(isinstance(event, EgressSummary) for event in events)
