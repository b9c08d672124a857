"""What is set aside for a call is never less than what it comes to."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.ledger.prices import LongPrompt, ModelPrice, PriceTable, load_prices
from docmill.records.results import Usage

MILLS = st.integers(0, 50_000).map(lambda mills: Decimal(mills) / 1000)
PRICES = st.builds(
    ModelPrice,
    input=MILLS,
    output=MILLS,
    cache_write=st.none() | MILLS,
    cache_write_1h=st.none() | MILLS,
    cache_read=st.none() | MILLS,
    long_prompt=st.none()
    | st.builds(LongPrompt, above=st.integers(0, 400), factor=st.integers(1, 6).map(Decimal)),
)
TOKENS = st.integers(0, 200)


USAGES = st.builds(
    Usage,
    model_calls=st.just(1),
    input_tokens=TOKENS,
    cache_write_tokens=TOKENS,
    cache_write_1h_tokens=TOKENS,
    cache_read_tokens=TOKENS,
    output_tokens=TOKENS,
    batched_calls=st.integers(0, 1),
)


@given(PRICES, USAGES, TOKENS)
def test_no_call_costs_more_than_its_worst_case(
    price: ModelPrice, usage: Usage, slack: int
) -> None:
    """Whatever the cache makes of the prompt, however long it is, batched or not."""
    table = PriceTable(as_of=date(2026, 11, 1), models={"m": price})
    worst = table.worst_case(
        "m",
        input_tokens=usage.prompt_tokens + slack,
        max_output_tokens=usage.output_tokens + slack,
        batch=bool(usage.batched_calls),
    )
    assert worst is not None
    assert table.priced("m", usage).usd <= worst


def test_the_worst_case_of_a_prompt_is_that_all_of_it_is_kept_for_an_hour() -> None:
    """An hour's cache write is the dearest kind of input."""
    worst = load_prices().worst_case(
        "claude-sonnet-5-5", input_tokens=100_000, max_output_tokens=10_000
    )
    assert worst == Decimal("0.4") + Decimal("0.1")


@pytest.mark.parametrize(("tokens", "usd"), [(100_000, "0.02"), (100_001, "0.100001")])
def test_the_worst_case_is_in_the_dear_tier_if_the_prompt_may_reach_it(
    tokens: int, usd: str
) -> None:
    """One token more, and the whole call costs five times as much."""
    worst = load_prices().worst_case("claude-haiku-5-5", input_tokens=tokens, max_output_tokens=0)
    assert worst == Decimal(usd)


def test_an_unknown_model_has_no_worst_case() -> None:
    """It isn't 0."""
    table = load_prices()
    assert table.worst_case("local/qwen3:8b", input_tokens=1, max_output_tokens=1) is None
