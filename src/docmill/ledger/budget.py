"""Budgets: the worst case of a call is set aside before it is made, so no limit can be overshot."""

from dataclasses import dataclass, field
from decimal import Decimal

from docmill.errors import LimitError


@dataclass(slots=True)
class Budget:
    """USD of one account (a document's or a run's); None means no limit."""

    name: str
    """Key of the limit in the pipeline: `limits.usd_per_document`."""
    limit: Decimal | None
    spent: Decimal = Decimal(0)
    reserved: Decimal = field(default=Decimal(0), init=False)

    def reserve(self, amount: Decimal | None) -> None:
        """Set the worst case of a call aside.

        Raises:
            LimitError: it could overshoot the limit, or it has no known price while a limit is set.
        """
        if self.limit is None:
            return
        if amount is None:
            raise LimitError(
                f"The model's price is unknown, so `{self.name}` can't be kept.",
                code="limit_unpriced",
                remedy="Add its price to the file named by `prices:` in docmill.yaml.",
            )
        if self.spent + self.reserved + amount > self.limit:
            raise LimitError(
                f"The next call could cost ${amount:.4f} and overshoot `{self.name}` "
                f"{self.limit} (used {self.spent:.4f}, set aside {self.reserved:.4f}).",
                code="limit_usd",
                remedy=f"Raise `{self.name}` and run again; finished documents aren't paid again.",
            )
        self.reserved += amount

    def release(self, amount: Decimal | None, *, spent: Decimal) -> None:
        """Replace what was set aside for a call by what it cost."""
        if self.limit is not None and amount is not None:
            self.reserved -= amount
        self.spent += spent


class Purse:
    """The accounts one session pays from: its document's and its run's."""

    def __init__(self, *accounts: Budget) -> None:
        self._accounts = accounts
        self._open: Decimal | None = None
        self._reserved: list[Budget] = []

    def reserve(self, amount: Decimal | None) -> None:
        """Set the worst case of the next call aside in every account, or in none.

        Raises:
            LimitError: one of the accounts can't bear it.
        """
        self._open = amount
        for account in self._accounts:
            try:
                account.reserve(amount)
            except LimitError:
                self.settle(Decimal(0))
                raise
            self._reserved.append(account)

    def settle(self, spent: Decimal) -> None:
        """Release what was set aside and count what the call cost; 0 if it never was made."""
        for account in self._reserved:
            account.release(self._open, spent=spent)
        self._reserved.clear()
