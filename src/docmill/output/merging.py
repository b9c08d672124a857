"""Records of several readers of one document, put together field by field.

A field is taken as a whole, a list with all its rows, so that rows of two readers never mix.
"""

from collections.abc import Mapping, Sequence

from docmill.records.checked import CheckedRecord, CheckedValue, ValueStatus

_RANK: Mapping[ValueStatus, int] = {"verified": 3, "ambiguous": 2, "unverified": 1, "missing": 0}


def unproven_fields(record: CheckedRecord | None, order: Sequence[str]) -> tuple[str, ...]:
    """Fields another reader should look at, in record order; empty if the record will do.

    It won't if a value is unverified or ambiguous, or missing and required. Then the optional
    fields that are missing are looked for along with it; alone they are no reason to ask.
    """
    if record is None:
        return tuple(order)
    values = _by_field(record)
    open_fields = {name for name in order if _is_open(record, name, values.get(name, ()))}
    if not open_fields:
        return ()
    missing = {name for name in order if not _has_value(record, name, values.get(name, ()))}
    return tuple(name for name in order if name in open_fields | missing)


def merge_records(
    before: CheckedRecord, after: CheckedRecord, *, wanted: Sequence[str], order: Sequence[str]
) -> CheckedRecord:
    """`before`, with those of the wanted fields that `after` proves at least as well.

    Two readers who both prove a value, and not the same, leave the field as `after` has it: it was
    asked because `before` wasn't sure.
    """
    old, new = _by_field(before), _by_field(after)
    values: list[CheckedValue] = []
    rows: dict[str, int] = {}
    for name in order:
        better = name in wanted and _rank(new.get(name, ())) >= _rank(old.get(name, ()))
        source, taken = (after, new) if better else (before, old)
        values += taken.get(name, ())
        if name in source.rows:
            rows[name] = source.rows[name]
    return CheckedRecord(values=tuple(values), rows=rows)


def taken_over(record: CheckedRecord, names: Sequence[str], *, session: str) -> CheckedRecord:
    """These fields of a record, each value with the session that found it: the given one, if no
    earlier one is named already."""
    values = tuple(
        value.model_copy(update={"session": value.session or session})
        for value in record.values
        if value.field.partition(".")[0] in names
    )
    rows = {name: count for name, count in record.rows.items() if name in names}
    return CheckedRecord(values=values, rows=rows)


def delivered_by(record: CheckedRecord, model: str) -> CheckedRecord:
    """The record with the model's name on every value it found."""
    values = tuple(
        value if value.status == "missing" else value.model_copy(update={"by": model})
        for value in record.values
    )
    return record.model_copy(update={"values": values})


def _by_field(record: CheckedRecord) -> dict[str, tuple[CheckedValue, ...]]:
    """Values by top-level field: those of all its rows and parts."""
    found: dict[str, tuple[CheckedValue, ...]] = {}
    for value in record.values:
        name = value.field.partition(".")[0]
        found[name] = (*found.get(name, ()), value)
    return found


def _has_value(record: CheckedRecord, name: str, values: Sequence[CheckedValue]) -> bool:
    return any(value.status != "missing" for value in values) or record.rows.get(name, 0) > 0


def _is_open(record: CheckedRecord, name: str, values: Sequence[CheckedValue]) -> bool:
    if name in record.rows and not values:
        return True
    return any(
        value.status in ("unverified", "ambiguous")
        or (value.status == "missing" and value.required)
        for value in values
    )


def _rank(values: Sequence[CheckedValue]) -> tuple[int, int]:
    """How well a field is proven: by its worst value, then by how many there are."""
    ranks = [_RANK[value.status] for value in values]
    return (min(ranks, default=0), sum(rank > 0 for rank in ranks))
