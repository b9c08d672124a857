"""What a run cost in words: calls that failed or were lost, the cache's share, the forecast.

The command line and every format of the report say it with these; prices are `ledger`'s business.
"""

from decimal import Decimal
from typing import Literal

from docmill.base import Frozen
from docmill.records.forecast import Forecast
from docmill.records.results import Usage
from docmill.report.display import count, usd_text


class CostFacts(Frozen):
    """What the sums of a run say about its costs."""

    cache_share: float | None = None
    """Share of the input tokens that were read from the cache; null where nothing was cached."""
    usd_per_document: Decimal | None = None
    """Mean over the documents this run has read; null if there are none."""
    fields_kept: int = 0
    """Fields that earlier sessions knew of documents this run has asked for the others only."""
    forecast_met: Literal["below", "within", "above"] | None = None
    """Where the costs lie in the forecast's interval; null without a forecast in dollars."""


def cost_facts(
    usage: Usage, forecast: Forecast | None, *, read: int, fields_kept: int = 0
) -> CostFacts:
    """Facts about a run that has read so many documents itself."""
    cached = usage.cache_read_tokens + usage.cache_write_tokens + usage.cache_write_1h_tokens
    return CostFacts(
        cache_share=round(usage.cache_read_tokens / usage.prompt_tokens, 4) if cached else None,
        usd_per_document=usage.usd / read if read else None,
        fields_kept=fields_kept,
        forecast_met=_met(usage, forecast),
    )


def call_facts(usage: Usage, costs: CostFacts) -> list[str]:
    """What is worth saying beside the number of calls: `2 failed`, `92 % of input from cache`."""
    parts = [
        f"{number:,} {what}"
        for number, what in (
            (usage.failed_calls, "failed"),
            (usage.lost_calls, "lost"),
            (usage.batched_calls, "in batches"),
        )
        if number
    ]
    if costs.cache_share is not None:
        parts.append(f"{costs.cache_share:.0%} of input from cache".replace("%", " %"))
    if costs.fields_kept:
        parts.append(f"{count(costs.fields_kept, 'field')} known from earlier sessions")
    return parts


def forecast_text(forecast: Forecast) -> str:
    """`$0.430 ($0.250 … $0.720), 34 model calls, 224,000 tokens for 12 documents`."""
    tokens = forecast.input_tokens.expected + forecast.output_tokens.expected
    return (
        f"{forecast_usd(forecast)}, {count(forecast.model_calls.expected, 'model call')}, "
        f"{count(tokens, 'token')} for {count(forecast.documents, 'document')}"
    )


def forecast_usd(forecast: Forecast) -> str:
    """`$0.430 ($0.250 … $0.720)`."""
    usd = forecast.usd
    if usd is None:
        return "unpriced"
    if usd.low == usd.high:
        return usd_text(usd.expected)
    return f"{usd_text(usd.expected)} ({usd_text(usd.low)} … {usd_text(usd.high)})"


def forecast_basis(forecast: Forecast) -> str:
    """What a forecast rests on, and how far it can be trusted."""
    if forecast.learnt_from:
        source = f"from {count(forecast.learnt_from, 'document')} of earlier runs"
    else:
        source = "by rule of thumb, for no earlier run has asked this model"
    guessed = forecast.documents - forecast.sized_by_text
    sizes = f"; the text of {count(guessed, 'document')} is guessed by size" if guessed else ""
    return f"{forecast.coverage * 100:.0f} % of runs end within it; {source}{sizes}"


def _met(usage: Usage, forecast: Forecast | None) -> Literal["below", "within", "above"] | None:
    if forecast is None or forecast.usd is None or usage.unpriced_calls:
        return None
    if usage.usd < forecast.usd.low:
        return "below"
    return "above" if usage.usd > forecast.usd.high else "within"
