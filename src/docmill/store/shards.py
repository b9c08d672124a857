"""Shards of a run and the documents dealt to them: where coordinator and shards leave word.

Every change is one statement on rows that only one side may change, so it holds whoever is slow or
dead. Who is dead is for `batch.dealing` to say; journals and costs are the business of `sessions`.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Engine, bindparam, delete, func, insert, select, update

from docmill.store.lease import own_lease
from docmill.store.patience import enduring
from docmill.store.schema import deals, leases, runs, sessions, shards
from docmill.store.sessions import Findings, read_findings

OPEN = ("dealt", "begun")
"""States of documents that a shard has still to answer for."""


class Shard(NamedTuple):
    """A shard as the store knows it."""

    name: str
    owner: str
    state: str
    """`wanted`, `live`, `ending`, `ended` or `lost`."""
    places: int
    """Sessions it has at once."""
    message: str
    beats: int
    """How often its process was heard of."""


class Deal(NamedTuple):
    """A document in the hand of a shard."""

    document: str
    shard: str
    state: str
    """`dealt`, `begun`, `withdrawn` (the shard is to drop it), `gone` (it has) or `done`."""
    attempt: int
    body: str
    """The document as JSON."""
    answer: str = ""
    """What came of it, as JSON."""


class ShardStore:
    """The shards of one run."""

    def __init__(self, engine: Engine, run: int, *, owner: str = "") -> None:
        """`owner` is the lease of a shard's process; this one's if left out."""
        self._engine = engine
        self._run = run
        self._owner = owner or own_lease()
        self._these = shards.c.run == run
        self._deals = deals.c.run == run

    # The coordinator's side

    @enduring
    def want(self, token: str) -> str:
        """A name for another shard: its number in the run, and something nobody else has."""
        with self._engine.begin() as connection:
            query = select(func.count()).select_from(shards).where(self._these)
            name = f"{int(connection.execute(query).scalar_one()) + 1}-{token}"
            connection.execute(insert(shards).values(run=self._run, shard=name, state="wanted"))
        return name

    @enduring
    def shards(self) -> list[Shard]:
        """All there ever were."""
        query = (
            select(shards, leases.c.beats)
            .outerjoin(leases, leases.c.owner == shards.c.owner)
            .where(self._these)
            .order_by(shards.c.shard)
        )
        with self._engine.connect() as connection:
            return [
                Shard(row.shard, row.owner, row.state, row.places, row.message, row.beats or 0)
                for row in connection.execute(query)
            ]

    @enduring
    def deals(self, shard: str | None = None) -> list[Deal]:
        """What the shards have in hand, or one of them."""
        which = () if shard is None else (deals.c.shard == shard,)
        query = select(deals).where(self._deals, *which)
        with self._engine.connect() as connection:
            return [
                Deal(row.document, row.shard, row.state, row.attempt, row.body, row.answer)
                for row in connection.execute(query)
            ]

    @enduring
    def findings(self, session: str) -> Findings:
        """What a session that has come to its end found, with or without a valid record."""
        query = select(sessions.c.findings).where(sessions.c.session == session)
        with self._engine.connect() as connection:
            return read_findings(str(connection.execute(query).scalar_one()))

    @enduring
    def deal(self, dealt: Sequence[Deal]) -> None:
        """Hand documents out."""
        if dealt:
            rows = [{"run": self._run, **one._asdict()} for one in dealt]
            again = deals.c.document.in_([one.document for one in dealt])
            with self._engine.begin() as connection:
                connection.execute(delete(deals).where(self._deals, again))
                connection.execute(insert(deals), rows)

    @enduring
    def withdraw(self, document: str) -> None:
        """Ask the shard that has a document to drop it."""
        this = (self._deals, deals.c.document == document, deals.c.state.in_(OPEN))
        with self._engine.begin() as connection:
            connection.execute(update(deals).where(*this).values(state="withdrawn"))

    @enduring
    def forget(self, documents: Iterable[str]) -> None:
        """The answers were taken."""
        rows = [{"which": document} for document in documents]
        if rows:
            this = delete(deals).where(self._deals, deals.c.document == bindparam("which"))
            with self._engine.begin() as connection:
                connection.execute(this, rows)

    @enduring
    def lose(self, shard: str) -> None:
        """Shut a shard out and take its unanswered documents from it.

        From here on nothing it writes is taken.
        """
        with self._engine.begin() as connection:
            which = (self._these, shards.c.shard == shard, shards.c.state != "ended")
            connection.execute(update(shards).where(*which).values(state="lost"))
            rest = (self._deals, deals.c.shard == shard, deals.c.state != "done")
            connection.execute(delete(deals).where(*rest))

    @enduring
    def dismiss(self) -> None:
        """There is nothing more to do: shards end, and those that haven't come needn't."""
        with self._engine.begin() as connection:
            for before, after in (("live", "ending"), ("wanted", "lost")):
                which = (self._these, shards.c.state == before)
                connection.execute(update(shards).where(*which).values(state=after))

    @enduring
    def clear(self) -> None:
        """Nothing is in anybody's hand any more."""
        with self._engine.begin() as connection:
            connection.execute(delete(deals).where(self._deals))

    # The shard's side

    @enduring
    def join(self, shard: str, *, places: int) -> bool:
        """Come as the shard that was wanted; False if it isn't wanted any more."""
        which = (self._these, shards.c.shard == shard)
        values = {"state": "live", "owner": self._owner, "places": places}
        with self._engine.begin() as connection:
            wanted = update(shards).where(*which, shards.c.state == "wanted")
            if connection.execute(wanted.values(values)).rowcount:
                return True
            # Perhaps this very process has joined, and the answer went astray.
            mine = select(shards.c.state).where(*which, shards.c.owner == self._owner)
            return connection.execute(mine).scalar() == "live"

    @enduring
    def state(self, shard: str) -> str:
        """What is to become of a shard."""
        query = select(shards.c.state).where(self._these, shards.c.shard == shard)
        with self._engine.connect() as connection:
            return str(connection.execute(query).scalar() or "lost")

    @enduring
    def coordinator(self) -> str:
        """The lease of the process that has claimed the run; empty if the run has ended."""
        query = select(runs.c.owner).where(runs.c.number == self._run)
        with self._engine.connect() as connection:
            return str(connection.execute(query).scalar() or "")

    @enduring
    def begin(self, shard: str, documents: Sequence[str]) -> None:
        """Documents are being worked at."""
        this = (self._deals, deals.c.shard == shard, deals.c.state == "dealt")
        which = deals.c.document.in_(documents)
        with self._engine.begin() as connection:
            connection.execute(update(deals).where(*this, which).values(state="begun"))

    @enduring
    def answer(self, shard: str, document: str, *, state: str, text: str = "") -> None:
        """A document has ended (`done`), or was dropped (`gone`); not if it is another's now."""
        this = (self._deals, deals.c.shard == shard, deals.c.document == document)
        open_ = deals.c.state.in_((*OPEN, "withdrawn"))
        with self._engine.begin() as connection:
            connection.execute(update(deals).where(*this, open_).values(state=state, answer=text))

    @enduring
    def leave(self, shard: str, message: str = "") -> None:
        """The shard ends; what it hasn't answered is dealt to others."""
        this = (self._these, shards.c.shard == shard, shards.c.state != "lost")
        with self._engine.begin() as connection:
            connection.execute(update(shards).where(*this).values(state="ended", message=message))
