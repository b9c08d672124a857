"""Costs in words: what failed, what the cache saved, whether the forecast was right."""

from decimal import Decimal

import pytest

from docmill.records.forecast import Amounts, Dollars, Forecast
from docmill.records.results import Usage
from docmill.report.costs import call_facts, cost_facts, forecast_basis, forecast_text

SPAN = Amounts(low=30, expected=34, high=40)
FORECAST = Forecast(
    documents=12,
    model_calls=SPAN,
    input_tokens=Amounts(low=1, expected=210_000, high=300_000),
    output_tokens=Amounts(low=1, expected=14_000, high=20_000),
    usd=Dollars(low=Decimal("0.25"), expected=Decimal("0.43"), high=Decimal("0.72")),
    learnt_from=30,
    sized_by_text=10,
)


def test_the_share_of_the_cache_is_of_all_input() -> None:
    """Written and read tokens are input too; without caching there is no share."""
    usage = Usage(input_tokens=10, cache_write_tokens=70, cache_read_tokens=920)
    facts = cost_facts(usage, None, read=0)
    assert call_facts(usage, facts) == ["92 % of input from cache"]
    assert cost_facts(Usage(input_tokens=5), None, read=0).cache_share is None


def test_calls_that_were_not_plain_are_named() -> None:
    """Failed, lost and batched ones; none of them is no word."""
    usage = Usage(failed_calls=2, lost_calls=1, batched_calls=1_200)
    assert call_facts(usage, cost_facts(usage, None, read=1)) == [
        "2 failed",
        "1 lost",
        "1,200 in batches",
    ]
    assert call_facts(Usage(), cost_facts(Usage(), None, read=1)) == []


def test_a_forecast_is_told_with_its_interval_and_what_it_rests_on() -> None:
    """And without dollars where there is no price."""
    assert forecast_text(FORECAST) == (
        "$0.430 ($0.250 … $0.720), 34 model calls, 224,000 tokens for 12 documents"
    )
    assert forecast_basis(FORECAST) == (
        "80 % of runs end within it; from 30 documents of earlier runs; the text of 2 documents "
        "is guessed by size"
    )
    unpriced = FORECAST.model_copy(update={"usd": None, "learnt_from": 0})
    assert forecast_text(unpriced).startswith("unpriced, 34 model calls")
    assert "rule of thumb" in forecast_basis(unpriced)


@pytest.mark.parametrize(
    ("usd", "unpriced", "met"),
    [("0.2", 0, "below"), ("0.72", 0, "within"), ("0.8", 0, "above"), ("0.5", 1, None)],
)
def test_the_costs_are_compared_with_the_forecast(usd: str, unpriced: int, met: str | None) -> None:
    """Unless some of them aren't known."""
    usage = Usage(usd=Decimal(usd), unpriced_calls=unpriced)
    assert cost_facts(usage, FORECAST, read=4).forecast_met == met


def test_the_cost_of_a_document_is_the_mean_of_those_that_were_read() -> None:
    """Finished ones and copies cost nothing and aren't counted."""
    assert cost_facts(Usage(usd=Decimal(1)), None, read=4).usd_per_document == Decimal("0.25")
    assert cost_facts(Usage(), None, read=0).usd_per_document is None
