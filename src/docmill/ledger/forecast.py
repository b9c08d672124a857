"""What a run will take: documents × tokens × dollars, from their sizes and from earlier runs.

Pure computation. A rule of thumb says how a document's size becomes tokens; what documents of
earlier runs took in relation to it corrects it and says how far one can be off.
"""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from statistics import NormalDist
from typing import NamedTuple

from docmill.ledger.prices import ModelPrice, cost
from docmill.records.forecast import Amounts, Dollars, Forecast
from docmill.records.results import Usage

COVERAGE = 0.8
CALLS = 2
"""Of one document, by rule of thumb: one that looks and hands in, one that repairs."""
ANSWER_TOKENS = 1_200
"""Of one document, by rule of thumb, all answers together."""
RULE_SPREAD = 0.6
"""How far documents are off the rule of thumb, as a share, until better is known."""
RULE_WEIGHT = 0.25
"""What the rule of thumb counts for beside documents of earlier runs."""
MOST_SIGMA = 1.5
TOKENS_PER_WORD = 2.0
"""Of technical documents: numbers and units take more than prose."""
TOKENS_PER_PAGE = 12
MOST_TOKENS = 25_000
"""More of a document's text isn't put into the prompt."""
BYTES_PER_TOKEN = 100
"""Of a PDF, with its fonts and drawings."""
GUESSED = 1.0
"""How far a size guessed from bytes is off, as a share."""
KNOWN = 0.1


class Sized(NamedTuple):
    """A document that is to be read."""

    tokens: int
    """Its text in the prompt."""
    spread: float
    """How far that may be off, as a share."""
    prefix: int | None = None
    """Tokens before the document, where only a part of the record is asked for."""
    share: float = 1.0
    """That part of the record's fields."""


class Sample(NamedTuple):
    """A document that an earlier run has read with the same model."""

    tokens: int
    usage: Usage


class Rates(NamedTuple):
    """What the tokens of a run cost."""

    price: ModelPrice | None
    """None if unknown."""
    caching: bool = False
    """Whether prompts are cached."""
    factor: Decimal = Decimal(1)
    """Of message batches."""


class _Spread(NamedTuple):
    low: float
    expected: float
    high: float


def by_text(*, words: int, pages: int) -> Sized:
    """Size of a document whose text has been seen."""
    tokens = words * TOKENS_PER_WORD + pages * TOKENS_PER_PAGE
    return Sized(min(MOST_TOKENS, round(tokens)), KNOWN)


def by_bytes(size: int) -> Sized:
    """Size of a document nobody has opened."""
    return Sized(max(200, min(MOST_TOKENS, size // BYTES_PER_TOKEN)), GUESSED)


def forecast(
    documents: Sequence[Sized], samples: Sequence[Sample], *, prefix_tokens: int, rates: Rates
) -> Forecast:
    """What reading the documents will take.

    Args:
        documents: those that are to be read.
        samples: documents of earlier runs of the same model, best of the same pipeline.
        prefix_tokens: system prompt, tools and schema, which every call has before the document.
        rates: what tokens cost.
    """
    measures: dict[str, Callable[[Usage], float]] = {
        "model_calls": lambda usage: usage.model_calls,
        "input_tokens": lambda usage: usage.prompt_tokens,
        "output_tokens": lambda usage: usage.output_tokens,
    }
    rules = [_rule(one, prefix_tokens, rates) for one in documents]
    known = [(_rule(Sized(one.tokens, 0), prefix_tokens, rates), one.usage) for one in samples]
    counts = {
        name: _amounts(
            _summed(
                [measure(rule) for rule in rules],
                [one.spread if name == "input_tokens" else 0.0 for one in documents],
                [(measure(rule), measure(usage)) for rule, usage in known],
            )
        )
        for name, measure in measures.items()
    }
    usd = _summed(
        [float(rule.usd) for rule in rules],
        [one.spread for one in documents],
        [(float(rule.usd), float(use.usd)) for rule, use in known if not use.unpriced_calls],
    )
    return Forecast(
        documents=len(documents),
        usd=None if rates.price is None else _dollars(usd),
        coverage=COVERAGE,
        learnt_from=len(samples),
        sized_by_text=sum(one.spread <= KNOWN for one in documents),
        **counts,
    )


def _rule(one: Sized, prefix_tokens: int, rates: Rates) -> Usage:
    """A document by rule of thumb: the same prompt again in every call, cached after the first."""
    tokens, answers = one.tokens, math.ceil(ANSWER_TOKENS * one.share)
    prefix_tokens = prefix_tokens if one.prefix is None else one.prefix
    prompt = prefix_tokens + tokens
    again = (CALLS - 1) * (prompt + answers // CALLS)
    usage = Usage(
        model_calls=CALLS,
        input_tokens=0 if rates.caching else prompt + again,
        cache_write_tokens=tokens if rates.caching else 0,
        cache_read_tokens=prefix_tokens + again if rates.caching else 0,
        output_tokens=answers,
    )
    if rates.price is None:
        return usage
    flat = rates.price.model_copy(update={"long_prompt": None})
    usd = cost(flat, usage) * rates.price.tier(prompt) * rates.factor
    return usage.model_copy(update={"usd": usd})


def _summed(
    rules: Sequence[float], spreads: Sequence[float], known: Sequence[tuple[float, float]]
) -> _Spread:
    """The sum over all documents, from the rule for each and from what earlier ones took."""
    total = sum(rules)
    if total <= 0:
        return _Spread(0, 0, 0)
    ratios = [took / rule for rule, took in known if rule > 0]
    weight = RULE_WEIGHT + len(ratios)
    mean = (RULE_WEIGHT + sum(ratios)) / weight
    deviations = sum((ratio - mean) ** 2 for ratio in ratios)
    variance = (deviations + (RULE_SPREAD * mean) ** 2) / max(1.0, len(ratios))
    each = sum(
        (rule**2) * (variance + (mean * spread) ** 2)
        for rule, spread in zip(rules, spreads, strict=True)
    )
    shared = total**2 * variance / weight  # the mean itself may be off, for all documents at once
    expected = mean * total
    if expected <= 0:
        return _Spread(0, 0, 0)
    sigma = min(MOST_SIGMA, math.sqrt(math.log1p((each + shared) / expected**2)))
    reach = NormalDist().inv_cdf(0.5 + COVERAGE / 2) * sigma
    middle = expected * math.exp(-(sigma**2) / 2)
    return _Spread(middle * math.exp(-reach), expected, middle * math.exp(reach))


def _amounts(spread: _Spread) -> Amounts:
    low, expected, high = spread
    return Amounts(low=math.floor(low), expected=round(expected), high=math.ceil(high))


def _dollars(spread: _Spread) -> Dollars:
    low, expected, high = (_cents(value) for value in spread)
    return Dollars(low=low, expected=expected, high=high)


def _cents(value: float) -> Decimal:
    """Three digits; a forecast knows no more."""
    return Decimal(f"{value:.3g}") if value else Decimal(0)
