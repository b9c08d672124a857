"""What a run may still spend: limits, charges and the worst cases of calls under way.

Shared by all workers of a run: each reservation is one immediate transaction. Charges are counted
by `sessions.append`, in the transaction that stores them, which also ends the call's reservation.
Prices are the business of `ledger`.
"""

import json
from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from sqlalchemy import Connection, Engine, delete, insert, select, text, true, update
from sqlalchemy.engine.interfaces import DBAPICursor

from docmill.errors import LimitError
from docmill.events import CallLost, Event
from docmill.records.results import Usage
from docmill.store.database import exclusive, hold
from docmill.store.heartbeats import is_alive
from docmill.store.lease import own_lease
from docmill.store.patience import enduring
from docmill.store.prepared import Prepared, exclusive_transaction, transaction
from docmill.store.runs import run_id
from docmill.store.schema import balances, charges, events, reservations

UNIT = Decimal(10) ** 12
"""Amounts are stored as whole numbers of picodollars: SQLite adds them exactly."""
RUN = ""
"""The account of the whole run, beside those of its documents."""
ENOUGH = 8
"""So many refusals in a row mean that the run has no room, if no call ever had any."""
PER_DOCUMENT = "limits.usd_per_document"
PER_RUN = "limits.usd_per_run"
CALL_BEGINS = (
    "docmill.budget_reserved",
    "span.model_request_start",
    "span.outcome_evaluation_start",
)
CALL_ENDS = (
    "span.model_request_end",
    "span.outcome_evaluation_end",
    "docmill.attempt_failed",
    "docmill.call_lost",
)
_COUNT = text("""
UPDATE balances SET used = used + CAST(:amount AS BIGINT)
WHERE run = :run AND document IN ('', :document)
""")
_SETTLE = text("DELETE FROM reservations WHERE session = :session")
_SET_ASIDE = text("""
INSERT INTO reservations (session, run, document, amount, owner, lost)
VALUES (:session, :run, :document, :amount, :owner, FALSE)
ON CONFLICT (session) DO UPDATE SET run = excluded.run, document = excluded.document,
    amount = excluded.amount, owner = excluded.owner, lost = FALSE
""")
_LOOK = text("""
SELECT (SELECT used FROM balances WHERE run = :run AND document = :document) AS document_used,
       (SELECT used FROM balances WHERE run = :run AND document = '') AS run_used,
       CAST(coalesce(sum(amount) FILTER (WHERE lost AND document = :document), 0) AS BIGINT)
           AS document_lost,
       CAST(coalesce(sum(amount) FILTER (WHERE NOT lost AND document = :document), 0) AS BIGINT)
           AS document_live,
       CAST(coalesce(sum(amount) FILTER (WHERE lost), 0) AS BIGINT) AS run_lost,
       CAST(coalesce(sum(amount) FILTER (WHERE NOT lost), 0) AS BIGINT) AS run_live
FROM reservations WHERE run = :run AND session <> :session
""")
"""Said as SQL: with 4 ms for the same as expressions, a call would cost more than all else."""


class _Sums(NamedTuple):
    """One account in picodollars."""

    used: int
    """Charged, or for a call of which nobody can say any more whether it was made."""
    aside: int
    """Worst cases of calls under way."""


class _Both(NamedTuple):
    """The accounts a call is charged to."""

    document: _Sums
    run: _Sums


class _Standing(NamedTuple):
    """One account at one moment, in picodollars."""

    key: str
    limit: int
    used: int
    aside: int


class Accounts:
    """The accounts of one run: its own, and one per document. Implements `ledger.purse.Account`."""

    def __init__(
        self,
        engine: Engine,
        *,
        run: int,
        usd_per_document: Decimal | None = None,
        usd_per_run: Decimal | None = None,
    ) -> None:
        self._engine = engine
        self._run = run
        self._limits = (
            (PER_DOCUMENT, None if usd_per_document is None else _whole(usd_per_document)),
            (PER_RUN, None if usd_per_run is None else _whole(usd_per_run)),
        )
        self._look = Prepared(engine, _LOOK)
        self._set_aside = Prepared(engine, _SET_ASIDE)
        self._lease = own_lease()
        self._exhausted: LimitError | None = None
        self._least: int | None = None
        """The least that was ever set aside here; what doesn't leave so much is exhausted."""
        self._refusals = 0
        """In a row, as long as nothing was set aside."""

    @property
    def exhausted(self) -> LimitError | None:
        """Why the run's own limit left no room for a call; None as long as it does."""
        return self._exhausted

    @property
    def limited(self) -> bool:
        """Whether there is any limit in dollars."""
        return any(limit is not None for _, limit in self._limits)

    def reserve(self, amount: Decimal | None, *, document: str, session: str) -> bool:
        """Set the worst case of a session's next call aside, in both accounts or in none.

        It replaces what the session had set aside before. False: there is no room as long as other
        calls are under way; they may cost less than what is set aside for them.

        Raises:
            LimitError: the call could overshoot a limit, or its price isn't known (None).
        """
        if not self.limited:
            return True
        if amount is None:
            raise _unpriced(next(key for key, limit in self._limits if limit is not None))
        wanted = _whole(amount)
        short = self._take(wanted, document, session)
        if short is None:
            self._least = wanted if self._least is None else min(wanted, self._least)
            self._exhausted, self._refusals = None, 0
        elif short.used + wanted > short.limit:
            self._refuse(wanted, short)
        return short is None

    @enduring
    def _take(self, wanted: int, document: str, session: str) -> _Standing | None:
        """Set it aside, unless an account has no room; that is returned."""
        row = {
            "session": session,
            "run": self._run,
            "document": document,
            "amount": wanted,
            "owner": self._lease,
        }
        while True:
            with exclusive_transaction(self._engine, "accounts", self._run) as cursor:
                sums = self._look_up(cursor, document, session)
                if sums is not None:
                    for standing in self._standings(sums):
                        if standing.used + standing.aside + wanted > standing.limit:
                            return standing
                    self._set_aside.run(cursor, row)
                    return None
            self._keep_balances(document)

    @enduring
    def leave(self, session: str) -> None:
        """Free what a session has set aside, unless its call may have been made.

        Then it counts as used, until the session goes on and its journal says `CallLost`.
        """
        with exclusive(self._engine, "accounts", self._run) as connection:
            _give_up(connection, [session])

    @enduring
    def recover(self) -> None:
        """Do the same for every session of the run whose process has died."""
        query = select(reservations.c.session, reservations.c.owner).where(
            reservations.c.run == self._run, ~reservations.c.lost
        )
        with exclusive(self._engine, "accounts", self._run) as connection:
            rows = connection.execute(query).all()
            dead = [row.session for row in rows if not is_alive(connection, row.owner)]
            _give_up(connection, dead)

    @enduring
    def used(self, document: str = RUN) -> Decimal:
        """USD that count against a limit: charged or lost, of a document or of the whole run."""
        while True:
            with transaction(self._engine) as cursor:
                sums = self._look_up(cursor, document, session="")
            if sums is not None:
                return (sums.document if document else sums.run).used / UNIT
            self._keep_balances(document)

    def _standings(self, sums: _Both) -> Sequence[_Standing]:
        """The accounts that have a limit."""
        return [
            _Standing(key, limit, one.used, one.aside)
            for (key, limit), one in zip(self._limits, sums, strict=True)
            if limit is not None
        ]

    def _look_up(self, cursor: DBAPICursor, document: str, session: str) -> _Both | None:
        """Both accounts without what the session itself has set aside; None if a balance isn't
        kept yet."""
        values = {"run": self._run, "document": document, "session": session}
        row = self._look.run(cursor, values).fetchone()
        assert row is not None
        document_used, run_used, document_lost, document_live, run_lost, run_live = row
        if document_used is None or run_used is None:
            return None
        return _Both(
            _Sums(document_used + document_lost, document_live),
            _Sums(run_used + run_lost, run_live),
        )

    def _keep_balances(self, document: str) -> None:
        """Add up what was spent before there was a limit, and keep it from now on."""
        whose = (balances.c.run == self._run, balances.c.document.in_((document, RUN)))
        with exclusive(self._engine, "accounts", self._run) as connection:
            # No charge may come in between what is added up and the balance that counts it.
            hold(connection, charges)
            kept = set(connection.execute(select(balances.c.document).where(*whose)).scalars())
            for name in sorted({document, RUN} - kept):
                used = _added_up(connection, self._run, name)
                balance = {"run": self._run, "document": name, "used": used}
                connection.execute(insert(balances).values(balance))

    def _refuse(self, wanted: int, standing: _Standing) -> None:
        option = "usd" if standing.key == PER_RUN else "usd_per_document"
        enough = max(standing.used + wanted, 2 * standing.limit) / UNIT
        error = LimitError(
            f"The next call could cost ${_text(wanted / UNIT)} and overshoot `{standing.key}` "
            f"{_text(standing.limit / UNIT)} (used {_text(standing.used / UNIT)}, "
            f"set aside {_text(standing.aside / UNIT)}).",
            code="limit_usd",
            remedy=f"Go on: docmill resume {run_id(self._run)} "
            f"--limit {option}={rounded_up(enough)}",
        )
        if standing.key == PER_RUN:
            self._refusals += 1
            room = standing.limit - standing.used
            if self._refusals >= ENOUGH if self._least is None else room < self._least:
                self._exhausted = error
        raise error


class Counting:
    """Counts charges, in the transactions that store them."""

    def __init__(self, engine: Engine) -> None:
        self._count = Prepared(engine, _COUNT)
        self._settle = Prepared(engine, _SETTLE)

    def charge(
        self,
        cursor: DBAPICursor,
        event: Event,
        *,
        session: str,
        run: int,
        document: str,
        usage: Usage,
    ) -> None:
        """Count one; that of a call ends its reservation.

        An attempt at a call that failed is a call of its own: the next attempt is reserved anew.
        """
        amount = _whole(usage.usd)
        if isinstance(event, CallLost):
            amount += _lost(event.usd)
        if amount:
            self._count.run(cursor, {"amount": amount, "run": run, "document": document})
        if usage.model_calls or usage.failed_calls or usage.lost_calls:
            self._settle.run(cursor, {"session": session})


def rounded_up(usd: Decimal) -> Decimal:
    """An amount to be proposed: two digits, never less than it was."""
    step = Decimal(1).scaleb(usd.adjusted() - 1) if usd else Decimal(1)
    return Decimal(format((usd / step).to_integral_value(ROUND_CEILING) * step, "f"))


def _whole(usd: Decimal) -> int:
    """Picodollars, rounded up: what is counted is never less than what was spent."""
    return int((usd * UNIT).to_integral_value(ROUND_CEILING))


def _lost(usd: str) -> int:
    return 0 if usd == "unpriced" else _whole(Decimal(usd))


def _text(usd: Decimal) -> str:
    """Four digits after the point, or two that aren't 0."""
    return f"{usd:.4f}" if usd == 0 or usd >= Decimal("0.001") else f"{usd:.2g}"


def _unpriced(key: str) -> LimitError:
    return LimitError(
        f"The model's price is unknown, so `{key}` can't be kept.",
        code="limit_unpriced",
        remedy="Add its price to the file named by `prices:` in docmill.yaml.",
    )


def _added_up(connection: Connection, run: int, document: str) -> int:
    """What was charged and lost before the balance was kept."""
    table = charges.c
    whose = (table.run == run, table.document == document if document else true())
    total = 0
    for usage in connection.execute(select(table.usage).where(*whose)).scalars():
        total += _whole(Decimal(json.loads(usage).get("usd", "0")))
    same = (events.c.session == table.session) & (events.c.position == table.position)
    lost = select(events.c.body).join(charges, same).where(*whose, events.c.type == CALL_ENDS[-1])
    for body in connection.execute(lost).scalars():
        total += _lost(json.loads(body)["usd"])
    return total


def _give_up(connection: Connection, sessions: Sequence[str]) -> None:
    """Free what sessions had set aside, or count it as lost if the journal has a call under way."""
    for session in sessions:
        last = (
            select(events.c.type)
            .where(events.c.session == session, events.c.type.in_((*CALL_BEGINS, *CALL_ENDS)))
            .order_by(events.c.position.desc())
            .limit(1)
        )
        own = reservations.c.session == session
        if connection.execute(last).scalar() in CALL_BEGINS:
            connection.execute(update(reservations).where(own).values(lost=True))
        else:
            connection.execute(delete(reservations).where(own))
