"""How a run ended, in events of Prefect and by its blocks: automations and receivers hear of it."""

from collections.abc import Callable
from typing import Any

import pytest
from scripted_job import ScriptedJob, documents
from tests.forked import run
from tests.notify.hooks import receiver

from docmill.flow.address import ServerAddress
from docmill.flow.errands import BlockMessage, SendMessages, run_errand
from docmill.flow.job import Published, RunEnd, RunEvent
from docmill.flow.launch import prefect_client
from docmill.plan import PlannedDocument

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Ask = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]


class TellingJob(ScriptedJob):
    """One that has something to say at its end, of a pipeline that nobody else has."""

    def __init__(self, batch: list[PlannedDocument]) -> None:
        super().__init__(batch)
        self.name = "telling"

    async def report(self, end: RunEnd) -> Published:
        """What a run with a flagged document says."""
        published = await super().report(end)
        payload = {"run": self.run_id, "documents": {"flagged": 1}}
        events = tuple(RunEvent(name, payload) for name in ("finished", "flagged"))
        return Published(published.markdown, published.folder, events=events)


def test_an_automation_reacts_to_how_a_run_ended(
    prefect_server: ServerAddress, ask: Ask, eventually: Eventually
) -> None:
    """It starts a deployment with what the event says of the run."""
    flow = ask("/flows/", {"name": "reaction"})
    body = {"name": "default", "flow_id": flow["id"], "enforce_parameter_schema": False}
    deployment = ask("/deployments/", body)["id"]
    run_it = {"__prefect_kind": "jinja", "template": "{{ event.payload.run }}"}
    ask(
        "/automations/",
        {
            "name": "look at what is flagged",
            "trigger": {
                "type": "event",
                "match": {"prefect.resource.id": "docmill.run.telling.*"},
                "expect": ["docmill.run.flagged"],
                "posture": "Reactive",
                "threshold": 1,
                "within": 0,
            },
            "actions": [
                {
                    "type": "run-deployment",
                    "source": "selected",
                    "deployment_id": deployment,
                    "parameters": {"run": run_it},
                }
            ],
        },
    )
    outcome = run(TellingJob(documents(1, batch="telling")), prefect_server)
    filters = {"flow_runs": {"deployment_id": {"any_": [deployment]}}}
    (reaction,) = eventually(lambda: ask("/flow_runs/filter", filters))
    assert reaction["parameters"] == {"run": "run-0001"}
    wanted = {"resource": {"id": ["docmill.run.telling.run-0001"]}}
    found = eventually(lambda: ask("/events/filter", {"filter": wanted})["events"])
    assert {each["event"] for each in found} == {"docmill.run.finished", "docmill.run.flagged"}
    for event in found:
        assert event["resource"]["prefect.resource.id"] == "docmill.run.telling.run-0001"
        assert event["resource"]["docmill.pipeline"] == "telling"
        assert event["payload"] == {"run": "run-0001", "documents": {"flagged": 1}}
        related = {each["prefect.resource.id"] for each in event["related"]}
        assert {f"prefect.flow-run.{outcome.flow_run_id}", "docmill.pipeline.telling"} <= related


def test_a_block_takes_a_message_to_whom_it_knows(prefect_server: ServerAddress) -> None:
    """Any block that notifies; what can't be sent says why, and the rest is sent."""
    with receiver() as hook:
        with prefect_client(prefect_server):
            from prefect.blocks import notifications

            kind: Any = notifications.CustomWebhookNotificationBlock
            text = {"text": "{{subject}}: {{body}}"}
            kind(name="x", url=hook.address, json_data=text).save("quality")
        sent = run_errand(
            prefect_server,
            SendMessages(
                (
                    BlockMessage("slack-webhook/nobody", "run-0007", "1 flagged"),
                    BlockMessage("custom-webhook/quality", "run-0007", "1 flagged"),
                )
            ),
        )
    assert [reply.kind for reply in sent] == ["missing", "found"]
    assert hook.notices == [{"text": "run-0007: 1 flagged"}]
