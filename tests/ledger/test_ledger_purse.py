"""A session's purse sets the worst case of each call aside, and waits where waiting helps."""

import asyncio
from decimal import Decimal

import pytest

from docmill.errors import LimitError
from docmill.ledger.purse import Purses


class Till:
    """An account in memory: a limit, what is set aside by session, and what was spent."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self.exhausted: LimitError | None = None
        self.aside: dict[str, Decimal] = {}
        self.spent = Decimal(0)
        self.left: list[str] = []
        self.asked = 0

    @property
    def limited(self) -> bool:
        """Whether there is a limit."""
        return self.limit is not None

    def reserve(self, amount: Decimal | None, *, document: str, session: str) -> bool:
        """Set aside if there is room."""
        assert self.limit is not None
        assert amount is not None
        self.asked += 1
        if self.spent + amount > self.limit:
            raise LimitError(f"no room for {document}")
        if self.spent + sum(self.aside.values()) + amount > self.limit:
            return False
        self.aside[session] = amount
        return True

    def charge(self, session: str, spent: int) -> None:
        """The call of a session is charged."""
        del self.aside[session]
        self.spent += spent

    def leave(self, session: str) -> None:
        """A purse was left behind."""
        self.left.append(session)

    def recover(self) -> None:
        """Nobody dies here."""


async def test_without_limits_nothing_is_asked_or_set_aside() -> None:
    """Not even a price is needed."""
    till = Till(None)
    with Purses(till).open(document="d", session="s") as purse:
        await purse.reserve(None)
    assert (till.asked, till.left) == (0, [])


async def test_calls_wait_for_each_other_in_the_order_they_came() -> None:
    """Worst cases that don't fit at once are set aside one after the other."""
    till, order = Till(10), list[str]()
    purses = Purses(till)

    async def session(name: str) -> None:
        with purses.open(document=name, session=name) as purse:
            await purse.reserve(Decimal(8))
            order.append(name)
            await asyncio.sleep(0)
            till.charge(name, 1)

    await asyncio.gather(*(session(name) for name in "abc"))
    assert order == ["a", "b", "c"]
    assert till.spent == 3


async def test_a_call_that_never_fits_is_refused_and_lets_the_next_one_try() -> None:
    """Waiting ends with the limit's own error."""
    till = Till(10)
    purses = Purses(till)
    till.aside["other"] = Decimal(9)
    with purses.open(document="d", session="s") as purse:
        waiting = asyncio.create_task(purse.reserve(Decimal(5)))
        await asyncio.sleep(0)
        till.charge("other", 9)
        with pytest.raises(LimitError, match="no room for d"):
            await waiting
        await purse.reserve(Decimal(1))
    assert till.left == ["s"]


async def test_a_session_that_gives_up_waiting_holds_up_nobody() -> None:
    """Cancelled, it has set nothing aside, and the next one has its turn."""
    till = Till(10)
    till.aside["other"] = Decimal(9)
    purses = Purses(till)
    with purses.open(document="d", session="s") as purse:
        waiting = asyncio.create_task(purse.reserve(Decimal(5)))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait({waiting})
        await purse.reserve(Decimal(1))
    assert set(till.aside) == {"other", "s"}
