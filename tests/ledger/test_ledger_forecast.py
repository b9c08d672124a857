"""A forecast rests on what earlier documents took, and says how far it may be off."""

import random
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from docmill.ledger.forecast import Rates, Sample, Sized, by_bytes, by_text, forecast
from docmill.ledger.prices import load_prices
from docmill.records.forecast import Forecast
from docmill.records.results import Usage

PRICES = load_prices()
SONNET = Rates(PRICES.price("claude-sonnet-5-5"), caching=True)
PREFIX = 3_000


def took(tokens: int, factor: float = 1.0) -> Sample:
    """A document read in three calls."""
    usage = Usage(
        model_calls=3,
        cache_write_tokens=round((PREFIX + tokens) * factor),
        cache_read_tokens=round(2 * (PREFIX + tokens) * factor),
        output_tokens=round(2_000 * factor),
    )
    return Sample(tokens, PRICES.priced("claude-sonnet-5-5", usage))


def expected(documents: list[Sized], samples: list[Sample], rates: Rates = SONNET) -> Forecast:
    """The forecast for documents behind the usual prompt."""
    return forecast(documents, samples, prefix_tokens=PREFIX, rates=rates)


def width(found: Forecast) -> float:
    """How far apart the ends of the interval are, as a factor."""
    assert found.usd is not None
    return float(found.usd.high / found.usd.low)


def test_the_same_documents_are_expected_to_take_what_they_took() -> None:
    """Twenty documents like thirty earlier ones: calls, tokens and dollars in proportion."""
    sample = took(4_000)
    found = expected([Sized(4_000, 0.0)] * 20, [sample] * 30)
    assert found.usd is not None
    assert abs(found.usd.expected - 20 * sample.usage.usd) < sample.usage.usd
    assert abs(found.model_calls.expected - 60) <= 2
    assert found.usd.low < 20 * sample.usage.usd < found.usd.high
    assert found.learnt_from == 30


def test_earlier_runs_narrow_the_interval() -> None:
    """Without any it is a rule of thumb and says so; guessed sizes make it wider."""
    documents, known = [by_text(words=2_000, pages=4)] * 20, [took(4_000)] * 30
    thumb, learnt = expected(documents, []), expected(documents, known)
    assert thumb.learnt_from == 0
    assert width(learnt) < 1.5 < width(thumb)
    assert width(expected([by_bytes(400_000)] * 20, known)) > width(learnt)
    assert (learnt.sized_by_text, expected([by_bytes(9)], []).sized_by_text) == (20, 0)


def test_what_is_free_costs_nothing_and_what_has_no_price_says_so() -> None:
    """`rules` is $0 exactly; an unknown model has tokens and no dollars."""
    free = expected([Sized(4_000, 0.1)], [], Rates(PRICES.price("rules")))
    assert free.usd is not None
    assert (free.usd.low, free.usd.expected, free.usd.high) == (0, 0, 0)
    unknown = expected([Sized(4_000, 0.1)], [], Rates(None))
    assert unknown.usd is None
    assert unknown.input_tokens.expected > 4_000


def test_nothing_to_read_takes_nothing() -> None:
    """Also where there is history."""
    found = expected([], [took(4_000)])
    assert found.usd is not None
    assert (found.documents, found.model_calls.high, found.usd.high) == (0, 0, 0)


def test_a_batch_is_expected_at_its_lower_price() -> None:
    """By rule of thumb; history of batches has it in its dollars already."""
    documents = [Sized(4_000, 0.1)] * 5
    live = expected(documents, [])
    batched = expected(documents, [], SONNET._replace(factor=Decimal("0.5")))
    assert live.usd is not None
    assert batched.usd is not None
    assert abs(live.usd.expected - 2 * batched.usd.expected) < Decimal("0.001")


SIZED = st.builds(
    Sized,
    tokens=st.integers(0, 50_000),
    spread=st.floats(0, 2),
    prefix=st.none() | st.integers(0, 5_000),
    share=st.floats(0, 1),
)


@given(
    st.lists(SIZED, max_size=30),
    st.lists(st.builds(took, st.integers(1, 30_000), st.floats(0.1, 10)), max_size=10),
)
def test_what_is_expected_lies_within_the_interval(
    documents: list[Sized], samples: list[Sample]
) -> None:
    """Whatever the documents and the history are like."""
    found = expected(documents, samples)
    assert found.usd is not None
    for span in (found.usd, found.model_calls, found.input_tokens, found.output_tokens):
        assert 0 <= span.low <= span.expected <= span.high


def test_about_four_of_five_runs_end_within_the_interval() -> None:
    """Documents differ by a factor of about 1.6 among each other; ten are known, forty are read."""
    chance, hits, runs = random.Random(7), 0, 300
    for _ in range(runs):
        history = [took(4_000, chance.lognormvariate(0, 0.5)) for _ in range(10)]
        batch = [took(4_000, chance.lognormvariate(0, 0.5)) for _ in range(40)]
        found = expected([Sized(4_000, 0.0)] * 40, history)
        assert found.usd is not None
        actual = sum(sample.usage.usd for sample in batch)
        hits += found.usd.low <= actual <= found.usd.high
    assert 0.7 <= hits / runs <= 0.92
