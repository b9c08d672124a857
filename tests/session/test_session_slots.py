"""Slots of a run's sessions: so many work at once, and who waits for a person lets another work."""

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from docmill.events import ToolConfirmation
from docmill.session.run import run_session
from docmill.session.slots import Slots
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from .conftest import Bench

ASKING = """Read.
tools:
  - type: agent_toolset_20260401
    configs: [{name: bash, permission_policy: {type: always_ask}}]"""
RECORD = {"voltage": {"value": 3.30, "unit": "V", "page": 1, "quote": "Output voltage 3.30 V"}}


class Crowd:
    """Documents that want to be worked on, and the order in which they were."""

    def __init__(self, number: int) -> None:
        self.slots = Slots(number)
        self.order: list[str] = []
        self.go = {name: asyncio.Event() for name in "abcd"}

    async def work(self, name: str) -> None:
        """Work on one until it is let go."""
        async with self.slots.working(name):
            self.order.append(name)
            await self.go[name].wait()

    async def rest(self, name: str) -> None:
        """Work on one, wait for a person till it is let go, and work again."""
        async with self.slots.working(name):
            slot = self.slots.of(name)
            assert slot is not None
            slot.leave()
            await self.go[name].wait()
            await slot.take()
            self.order.append(f"{name} again")


def confirmed(bench: "Bench", session: str) -> bool:
    """Whether a person's answer is in the journal."""
    return any(isinstance(one.event, ToolConfirmation) for one in bench.store.journal(session))


async def settled() -> None:
    """Until every task has come as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_only_so_many_work_at_once() -> None:
    """The next one begins when one ends, in the order they came."""
    crowd = Crowd(2)
    tasks = [asyncio.create_task(crowd.work(name)) for name in "abcd"]
    await settled()
    assert crowd.order == ["a", "b"]
    crowd.go["b"].set()
    await settled()
    assert crowd.order == ["a", "b", "c"]
    for event in crowd.go.values():
        event.set()
    await asyncio.gather(*tasks)
    assert crowd.order == ["a", "b", "c", "d"]


async def test_who_comes_back_goes_before_those_who_begin() -> None:
    """A person has answered: that work isn't put off for new work."""
    crowd = Crowd(1)
    resting = asyncio.create_task(crowd.rest("a"))
    await settled()
    tasks = [asyncio.create_task(crowd.work(name)) for name in "bc"]
    await settled()
    assert crowd.order == ["b"]
    crowd.go["a"].set()
    await settled()
    crowd.go["b"].set()
    crowd.go["c"].set()
    await asyncio.gather(resting, *tasks)
    assert crowd.order == ["b", "a again", "c"]


@pytest.mark.parametrize("moment", ["resting", "queueing", "having its turn"])
async def test_a_cancelled_one_leaves_its_slot_to_others(moment: str) -> None:
    """Wherever it was: none is lost, none is there twice."""
    crowd = Crowd(1)
    resting = asyncio.create_task(crowd.rest("a"))
    await settled()
    working = asyncio.create_task(crowd.work("b"))
    await settled()
    if moment != "resting":
        crowd.go["a"].set()
        await settled()
    if moment == "having its turn":
        crowd.slots.give()  # the turn is there, and the task hasn't run yet
    resting.cancel()
    if moment == "having its turn":
        await settled()
        await crowd.slots.take(again=False)
    crowd.go["b"].set()
    await asyncio.gather(resting, working, return_exceptions=True)
    last = [asyncio.create_task(crowd.work(name)) for name in "cd"]
    await settled()
    assert crowd.order == ["b", "c"]
    crowd.go["c"].set()
    crowd.go["d"].set()
    await asyncio.gather(*last)


async def test_a_session_that_waits_for_a_person_lets_another_work(bench: "Bench") -> None:
    """With one slot for both; it goes on when it is answered and the slot is free again."""
    bench.system = ASKING
    bash = tool_use("bash", {"command": "true"}, call="b1")
    with ScriptedModel([[bash], [tool_use("submit_record", RECORD, call="s1")]]) as model:
        workbench = bench.for_model(model)
        slots = Slots(1)
        workbench = replace(workbench, consent=replace(workbench.consent, slots=slots))
        document = bench.document(workbench)

        async def first() -> None:
            async with slots.working(document.info.id):
                await run_session(workbench, document, attempt=1)

        session = asyncio.create_task(first())
        while not (found := bench.approvals.waiting()):  # noqa: ASYNC110 - it comes by the store
            await asyncio.sleep(0.01)
        asked = found[0]
        async with asyncio.timeout(10), slots.working("another"):
            bench.approvals.decide(asked.session, asked.call, "allow")
            while not confirmed(bench, asked.session):  # noqa: ASYNC110 - it comes by the store
                await asyncio.sleep(0.01)
            await settled()
            assert len(model.requests) == 1
        await session
    assert len(model.requests) == 2
