"""The `reference` check: which rows of the standard apply to a record, and whether it keeps them.

Made by `ruling`; single comparisons stand in `comparing`. A demand that may apply is never
dropped: what can't be decided becomes a verdict.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from docmill.checks.comparing import compare_value, found_text
from docmill.checks.compiled import Heading, Place, places
from docmill.checks.expressions import Expression
from docmill.checks.limits import Limits
from docmill.checks.reference import ReferenceTable
from docmill.checks.rows import Demand
from docmill.checks.view import RecordView, Unproven, reading_text
from docmill.records.results import Verdict, VerdictKind
from docmill.spec.fields import Field


@dataclass(frozen=True, slots=True)
class Rule:
    """One demand, ready to be held against a field."""

    demand: Demand
    target: Limits | str
    condition: Expression | None

    @property
    def limit(self) -> str:
        """What is demanded, as text."""
        return str(self.target)


@dataclass(frozen=True, slots=True)
class CompiledStandard:
    """A `reference` check."""

    heading: Heading
    table: ReferenceTable
    key: tuple[str, ...]
    fields: Mapping[str, Field]
    rules: Mapping[str, Sequence[Rule]]
    """By field, in the order of the table's parameters."""

    def judge(self, view: RecordView) -> Iterator[Verdict]:
        """Verdicts on every value the standard says something about."""
        key: dict[str, str] = {}
        for field in self.key:
            try:
                key[field] = reading_text(view.reading(field))
            except Unproven as unproven:
                message = f"which rows of the standard apply is unknown: {unproven.reason}"
                yield self.heading.verdict(
                    unproven.verdict, message, path=field, value=found_text(view, field)
                )
                return
        if key and not self.table.knows(key):
            named = ", ".join(f"{field} {value}" for field, value in key.items())
            yield self.heading.verdict(
                "not_comparable", f"the standard has no rows for {named}",
                path=self.key[0], value=key[self.key[0]],
            )  # fmt: skip
        for field, rules in self.rules.items():
            fitting = [rule for rule in rules if rule.demand.fits(key)]
            if fitting:
                yield from self._judge_field(view, field, fitting)

    def _judge_field(
        self, view: RecordView, field: str, rules: Sequence[Rule]
    ) -> Iterator[Verdict]:
        found = list(places(view, field))
        for place in found:
            yield from self._judge_place(view, place, field, rules)
        if not found:
            listed = field.partition(".")[0]
            yield self.heading.verdict(
                "missing", f"`{listed}` has no rows, the standard limits `{field}`", path=field,
                limit=rules[0].limit, clause=rules[0].demand.clause,
            )  # fmt: skip

    def _judge_place(
        self, view: RecordView, place: Place, field: str, rules: Sequence[Rule]
    ) -> Iterator[Verdict]:
        decided = False
        for rule in rules:
            try:
                if rule.condition is not None and not rule.condition.test(view, place.row):
                    continue
            except Unproven as unproven:
                decided = True
                yield self._undecided(view, place, rule, unproven)
                continue
            decided = True
            outcome = compare_value(view, place.path, self.fields[field], rule.target)
            yield self._verdict(rule, place, outcome.verdict, outcome.message, outcome.value)
        if not decided and not _is_missing(view, place.path):
            conditions = "; ".join(rule.demand.condition or "" for rule in rules)
            yield self.heading.verdict(
                "not_comparable", f"no row of the standard applies, they demand {conditions}",
                path=place.path, value=found_text(view, place.path), clause=rules[0].demand.clause,
            )  # fmt: skip

    def _undecided(self, view: RecordView, place: Place, rule: Rule, unproven: Unproven) -> Verdict:
        """The row applies under a condition that can't be decided."""
        missing = _is_missing(view, place.path)
        message = (
            f"`{place.path}` is missing"
            if missing
            else f"the row applies where {rule.demand.condition}, and {unproven.reason}"
        )
        kind = "missing" if missing else "not_comparable"
        return self._verdict(rule, place, kind, message, found_text(view, place.path))

    def _verdict(
        self, rule: Rule, place: Place, verdict: VerdictKind, message: str, value: str
    ) -> Verdict:
        condition = rule.demand.condition
        if condition and verdict in ("fail", "marginal"):
            message = f"{message.rstrip('.')} (applies where {condition})"
        return self.heading.verdict(
            verdict, message, path=place.path, value=value, limit=rule.limit,
            clause=rule.demand.clause,
        )  # fmt: skip


def _is_missing(view: RecordView, path: str) -> bool:
    value = view.checked(path)
    return value is None or value.status == "missing"
