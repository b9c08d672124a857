"""Documents dealt to shards that work, fail, die and come back: each is answered once."""

import asyncio
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from tests.scale.conftest import make_workspace

from docmill.batch.dealing import AHEAD, BARREN, DEATHS, Dealer
from docmill.batch.letters import (
    Answer,
    answer_text,
    document_text,
    read_answer_text,
    read_document_text,
)
from docmill.batch.observer import SilentObserver
from docmill.batch.shard import check_same
from docmill.batch.shardlife import LONGEST_LOOK
from docmill.compile import compile_pipeline
from docmill.errors import LimitError, ModelError, PrerequisiteError, RunError, SessionError
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentInfo, RunInfo
from docmill.session.run import SessionEnd
from docmill.spec.scaling import Scale
from docmill.store.database import open_database
from docmill.store.heartbeats import Heartbeats
from docmill.store.sessions import Findings, SessionStore
from docmill.store.shards import ShardStore

PLACES = 2
ROOT = Path("/workspace")


def document(name: str) -> PlannedDocument:
    """A report in the workspace."""
    info = DocumentInfo(id=name, name=f"{name}.pdf", sha256="0", size=1)
    return PlannedDocument(info=info, location=f"{ROOT}/in/{name}.pdf", key=f"key-{name}")


class World:
    """A dealer, its store, and shards on other machines that do what they are told to."""

    def __init__(self, engine: Engine, *, shards: int = 3) -> None:
        self.now = 0.0
        self.store = ShardStore(engine, 1)
        self.heartbeats = Heartbeats(engine)
        self.sessions = SessionStore(engine)
        self.engine = engine
        self.living: dict[str, str] = {}
        """Shard → its lease."""
        self.began = Counter[str]()
        self.dealer = self.new_dealer(shards)

    def new_dealer(self, shards: int = 3) -> Dealer:
        """A coordinator."""
        return Dealer(
            self.store,
            Scale(shards=shards, lease_seconds=10),
            root=ROOT,
            observer=SilentObserver(),
            recover=lambda: None,
            hand=AHEAD * PLACES,
            now=lambda: self.now,
        )

    async def look(self, times: int = 1) -> None:
        """Time passes; whoever lives says so."""
        for _ in range(times):
            self.now += LONGEST_LOOK
            for owner in self.living.values():
                self.heartbeats.beat(owner)
            self.dealer.look()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def come(self) -> None:
        """Every shard that is wanted comes."""
        for shard in self.store.shards():
            if shard.state == "wanted":
                owner = f"elsewhere-{shard.name} 1 2 boot pid:[1]"
                self.heartbeats.beat(owner)
                assert ShardStore(self.engine, 1, owner=owner).join(shard.name, places=PLACES)
                self.living[shard.name] = owner

    def die(self) -> None:
        """A shard is heard of no more."""
        if self.living:
            del self.living[min(self.living)]

    def leave(self) -> None:
        """A shard is told to end."""
        if self.living:
            shard = max(self.living)
            self.store.leave(shard)
            del self.living[shard]

    def begin(self) -> None:
        """Every shard begins what it has room for, and drops what is withdrawn."""
        for shard in self.living:
            hand = self.store.deals(shard)
            for deal in hand:
                if deal.state == "withdrawn":
                    self.store.answer(shard, deal.document, state="gone")
            room = PLACES - sum(deal.state == "begun" for deal in hand)
            names = [deal.document for deal in hand if deal.state == "dealt"][:room]
            self.store.begin(shard, names)
            self.began.update(names)

    def answer(self) -> None:
        """Every shard finishes one document."""
        for shard in self.living:
            begun = [deal for deal in self.store.deals(shard) if deal.state == "begun"]
            for deal in begun[:1]:
                key = f"key-{deal.document}"
                session = self.sessions.create(key=key, run=1, document=deal.document)
                self.sessions.finish(session, Findings(record=None, message=deal.document))
                text = answer_text(Answer(session, deal.attempt))
                self.store.answer(shard, deal.document, state="done", text=text)


ACTIONS = st.lists(
    st.sampled_from(["come", "begin", "answer", "answer", "die", "leave", "look", "look"]),
    max_size=40,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(ACTIONS, st.integers(1, 12))
def test_whatever_shards_do_each_document_is_answered_once(
    actions: list[str], documents: int
) -> None:
    """Or given up, if too many of them died with it; never dealt to two at the same time."""

    async def play(world: World) -> None:
        names = [f"d{number}" for number in range(documents)]
        tasks = [
            asyncio.create_task(world.dealer.carry_out(document(name), attempt=1)) for name in names
        ]
        await asyncio.sleep(0)
        for action in actions:
            if action == "look":
                await world.look()
            else:
                getattr(world, action)()
            hands = Counter(deal.shard for deal in world.store.deals())
            assert all(number <= AHEAD * PLACES + PLACES for number in hands.values())
        for _ in range(200):
            if all(task.done() for task in tasks):
                break
            await world.look(8)
            world.come()
            world.begin()
            world.answer()
        for name, task in zip(names, tasks, strict=True):
            ended = (await asyncio.gather(task, return_exceptions=True))[0]
            if isinstance(ended, SessionEnd):
                assert ended.findings.message == name
            else:
                assert isinstance(ended, SessionError | RunError)
                assert actions.count("die") >= min(DEATHS, BARREN) or "leave" in actions
        await world.look()

    with TemporaryDirectory() as folder:
        engine = open_database(Path(folder))
        try:
            asyncio.run(play(World(engine)))
        finally:
            engine.dispose()


async def test_a_document_that_kills_its_shards_is_given_up(tmp_path: Path) -> None:
    """Three deaths are enough; the remedy names the document."""
    world = World(open_database(tmp_path), shards=1)
    task = asyncio.create_task(world.dealer.carry_out(document("bomb"), attempt=1))
    await asyncio.sleep(0)
    for _ in range(DEATHS):
        await world.look(20)
        world.come()
        await world.look()
        world.begin()
        await world.look()
        world.die()
        await world.look(8)
    with pytest.raises((SessionError, RunError)) as caught:
        await task
    world.engine.dispose()
    assert "docmill" in caught.value.remedy or "Prefect" in caught.value.remedy


async def test_shards_that_never_do_anything_end_the_run(tmp_path: Path) -> None:
    """With what the last of them said."""
    world = World(open_database(tmp_path), shards=1)
    task = asyncio.create_task(world.dealer.carry_out(document("a"), attempt=1))
    await asyncio.sleep(0)
    for _ in range(BARREN):
        await world.look(60)
        name = await world.dealer.next_shard()
        assert name is not None
        await world.dealer.shard_over(name, "Prefect has no deployment.\nDeploy: docmill deploy")
    with pytest.raises(RunError, match="no deployment") as caught:
        await task
    assert caught.value.remedy == "Deploy: docmill deploy"
    world.engine.dispose()


async def test_a_document_taken_back_is_dropped_by_its_shard_first(tmp_path: Path) -> None:
    """Whoever cancels waits until nothing more can be spent on it."""
    world = World(open_database(tmp_path), shards=1)
    task = asyncio.create_task(world.dealer.carry_out(document("a"), attempt=1))
    await asyncio.sleep(0)
    await world.look()
    world.come()
    await world.look()
    world.begin()
    await world.look()
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    assert [deal.state for deal in world.store.deals()] == ["withdrawn"]
    world.begin()
    await world.look()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert world.store.deals() == []
    world.engine.dispose()


async def test_the_next_coordinator_takes_shards_over_as_they_are(tmp_path: Path) -> None:
    """What they have begun isn't begun again; what was answered meanwhile is taken."""
    world = World(open_database(tmp_path), shards=2)
    names = ["a", "b", "c"]
    first = [
        asyncio.create_task(world.dealer.carry_out(document(name), attempt=1)) for name in names
    ]
    await asyncio.sleep(0)
    await world.look()
    world.come()
    await world.look()
    world.begin()
    world.dealer = world.new_dealer()
    world.answer()
    second = [
        asyncio.create_task(world.dealer.carry_out(document(name), attempt=1)) for name in names
    ]
    await asyncio.sleep(0)
    for _ in range(4):
        await world.look()
        world.begin()
        world.answer()
    await world.look()
    ends = await asyncio.gather(*second)
    assert [end.findings.message for end in ends] == names
    assert set(world.began.values()) == {1}
    for _ in range(2):  # the first one lets go of its documents, the second of waiting for that
        for task in first:
            task.cancel()
        await asyncio.sleep(0)
    await asyncio.gather(*first, return_exceptions=True)
    world.engine.dispose()


def test_letters_say_the_same_in_another_workspace() -> None:
    """A document below the workspace is found below the other one; errors keep their kind."""
    inside = document("a")
    moved = read_document_text(document_text(inside, ROOT), Path("/elsewhere"))
    assert moved.location == "/elsewhere/in/a.pdf"
    assert (moved.info, moved.key) == (inside.info, inside.key)
    bucket = PlannedDocument(info=inside.info, location="s3://bucket/in/a.pdf", key="k")
    assert read_document_text(document_text(bucket, ROOT), Path("/elsewhere")) == bucket
    limit = LimitError("Too much.", code="limit_usd", remedy="docmill resume")
    again = read_answer_text(answer_text(Answer(error=limit))).error
    assert isinstance(again, LimitError)
    assert (again.message, again.code, again.remedy) == (limit.message, limit.code, limit.remedy)
    assert again.resumable
    model = ModelError("Later.", code="model_overloaded", retryable=True)
    told = read_answer_text(answer_text(Answer(error=model))).error
    assert isinstance(told, ModelError)
    assert (told.code, told.retryable) == ("model_overloaded", True)
    stop = read_answer_text(answer_text(Answer(error=RunError("No sandbox.", remedy="x")))).error
    assert type(stop) is RunError
    assert read_answer_text(answer_text(Answer("sesn_1", 2))) == Answer("sesn_1", 2)


def test_a_worker_with_another_docmill_or_other_specs_is_refused(tmp_path: Path) -> None:
    """Both versions, or both digests, are named; the same ones are taken."""
    loaded = make_workspace(tmp_path, "http://127.0.0.1:9", reports=1)
    compiled = compile_pipeline(loaded, "reports")
    info = RunInfo.model_construct(
        id="run-0001",
        pipeline="reports",
        docmill_version="1.4.0",
        environment="default",
        agent=f"reader@{compiled.session_digest[:12]}",
        spec_digest=compiled.spec_digest,
    )
    check_same(info, compiled, here="1.4.0")
    with pytest.raises(PrerequisiteError, match=r"docmill 1\.3\.9.*docmill 1\.4\.0") as caught:
        check_same(info, compiled, here="1.3.9")
    assert caught.value.remedy.endswith("pip install docmill==1.4.0")
    other = info.model_copy(update={"spec_digest": "0123456789abcdef"})
    with pytest.raises(PrerequisiteError, match="0123456789ab") as caught:
        check_same(other, compiled, here="1.4.0")
    assert compiled.spec_digest[:12] in caught.value.message
    other = info.model_copy(update={"agent": "reader@0123456789ab"})
    with pytest.raises(PrerequisiteError, match=r"packages.*`default`.*0123456789ab"):
        check_same(other, compiled, here="1.4.0")
