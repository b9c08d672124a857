"""What each model of a cascade did: documents asked about, values delivered, money spent and saved.

Only where an agent has several models. The figures are of this run, but for values: those come from
earlier runs too.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from docmill.base import Frozen
from docmill.records.results import DocumentResult, Usage
from docmill.report.display import count, usd_text


class StageSummary(Frozen):
    """One model."""

    model: str
    asked: int
    """Documents it was asked about."""
    enough: int
    """Documents that have a record and needed no model after it."""
    values: int
    """Values in the records that it delivered."""
    usage: Usage
    """What it was charged with, gradings and failed attempts included."""


class CascadeSummary(Frozen):
    """All models, in the order they are asked."""

    sentence: str
    """The same in words."""
    stages: tuple[StageSummary, ...]
    saved_usd: Decimal | None
    """About what the later models would have cost on the documents that didn't need them: their
    mean cost per document of this run; null where that isn't known."""


class CascadeCounter:
    """Adds up a run document by document; holds counts only."""

    def __init__(self) -> None:
        self._asked: Counter[frozenset[str]] = Counter()
        self._finished: Counter[frozenset[str]] = Counter()
        self._values: Counter[str] = Counter()
        self._usage: dict[str, Usage] = {}

    def add(self, result: DocumentResult) -> None:
        """Count one document in."""
        for model, usage in result.by_model.items():
            self._usage[model] = self._usage.get(model, Usage()) + usage
        if result.by_model:
            self._asked[frozenset(result.by_model)] += 1
        if result.record is None:
            return
        if result.by_model:
            self._finished[frozenset(result.by_model)] += 1
        self._values.update(value.by for value in result.record.values if value.by)

    def summary(self, models: Sequence[str]) -> CascadeSummary | None:
        """The figures so far; None if there is one model only."""
        order = tuple(dict.fromkeys(models))
        if len(order) < 2:
            return None
        stages = tuple(self._stage(order, number) for number in range(len(order)))
        saved = self._saved(stages)
        return CascadeSummary(sentence=_sentence(stages, saved), stages=stages, saved_usd=saved)

    def _stage(self, order: Sequence[str], number: int) -> StageSummary:
        model, later = order[number], set(order[number + 1 :])
        return StageSummary(
            model=model,
            asked=sum(times for asked, times in self._asked.items() if model in asked),
            enough=sum(
                times
                for asked, times in self._finished.items()
                if model in asked and not asked & later
            ),
            values=self._values[model],
            usage=self._usage.get(model, Usage()),
        )

    def _saved(self, stages: Sequence[StageSummary]) -> Decimal | None:
        saved, known = Decimal(0), False
        for number, stage in enumerate(stages[1:], 1):
            stopped = sum(earlier.enough for earlier in stages[:number])
            if stage.asked and not stage.usage.unpriced_calls:
                saved += stopped * stage.usage.usd / stage.asked
                known = True
        return saved if known and saved else None


def _sentence(stages: Sequence[StageSummary], saved: Decimal | None) -> str:
    documents = [f"{stage.model} for {stage.enough:,}" for stage in stages if stage.enough]
    finished = sum(stage.enough for stage in stages)
    parts: list[str] = []
    if finished:
        parts.append(f"Of {count(finished, 'document')}, enough was {', '.join(documents)}")
    values = [f"{stage.model} {stage.values:,}" for stage in stages if stage.values]
    if values:
        parts.append(f"values delivered: {', '.join(values)}")
    if saved:
        parts.append(f"stopping early saved about {usd_text(saved)}")
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""
