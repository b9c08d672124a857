"""Compiles a `reference` check: which field each row is about, and what it demands of that field.

Every mistake names the cell it stands in. Judging records is for `standard`.
"""

from collections.abc import Callable, Sequence

from docmill.checks.compiled import Heading, Path, Scope, leaf_fields
from docmill.checks.limits import Guard, Limits, parse_guard
from docmill.checks.quantity import loosen
from docmill.checks.reference import ReferenceTable
from docmill.checks.rows import Demand
from docmill.checks.standard import CompiledStandard, Rule
from docmill.quantities import QuantityError, compatible
from docmill.spec.checks import ReferenceCheck
from docmill.spec.fields import Field
from docmill.spec.suggest import remedy_for


class Ruling:
    """Compiles one check against one table."""

    def __init__(
        self, check: ReferenceCheck, table: ReferenceTable, scope: Scope, path: Path
    ) -> None:
        self._check = check
        self._table = table
        self._scope = scope
        self._path = path
        self._leaves = leaf_fields(scope.fields)

    def compile(self, heading: Heading, key: Sequence[str]) -> CompiledStandard | None:
        """The check, or None and its problems in the scope; `key` are the key's record fields."""
        before = len(self._scope.problems)
        for field in key:
            self._check_key(field)
        guard = self._guard()
        wanted = self._wanted()
        rules: dict[str, list[Rule]] = {}
        for parameter in self._table.parameters:
            field = self._field_for(parameter)
            if field is None or (wanted is not None and field not in wanted):
                continue
            for demand in self._table.demands:
                rule = self._rule(demand, field, guard) if demand.parameter == parameter else None
                if rule is not None:
                    rules.setdefault(field, []).append(rule)
        if len(self._scope.problems) > before:
            return None
        return CompiledStandard(heading, self._table, tuple(key), self._leaves, rules)

    def _check_key(self, field: str) -> None:
        path = ("reference", "key", field)
        found = self._leaves.get(field)
        if found is None:
            remedy = remedy_for(field, self._scope.fields)
            self._scope.problem(path, f"`{field}` is no field of the record", remedy)
        elif "." in field or found.type in ("range", "quantity"):
            message = f"`{field}` can't be a key: it is no single text or number of the record"
            self._scope.problem(path, message)

    def _guard(self) -> Guard | None:
        text = self._check.guard_band
        try:
            return parse_guard(text) if text is not None else None
        except QuantityError as error:
            path = (*self._path, "guard_band")
            self._scope.problem(path, f"`{text}`: {error}", "write `10 %` or `0.02 mm`")
            return None

    def _wanted(self) -> set[str] | None:
        """Fields the check is limited to; a list field stands for all of its own."""
        if self._check.fields is None:
            return None
        wanted: set[str] = set()
        for index, name in enumerate(self._check.fields):
            field = self._scope.fields.get(name)
            if field is not None and field.fields is not None:
                wanted |= {f"{name}.{part}" for part in field.fields}
            elif self._scope.leaf(name, (*self._path, "fields", index)) is not None:
                wanted.add(name)
        return wanted

    def _field_for(self, parameter: str) -> str | None:
        """The field a parameter names: by its path, its last part, or an alias."""
        wanted = loosen(parameter)
        tests: tuple[Callable[[str], bool], ...] = (
            lambda name: loosen(name) == wanted,
            lambda name: loosen(name.rpartition(".")[2]) == wanted,
            lambda name: wanted in map(loosen, self._leaves[name].aliases),
        )
        for test in tests:
            found = [name for name in self._leaves if test(name)]
            if len(found) == 1:
                return found[0]
            if found:
                names = " or ".join(f"`{name}`" for name in found)
                self._refuse_parameter(parameter, f"may be {names}", "write the whole name")
                return None
        if self._check.fields is None:
            remedy = f"{remedy_for(parameter, self._leaves)}; or list the check's `fields`"
            self._refuse_parameter(parameter, "is no field of the record", remedy)
        return None

    def _refuse_parameter(self, parameter: str, message: str, remedy: str) -> None:
        demand = next(each for each in self._table.demands if each.parameter == parameter)
        self._refuse(demand, "parameter", f"`{parameter}` {message}", remedy)

    def _refuse(self, demand: Demand, role: str, message: str, remedy: str = "") -> None:
        text = f"{demand.place(role)}: {message}"
        self._scope.problem(("reference", "path"), text, remedy)

    def _rule(self, demand: Demand, field: str, guard: Guard | None) -> Rule | None:
        before = len(self._scope.problems)
        condition = None
        if demand.condition:
            listed, dot, _ = field.partition(".")
            condition = self._scope.expression(
                demand.condition,
                ("reference", "path"),
                rows_of=listed if dot else None,
                place=demand.place("condition"),
            )
        target = self._target(demand, field)
        if isinstance(target, Limits):
            try:
                target = target.guarded(guard)
            except QuantityError as error:
                message = f"{demand.place('unit')}: {error}"
                self._scope.problem((*self._path, "guard_band"), message)
        if target is None or len(self._scope.problems) > before:
            return None
        return Rule(demand, target, condition)

    def _target(self, demand: Demand, field: str) -> Limits | str | None:
        """What the row demands of a field of this type, or None and a problem."""
        spec = self._leaves[field]
        if spec.type in ("quantity", "range", "number", "integer"):
            return self._limits(demand, field, spec)
        if spec.type == "date":
            self._refuse(demand, "parameter", f"`{field}` is a date, it has no limits")
        elif demand.text is None:
            self._refuse(demand, "nominal", f"`{field}` is a text, the row demands none")
        elif spec.enum and demand.text not in spec.enum:
            message = f"`{demand.text}` is none of the values of `{field}`"
            self._refuse(demand, "nominal", message, remedy_for(demand.text, spec.enum))
        else:
            return demand.text
        return None

    def _limits(self, demand: Demand, field: str, spec: Field) -> Limits | None:
        measured = spec.type in ("quantity", "range")
        if demand.limits is None:
            self._refuse(demand, "nominal", f"`{field}` is a {spec.type}, not a text")
        elif measured and demand.unit is None:
            self._refuse(demand, "unit", f"`{field}` is a {spec.type}, the row has no unit")
        elif not measured and demand.unit is not None:
            message = f"`{field}` is a number without a unit"
            self._refuse(demand, "unit", message, "make the field a `quantity`")
        elif demand.unit and spec.unit and not compatible(demand.unit, spec.unit):
            message = f"{demand.unit} doesn't fit `{field}`, which is in {spec.unit}"
            self._refuse(demand, "unit", message)
        else:
            return demand.limits
        return None
