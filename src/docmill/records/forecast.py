"""What a run was expected to take, before it began; `ledger.forecast` computes it."""

from decimal import Decimal

from docmill.base import Frozen


class Amounts(Frozen):
    """A count that is expected, between two that it should stay within."""

    low: int
    expected: int
    high: int


class Dollars(Frozen):
    """US dollars that are expected, between two amounts that they should stay within."""

    low: Decimal
    expected: Decimal
    high: Decimal


class Forecast(Frozen):
    """Documents × tokens × dollars of a run, each with an interval."""

    documents: int
    """Those that are to be read; finished ones and copies cost nothing."""
    model_calls: Amounts
    input_tokens: Amounts
    """Whole prompts, cached tokens included."""
    output_tokens: Amounts
    usd: Dollars | None
    """None if the model has no known price."""
    coverage: float = 0.8
    """Share of runs that end within the intervals."""
    learnt_from: int = 0
    """Documents of earlier runs it rests on; 0: a rule of thumb."""
    sized_by_text: int = 0
    """Documents whose text is known from an earlier session; the others are guessed by size."""
