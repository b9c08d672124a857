"""Reference standards: a table with one row per demand, read once and checked cell by cell.

`sheets` reads the file, `rows` makes demands of its lines. Which demand applies to which value is
decided by `judge`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docmill.checks.problems import CheckSpecError
from docmill.checks.quantity import loosen
from docmill.checks.rows import Demand, RowReader
from docmill.checks.sheets import Sheet, TableError, read_cell, read_sheet
from docmill.errors import KeyProblem
from docmill.records.results import ReferenceInfo
from docmill.spec.checks import Reference
from docmill.spec.suggest import nearest, remedy_for


@dataclass(frozen=True, slots=True)
class ReferenceTable:
    """A loaded reference standard."""

    info: ReferenceInfo
    demands: tuple[Demand, ...]
    """In the order of the file."""

    @property
    def parameters(self) -> tuple[str, ...]:
        """What the rows are about, each once, in the order of the file."""
        return tuple(dict.fromkeys(demand.parameter for demand in self.demands))

    def lookup(self, key: Mapping[str, str], parameter: str) -> tuple[Demand, ...]:
        """Demands on a parameter for a record with these key values.

        Key values and parameters are compared without blanks and case; an empty key cell or `*`
        fits any value.
        """
        wanted = loosen(parameter)
        return tuple(
            demand
            for demand in self.demands
            if loosen(demand.parameter) == wanted and demand.fits(key)
        )

    def knows(self, key: Mapping[str, str]) -> bool:
        """Whether any row names exactly these key values."""
        return any(demand.fits(key) and demand.names_a_key for demand in self.demands) or not any(
            demand.names_a_key for demand in self.demands
        )


_KINDS = (".xlsx", ".xlsm", ".csv", ".tsv", ".yaml", ".yml")


def load_reference(spec: Reference, root: Path) -> ReferenceTable:
    """Read a reference standard; `root` is the workspace.

    Raises:
        CheckSpecError: with every mistake, those in the file with sheet, row and column.
    """
    path = root / spec.path
    if not path.exists():
        message = f"`{spec.path}` can't be read: no such file"
        raise CheckSpecError([KeyProblem(("reference", "path"), message, _tables(path, root))])
    try:
        sheet = read_sheet(path, spec.sheet)
        version = spec.version or ""
        if version.startswith("="):
            version = read_cell(path, version)
    except TableError as error:
        raise CheckSpecError([error.problem]) from error
    problems = [*sheet.broken, *_column_problems(spec, sheet)]
    if any(problem.path != ("reference", "path") for problem in problems):
        raise CheckSpecError(problems)
    reader = RowReader(spec, sheet)
    demands = tuple(filter(None, (reader.read(line) for line in sheet.lines)))
    problems += [*reader.problems, *_duplicates(demands)]
    if not demands and not problems:
        problems.append(KeyProblem(("reference", "path"), f"`{path.name}` has no rows"))
    if problems:
        raise CheckSpecError(problems)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    info = ReferenceInfo(path=spec.path, version=version, sha256=digest, rows=len(demands))
    return ReferenceTable(info, demands)


def _tables(wanted: Path, root: Path) -> str:
    """What could have been meant: the tables in the folder of a file that isn't there."""
    folder = wanted.parent
    if not folder.is_dir():
        return f"`{folder.name}` is no folder; paths begin at the workspace"
    names = sorted(path.name for path in folder.iterdir() if path.suffix.lower() in _KINDS)
    place = folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name
    return remedy_for(wanted.name, names, empty=f"there is no xlsx, csv or yaml in `{place}`")


def _column_problems(spec: Reference, sheet: Sheet) -> list[KeyProblem]:
    """Columns that are asked for by name and aren't there."""
    wanted = {("reference", "key", field): column for field, column in spec.key.items()}
    given = spec.columns.model_dump(exclude_none=True)
    asked = spec.columns.model_fields_set | {"parameter"}
    wanted |= {("reference", "columns", role): given[role] for role in given if role in asked}
    problems: list[KeyProblem] = []
    for path, column in wanted.items():
        if column in sheet.columns:
            continue
        near = nearest(column, sheet.columns)
        known = ", ".join(sheet.columns)
        remedy = f"did you mean `{near}`? (columns: {known})" if near else f"columns: {known}"
        problems.append(KeyProblem(path, f"{sheet.name} has no column `{column}`", remedy))
    return problems


def _duplicates(demands: tuple[Demand, ...]) -> list[KeyProblem]:
    """Rows that demand something of the same value under the same condition."""
    seen: defaultdict[tuple[object, ...], list[Demand]] = defaultdict(list)
    for demand in demands:
        key = tuple((name, loosen(value or "*")) for name, value in demand.key)
        condition = " ".join((demand.condition or "").split())
        seen[key, loosen(demand.parameter), condition].append(demand)
    return [
        KeyProblem(
            ("reference", "path"),
            f"{again.place('parameter')}: a second row for `{again.parameter}`"
            f"{again.key_text()}; the first is row {group[0].line}",
            "remove one, or give both a condition",
        )
        for group in seen.values()
        for again in group[1:]
    ]
