"""The purse of a session: each call's worst case is set aside before the call is made.

What is set aside lies in an `Account` that all workers of a run share (`store.accounts`). The
charge of a call frees it, in the transaction that stores the charge; a purse never counts dollars.
"""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from typing import Protocol

from docmill.errors import LimitError

WAIT_SECONDS = 0.05
"""How often a call that waits for others looks whether they have been charged."""
RECOVER_EVERY = 40
"""After so many looks: has a worker died that had something set aside?"""


class Account(Protocol):
    """Limits of a run and of its documents, and what is set aside against them."""

    @property
    def limited(self) -> bool:
        """Whether there is any limit in dollars."""
        ...

    @property
    def exhausted(self) -> LimitError | None:
        """Why the whole run has no room for a call any more; None as long as it has."""
        ...

    def reserve(self, amount: Decimal | None, *, document: str, session: str) -> bool:
        """Set the worst case of a session's next call aside, in all accounts or in none.

        False: there is no room while other calls are under way, which will cost less than their
        worst case.

        Raises:
            LimitError: there will be no room, or the call has no known price.
        """
        ...

    def leave(self, session: str) -> None:
        """Free what a session has set aside, unless its call may have been made."""
        ...

    def recover(self) -> None:
        """Do the same for every session of a process that has died."""
        ...


class Purse:
    """What one session pays its calls from, one call after the other."""

    def __init__(
        self, account: Account, turnstile: asyncio.Lock, *, document: str, session: str
    ) -> None:
        self._account = account
        self._turnstile = turnstile
        self._document = document
        self._session = session
        self.used = False
        """Whether anything was ever set aside."""

    async def reserve(self, amount: Decimal | None) -> None:
        """Set the worst case of the next attempt at a call aside; None if its price is unknown.

        Comes before the request is stored. Waits, first come first served, where only the worst
        cases of other calls stand in the way. Without limits it does nothing.

        Raises:
            LimitError: the attempt could overshoot a limit, or has no known price.
        """
        if not self._account.limited:
            return
        async with self._turnstile:
            looks = 0
            while not self._set_aside(amount):
                await asyncio.sleep(WAIT_SECONDS)
                looks += 1
                if looks % RECOVER_EVERY == 0:
                    self._account.recover()
        self.used = True

    def _set_aside(self, amount: Decimal | None) -> bool:
        return self._account.reserve(amount, document=self._document, session=self._session)


class Purses:
    """Hands out the purses of a run's sessions."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._turnstile = asyncio.Lock()

    @property
    def exhausted(self) -> LimitError | None:
        """Why the whole run has no room for a call any more; None as long as it has."""
        return self._account.exhausted

    @contextmanager
    def open(self, *, document: str, session: str) -> Generator[Purse]:
        """A session's purse; left behind, it frees what was set aside for a call never made.

        A call that may have been made stays set aside until the journal says what became of it.
        """
        purse = Purse(self._account, self._turnstile, document=document, session=session)
        try:
            yield purse
        finally:
            if purse.used:
                self._account.leave(session)
