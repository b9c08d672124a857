"""Containers started ahead: how many, for whom first, and what becomes of those nobody takes."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import SandboxLimits
from docmill.sandboxes.docker.container import Container
from docmill.sandboxes.docker.form import IDLE_SECONDS, Form
from docmill.sandboxes.docker.load import Load
from docmill.sandboxes.docker.pool import Pool
from docmill.sandboxes.runtime import Runtime

LIMITS = SandboxLimits(memory=1, cpus=1, pids=1, disk=1, seconds=1, output=1)
FORM = Form(image="image", runtime=Runtime("python", ()), limits=LIMITS)
OTHER = Form(image="other", runtime=Runtime("python", ()), limits=LIMITS)
SECONDS = 20


class Made(Container):
    """A container of no engine: it is there, and then it isn't."""

    def __init__(self, form: Form, since: float, gone: list["Made"]) -> None:
        self.form = form
        self.since = since
        self._gone = gone

    def remove(self) -> None:
        """Count it as removed."""
        self._gone.append(self)


class Workshop:
    """Makes containers, one for each permit, and remembers them."""

    def __init__(self) -> None:
        self.begun: list[Form] = []
        self.made: list[Made] = []
        self.gone: list[Made] = []
        self.permits = threading.Semaphore(0)
        self.age = 0.0
        self.fails = False
        self.load = Load()
        self.pool = Pool(self.make, starters=2, load=self.load)

    def make(self, form: Form) -> Container:
        """As `Pool` asks for."""
        self.begun.append(form)
        with self.pool._changed:  # pyright: ignore[reportPrivateUsage]
            self.pool._changed.notify_all()  # pyright: ignore[reportPrivateUsage]
        assert self.permits.acquire(timeout=SECONDS)
        if self.fails:
            raise PrerequisiteError("no space", remedy="make room")
        self.made.append(Made(form, time.monotonic() - self.age, self.gone))
        return self.made[-1]

    def permit(self, number: int) -> None:
        """Let so many be made, and wait until they are."""
        wanted = len(self.made) + number
        self.permits.release(number)
        self.until(lambda: len(self.made) == wanted)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the pool's threads."""
        changed = self.pool._changed  # pyright: ignore[reportPrivateUsage]
        with changed:
            assert changed.wait_for(condition, SECONDS)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    """Nothing made yet; whatever still waits for a permit gets one in the end."""
    found = Workshop()
    yield found
    found.permits.release(100)


def test_a_container_is_made_for_who_waits(workshop: Workshop) -> None:
    """Without any ahead: one each, none in reserve."""
    coming = workshop.pool.take(FORM)
    assert not coming.done()
    workshop.permit(1)
    assert coming.result(SECONDS) is workshop.made[0]
    assert len(workshop.made) == 1


def test_one_that_is_ready_is_handed_out_at_once_and_once(workshop: Workshop) -> None:
    """Each goes to one document."""
    workshop.pool.stock_up(FORM, at_once=2, in_all=2)
    workshop.permit(2)
    found = [workshop.pool.take(FORM) for _ in range(2)]
    assert {coming.result(SECONDS) for coming in found} == set(workshop.made)
    assert not workshop.pool.take(FORM).done()


def test_what_nobody_took_is_removed_in_the_end(workshop: Workshop) -> None:
    """A run leaves nothing ready behind."""
    workshop.pool.stock_up(FORM, at_once=3, in_all=9)
    workshop.permit(3)
    taken = workshop.pool.take(FORM).result(SECONDS)
    workshop.permits.release(9)
    workshop.pool.clear_out(FORM)
    assert set(workshop.gone) == set(workshop.made) - {taken}


def test_no_more_are_made_than_documents_will_come(workshop: Workshop) -> None:
    """The last documents of a run need no successors."""
    workshop.pool.stock_up(FORM, at_once=2, in_all=3)
    workshop.permit(2)
    for _ in range(2):
        workshop.pool.take(FORM).result(SECONDS)
    workshop.permit(1)
    workshop.pool.take(FORM).result(SECONDS)
    workshop.pool.clear_out(FORM)
    assert len(workshop.made) == 3


def test_who_waits_comes_before_the_reserve(workshop: Workshop) -> None:
    """Also before the reserve of somebody else."""
    workshop.pool.stock_up(OTHER, at_once=9, in_all=9)
    workshop.until(lambda: len(workshop.begun) == 2)
    coming = workshop.pool.take(FORM)
    workshop.permit(2)
    workshop.until(lambda: len(workshop.begun) == 4)
    assert set(workshop.begun[2:]) == {FORM, OTHER}  # one for who waits, one beside it
    workshop.permits.release(9)
    assert coming.result(SECONDS) in workshop.made
    workshop.pool.clear_out(OTHER)


def test_who_has_gone_gets_none(workshop: Workshop) -> None:
    """It goes to the next, or to nobody but the reserve."""
    first, second = workshop.pool.take(FORM), workshop.pool.take(FORM)
    assert first.cancel()
    workshop.permit(1)
    assert second.result(SECONDS) is workshop.made[0]


def test_one_that_has_waited_too_long_is_not_used(workshop: Workshop) -> None:
    """Its own clock runs out; a fresh one takes its place."""
    workshop.age = IDLE_SECONDS + 1
    workshop.pool.stock_up(FORM, at_once=1, in_all=1)
    workshop.permit(1)
    workshop.until(lambda: workshop.pool._running == 0)  # pyright: ignore[reportPrivateUsage]
    workshop.age = 0.0
    coming = workshop.pool.take(FORM)
    workshop.permit(1)
    assert coming.result(SECONDS) is workshop.made[1]


def test_a_failure_reaches_who_waits_and_ends_starting_ahead(workshop: Workshop) -> None:
    """An engine without space isn't asked for more; who comes next is told again."""
    workshop.fails = True
    workshop.pool.stock_up(FORM, at_once=5, in_all=50)
    comings: list[Future[Container]] = [workshop.pool.take(FORM) for _ in range(2)]
    workshop.permits.release(4)
    for coming in comings:
        with pytest.raises(PrerequisiteError, match="no space"):
            coming.result(SECONDS)
    workshop.pool.clear_out(FORM)
    assert not workshop.made


def test_a_busy_machine_is_left_alone_for_as_long_as_the_work_took(tmp_path: Path) -> None:
    """Idle time is told by the kernel in ticks since boot."""
    stat = tmp_path / "stat"
    stat.write_text("cpu 100 0 0 100 0 0 0 0 0 0\n")
    load = Load(stat, shortest=0)
    stat.write_text("cpu 190 0 0 110 0 0 0 0 0 0\n")
    assert load.pause_after(0.25) == 0.25
    stat.write_text("cpu 200 0 0 200 0 0 0 0 0 0\n")
    assert load.pause_after(0.25) == 0.0


def test_a_machine_that_tells_nothing_counts_as_idle(tmp_path: Path) -> None:
    """Engines of other systems; they are somewhere else anyway."""
    assert Load(tmp_path / "stat", shortest=0).pause_after(1.0) == 0.0
