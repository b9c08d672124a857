"""The specs a run was made with, read back from its bundle and held against what the run says.

Expressions are docmill's own language and are only computed; a `record.python` model is code, and
is never imported.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Engine, select

from docmill.batch.origins import (
    GREAT_EXPECTATIONS,
    PRICES,
    REFERENCE,
    SPECS,
    VERSIONS,
    Specs,
)
from docmill.bundle import form
from docmill.bundle.findings import Check
from docmill.bundle.opening import Archive, BundleError, check_inner
from docmill.checks.judge import Judge, compile_judge
from docmill.checks.problems import CheckSpecError
from docmill.checks.reference import ReferenceTable, load_reference
from docmill.compile.digest import spec_digest
from docmill.ledger.prices import PriceTable
from docmill.records.results import RunInfo
from docmill.store.schema import origins

MAX_SPECS = 32 << 20
KINDS = {".csv", ".tsv", ".xlsx", ".yaml", ".yml"}
_TEXTS: TypeAdapter[dict[str, str]] = TypeAdapter(dict[str, str])


@dataclass(frozen=True, slots=True)
class Rules:
    """What a run is judged by."""

    specs: Specs
    prices: Sequence[PriceTable]
    """Those in force when it began, and each time it went on."""
    judge: Judge
    table: ReferenceTable | None
    library: tuple[str, ...] = ()
    """Versions of Great Expectations that it was judged with, each time it went on."""


class Origins:
    """The blobs a run was made of."""

    def __init__(self, archive: Archive, engine: Engine) -> None:
        self._archive = archive
        query = select(origins.c.part, origins.c.blob).order_by(origins.c.part, origins.c.blob)
        with engine.connect() as connection:
            self._parts = [(row.part, row.blob) for row in connection.execute(query)]

    def named(self, start: str) -> list[tuple[str, bytes]]:
        """Parts whose name starts so, each proven by its hash."""
        found: list[tuple[str, bytes]] = []
        for part, blob in self._parts:
            if part.startswith(start):
                found.append((part, read_blob(self._archive, blob, MAX_SPECS)))
        return found


def read_blob(archive: Archive, blob: str, most: int) -> bytes:
    """A blob of the bundle.

    Raises:
        BundleError: it isn't there, or isn't what its name says.
    """
    data = archive.read(f"{form.BLOBS}{blob}", most)
    if hashlib.sha256(data).hexdigest() != blob:
        raise BundleError(f"{form.BLOBS}{blob} isn't what its name says.")
    return data


def read_rules(
    archive: Archive, engine: Engine, info: RunInfo, check: Check, *, folder: Path, same: bool
) -> Rules | None:
    """The rules of a run; None if the bundle has no specs, as of runs of older versions.

    `same`: this docmill is the one that ran; only then are digests of specs the same too.

    Raises:
        BundleError: they can't be read.
    """
    parts = Origins(archive, engine)
    try:
        every = [Specs.model_validate_json(data) for _, data in parts.named(SPECS)]
        prices = [PriceTable.model_validate_json(data) for _, data in parts.named(PRICES)]
        versions = [_TEXTS.validate_json(data) for _, data in parts.named(VERSIONS)]
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"The specs can't be read: {where}: {first['msg']}.",
            remedy=f"Verify it with docmill {info.docmill_version[:20]}, which ran it.",
        ) from error
    if not every:
        return None
    specs = next((one for one in every if one.spec_digest == info.spec_digest), every[-1])
    check.compare("spec digest of the run", info.spec_digest, specs.spec_digest)
    if same:
        check.compare("spec digest", specs.spec_digest, _digest(specs, info))
    check.compare("pipeline", info.pipeline, specs.pipeline.name)
    check.compare("agent", info.agent, f"{specs.agent.name}@{specs.session_digest[:12]}")
    check.compare("model", info.model, specs.agent.model_id)
    check.compare("environment", info.environment, specs.environment.name)
    limits = [one.pipeline.limits.texts(asks=one.agent.asks) for one in every]
    said = {name: text.removesuffix(".0") for name, text in info.limits.items()}
    check.compare("limits", said, said if said in limits else limits[-1])
    _check_prices(check, info, prices, specs)
    table = _reference(parts, specs, info, check, folder)
    try:
        judge = compile_judge(specs.pipeline, specs.fields, table)
    except CheckSpecError as error:
        raise BundleError(f"The checks can't be computed: {error.problems[0].message}.") from error
    library = [each[GREAT_EXPECTATIONS][:20] for each in versions if GREAT_EXPECTATIONS in each]
    return Rules(specs, prices, judge, table, tuple(library))


def _digest(specs: Specs, info: RunInfo) -> str:
    return spec_digest(
        pipeline=specs.pipeline,
        agent=specs.agent,
        environment=specs.environment,
        session=specs.session_digest,
        references={one.path: one.sha256 for one in info.references},
    )


def _check_prices(check: Check, info: RunInfo, prices: Sequence[PriceTable], specs: Specs) -> None:
    tables: list[Mapping[str, Mapping[str, str]]] = []
    for table in prices:
        known = {one.id: table.price(one.id) for one in specs.agent.models}
        tables.append(
            {
                model: {k: str(v) for k, v in price.model_dump(exclude_none=True).items()}
                for model, price in known.items()
                if price
            }
        )
    dates = [table.as_of.isoformat() for table in prices]
    told = _TEXTS.validate_python({"as_of": info.prices_as_of})["as_of"]
    check.compare("date of the prices", told, told if told in dates else dates)
    check.compare("prices", info.prices, info.prices if info.prices in tables else tables)


def _reference(
    parts: Origins, specs: Specs, info: RunInfo, check: Check, folder: Path
) -> ReferenceTable | None:
    """The reference standard, under a name of our own."""
    declared = specs.pipeline.reference
    if declared is None:
        check.compare("reference standards", len(info.references), 0)
        return None
    found = parts.named(REFERENCE)
    if not found or not info.references:
        raise BundleError("The reference standard isn't in the bundle.")
    wanted = info.references[0]
    part, data = next(
        (one for one in found if hashlib.sha256(one[1]).hexdigest() == wanted.sha256), found[-1]
    )
    suffix = Path(part).suffix
    if suffix not in KINDS:
        raise BundleError(f"{part[:40]!r} is no kind of a reference standard.")
    file = folder / f"{REFERENCE}{suffix}"
    file.write_bytes(data)
    if suffix == ".xlsx":
        check_inner(file)
    try:
        table = load_reference(declared.model_copy(update={"path": file.name}), folder)
    except CheckSpecError as error:
        raise BundleError(
            f"The reference standard can't be read: {error.problems[0].message}."
        ) from error
    again = table.info.model_copy(update={"path": declared.path})
    check.compare("reference standard", wanted, again)
    return table
