"""Limits in dollars hold over all workers of a run, whatever dies when."""

import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import Engine, delete, update

from docmill.errors import LimitError
from docmill.events import CallLost, ModelRequestEnd, ModelRequestStart, SandboxStopped
from docmill.records.results import Usage
from docmill.store.accounts import ENOUGH, Accounts, rounded_up
from docmill.store.lease import own_lease
from docmill.store.schema import balances, charges, events, reservations
from docmill.store.sessions import Charge, SessionStore

if TYPE_CHECKING:
    from tests.store.conftest import Place


class Workspace:
    """A store, and the journals of sessions named s0, s1, ... on documents d0, d1, ..."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.store = SessionStore(engine)
        self._next: dict[str, int] = {}

    def accounts(self, per_run: str | None = None, per_document: str | None = None) -> Accounts:
        """The accounts of run 1 as one worker sees them."""
        return Accounts(
            self.engine,
            run=1,
            usd_per_document=None if per_document is None else Decimal(per_document),
            usd_per_run=None if per_run is None else Decimal(per_run),
        )

    def begin(self, session: str) -> None:
        """A call is under way."""
        start = ModelRequestStart(model="m", fingerprint="f")
        self.store.append(session, self._position(session), start)

    def answer(self, session: str, usd: str) -> None:
        """The call is answered and charged."""
        usage = Usage(model_calls=1, usd=Decimal(usd))
        end = ModelRequestEnd(
            model="m", response_id="", content=(), stop_reason="", model_usage=usage
        )
        charge = self.charge(session, usage)
        self.store.append(session, self._position(session), end, charge=charge)

    def lose(self, session: str, usd: str) -> None:
        """The journal says that nobody can say."""
        lost = CallLost(model="m", usd=usd)
        charge = self.charge(session, Usage(lost_calls=1))
        self.store.append(session, self._position(session), lost, charge=charge)

    def charge(self, session: str, usage: Usage) -> Charge:
        """A charge of a session."""
        return Charge(run=1, document=document(session), attempt=1, model="m", usage=usage)

    def sandbox(self, session: str, usd: str) -> None:
        """Time of the sandbox is charged."""
        charge = self.charge(session, Usage(sandbox_seconds=60, usd=Decimal(usd)))
        stopped = SandboxStopped(seconds=60)
        self.store.append(session, self._position(session), stopped, charge=charge)

    def kill(self, sessions: list[str]) -> None:
        """The process that had set something aside for these sessions is dead."""
        table = reservations.c
        with self.engine.begin() as connection:
            dead = update(reservations).where(table.session.in_(sessions))
            connection.execute(dead.values(owner=f"{own_lease()}-before"))

    def _position(self, session: str) -> int:
        self._next[session] = self._next.get(session, -1) + 1
        return self._next[session]


def document(session: str) -> str:
    """Document of a session."""
    return session.replace("s", "d")


@pytest.fixture
def fresh(engine: Engine) -> Workspace:
    """A fresh store for a test."""
    return Workspace(engine)


def reserve(accounts: Accounts, session: str, usd: str | None) -> bool:
    """Set something aside."""
    amount = None if usd is None else Decimal(usd)
    return accounts.reserve(amount, document=document(session), session=session)


def test_a_call_that_could_overshoot_is_refused_with_the_command_that_goes_on(
    fresh: Workspace,
) -> None:
    """The message names limit, value and use; the remedy proposes an amount."""
    accounts = fresh.accounts(per_run="1")
    reserve(accounts, "s1", "0.9")
    fresh.answer("s1", "0.9")
    with pytest.raises(LimitError) as caught:
        reserve(accounts, "s2", "0.2")
    assert caught.value.code == "limit_usd"
    assert "$0.2000" in caught.value.message
    assert "`limits.usd_per_run` 1.0000 (used 0.9000, set aside 0.0000)" in caught.value.message
    assert caught.value.remedy == "Go on: docmill resume run-0001 --limit usd=2"


def test_a_run_is_exhausted_once_the_smallest_call_has_no_room(fresh: Workspace) -> None:
    """A large call that doesn't fit says nothing about the others."""
    accounts = fresh.accounts(per_run="1")
    reserve(accounts, "s1", "0.2")
    fresh.answer("s1", "0.2")
    with pytest.raises(LimitError):
        reserve(accounts, "s2", "0.9")
    assert accounts.exhausted is None
    fresh.sandbox("s1", "0.7")
    with pytest.raises(LimitError) as caught:
        reserve(accounts, "s2", "0.9")
    assert accounts.exhausted is caught.value
    reserve(accounts, "s3", "0.05")
    assert accounts.exhausted is None


def test_a_run_that_never_had_room_is_exhausted_after_a_few_tries(fresh: Workspace) -> None:
    """One that goes on under the same limit starts no session for each of its documents."""
    accounts = fresh.accounts(per_run="1")
    for number in range(ENOUGH):
        assert accounts.exhausted is None
        with pytest.raises(LimitError):
            reserve(accounts, f"s{number}", "2")
    assert accounts.exhausted is not None


def test_a_document_has_its_own_limit_over_all_attempts(fresh: Workspace) -> None:
    """What an earlier session spent on it counts; another document isn't touched."""
    accounts = fresh.accounts(per_document="1")
    fresh.answer("s1", "0.9")
    with pytest.raises(LimitError, match="usd_per_document") as caught:
        reserve(accounts, "s1", "0.2")
    assert "--limit usd_per_document=" in caught.value.remedy
    assert accounts.exhausted is None
    assert reserve(accounts, "s2", "0.2")


def test_a_call_waits_while_only_worst_cases_stand_in_its_way(fresh: Workspace) -> None:
    """Once the other call is charged with what it cost, there is room."""
    accounts, other_worker = fresh.accounts(per_run="1"), fresh.accounts(per_run="1")
    assert reserve(accounts, "s1", "0.8")
    assert not reserve(other_worker, "s2", "0.8")
    fresh.answer("s1", "0.1")
    assert reserve(other_worker, "s2", "0.8")


def test_an_unpriced_call_is_refused_only_where_a_limit_is_set(fresh: Workspace) -> None:
    """Without a limit an unknown price stops nothing, and nothing is written."""
    assert reserve(fresh.accounts(), "s1", None)
    with pytest.raises(LimitError) as caught:
        reserve(fresh.accounts(per_run="1"), "s1", None)
    assert caught.value.code == "limit_unpriced"


def test_sandbox_time_counts_and_ends_no_call(fresh: Workspace) -> None:
    """It is charged beside a call that is under way."""
    accounts = fresh.accounts(per_run="1")
    reserve(accounts, "s1", "0.5")
    fresh.sandbox("s1", "0.2")
    assert accounts.used() == Decimal("0.2")
    assert not reserve(accounts, "s2", "0.4")


def test_a_call_of_a_dead_process_counts_until_its_journal_says_more(fresh: Workspace) -> None:
    """One that was under way is lost, one that was not begun is free again."""
    accounts = fresh.accounts(per_run="1")
    for session in ("s1", "s2"):
        reserve(accounts, session, "0.4")
    fresh.begin("s1")
    fresh.kill(["s1", "s2"])
    accounts.recover()
    assert accounts.used() == Decimal("0.4")
    assert reserve(accounts, "s3", "0.6")
    fresh.lose("s1", "0.4")
    assert accounts.used() == Decimal("0.4")
    assert fresh.store.spent(1).usd == 0


def test_a_session_that_ends_in_the_middle_leaves_only_what_may_have_been_spent(
    fresh: Workspace,
) -> None:
    """A call cut by a time limit counts; a reservation without a call doesn't."""
    accounts = fresh.accounts(per_run="1")
    for session in ("s1", "s2"):
        reserve(accounts, session, "0.4")
    fresh.begin("s1")
    for session in ("s1", "s2"):
        accounts.leave(session)
    assert accounts.used() == Decimal("0.4")


def test_a_limit_set_later_counts_what_was_spent_before(fresh: Workspace) -> None:
    """A run without limits keeps no balance; one is added up when a limit comes."""
    fresh.answer("s1", "0.25")
    fresh.lose("s2", "0.5")
    fresh.lose("s3", "unpriced")
    accounts = fresh.accounts(per_run="1", per_document="1")
    assert accounts.used() == Decimal("0.75")
    assert (accounts.used("d1"), accounts.used("d2")) == (Decimal("0.25"), Decimal("0.5"))
    fresh.answer("s1", "0.125")
    assert accounts.used() == Decimal("0.875")


def test_proposed_amounts_are_short_and_large_enough() -> None:
    """Two digits, rounded up."""
    assert str(rounded_up(Decimal("0.01234"))) == "0.013"
    assert rounded_up(Decimal("1234")) == 1300
    assert rounded_up(Decimal(2)) == 2


RESERVE = """
import sys
from decimal import Decimal
from pathlib import Path
from docmill.errors import LimitError
from docmill.store.accounts import Accounts
from docmill.store.database import open_database

engine = open_database(Path(sys.argv[1]), sys.argv[3])
accounts = Accounts(engine, run=1, usd_per_run=Decimal("0.50"))
print(sum(
    accounts.reserve(Decimal("0.01"), document=f"d{n}", session=f"{sys.argv[2]}-{n}")
    for n in range(40)
))
engine.dispose()
"""


def test_processes_at_once_share_one_limit(place: "Place") -> None:
    """Two workers that both want 40 calls get 50 between them, in a store both find empty."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", RESERVE, place.folder, name, place.url or ""],
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("a", "b")
    ]
    assert sum(int(worker.communicate()[0]) for worker in workers) == 50


CENTS = st.integers(min_value=1, max_value=60)
SESSIONS = st.sampled_from([f"s{number}" for number in range(4)])


class Spending(RuleBasedStateMachine):
    """Several workers reserve, are charged, lose calls and die, in any order."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    @initialize(run=st.integers(50, 200), document=st.integers(20, 100))
    def start(self, run: int, document: int) -> None:
        """A run with limits in cents, in a store without any other."""
        with self._engine.begin() as connection:
            for table in (events, charges, balances, reservations):
                connection.execute(delete(table))
        self.work = Workspace(self._engine)
        self.limits = (Decimal(run) / 100, Decimal(document) / 100)
        self.aside: dict[str, Decimal] = {}
        self.spent: dict[str, Decimal] = {}

    @property
    def accounts(self) -> Accounts:
        """Every operation is another worker's."""
        run, document = self.limits
        return self.work.accounts(per_run=str(run), per_document=str(document))

    @rule(session=SESSIONS, cents=CENTS)
    def call(self, session: str, cents: int) -> None:
        """A session wants to make a call, if it has none under way."""
        if session in self.aside:
            return
        worst = Decimal(cents) / 100
        try:
            room = reserve(self.accounts, session, str(worst))
        except LimitError:
            room = False
        if room:
            self.work.begin(session)
            self.aside[session] = worst

    @rule(session=SESSIONS, share=st.integers(0, 100))
    def answered(self, session: str, share: int) -> None:
        """A call costs something up to its worst case."""
        if worst := self.aside.pop(session, None):
            usd = worst * share / 100
            self.work.answer(session, str(usd))
            self._spend(session, usd)

    @rule(session=SESSIONS)
    def lost(self, session: str) -> None:
        """A session goes on after a crash; its call counts as if it had been made."""
        if worst := self.aside.pop(session, None):
            self.work.lose(session, str(worst))
            self._spend(session, worst)

    @rule()
    def crash(self) -> None:
        """Every process dies; a new one looks."""
        self.work.kill(list(self.aside))
        self.accounts.recover()

    @rule(session=SESSIONS)
    def cut(self, session: str) -> None:
        """A session's attempt ends with its call under way."""
        self.accounts.leave(session)

    def _spend(self, session: str, usd: Decimal) -> None:
        self.spent[session] = self.spent.get(session, Decimal(0)) + usd

    @invariant()
    def never_overshoots(self) -> None:
        """What was or may have been spent is within the limits, and the store counts the same."""
        if not hasattr(self, "limits"):
            return
        run, each = self.limits
        assert sum(self.spent.values()) + sum(self.aside.values()) <= run
        for session in {*self.spent, *self.aside}:
            used = self.spent.get(session, Decimal(0))
            assert used + self.aside.get(session, Decimal(0)) <= each
        assert self.accounts.used() >= sum(self.spent.values())


def test_limits_hold_whatever_happens_in_whatever_order(engine: Engine) -> None:
    """Hypothesis looks for an order of events in which they don't."""
    few = settings(max_examples=25, stateful_step_count=20, deadline=None)
    machine: Any = lambda: Spending(engine)  # noqa: E731 - Hypothesis asks for the class, calls it
    run_state_machine_as_test(machine, settings=few)
