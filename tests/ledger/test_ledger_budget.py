"""A budget can't be overshot: the worst case is set aside before a call is made."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.errors import LimitError
from docmill.ledger.budget import Budget, Purse

CENTS = st.integers(min_value=0, max_value=500).map(lambda cents: Decimal(cents) / 100)


def test_a_call_that_could_overshoot_is_not_made() -> None:
    """The message names the limit and the use."""
    budget = Budget("limits.usd_per_run", Decimal(1), spent=Decimal("0.9"))
    with pytest.raises(LimitError, match=r"limits\.usd_per_run.*0\.9000"):
        budget.reserve(Decimal("0.2"))


def test_an_unpriced_call_is_refused_only_where_a_limit_is_set() -> None:
    """Without a limit an unknown price stops nothing."""
    Budget("limits.usd_per_run", None).reserve(None)
    with pytest.raises(LimitError) as caught:
        Budget("limits.usd_per_run", Decimal(1)).reserve(None)
    assert caught.value.code == "limit_unpriced"


def test_a_refused_reservation_leaves_every_account_as_it_was() -> None:
    """The run's account bears it, the document's doesn't: nothing stays set aside."""
    run, document = Budget("run", Decimal(10)), Budget("document", Decimal(1))
    with pytest.raises(LimitError):
        Purse(run, document).reserve(Decimal(5))
    assert (run.reserved, run.spent) == (0, 0)


@given(
    st.lists(st.tuples(CENTS, st.floats(min_value=0, max_value=1), st.booleans())),
    CENTS.filter(bool),
)
def test_no_sequence_of_calls_overshoots(
    calls: list[tuple[Decimal, float, bool]], limit: Decimal
) -> None:
    """Whatever is asked, cut or refused, spent plus set aside stays within the limit."""
    budget = Budget("run", limit)
    for worst, share, cut in calls:
        purse = Purse(budget)
        try:
            purse.reserve(worst)
        except LimitError:
            continue
        purse.settle(Decimal(0) if cut else worst * Decimal(str(round(share, 2))))
        assert budget.spent + budget.reserved <= limit
    assert budget.reserved == 0
