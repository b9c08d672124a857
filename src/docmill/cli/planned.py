"""What a plan makes of each document, in words: `docmill plan` prints it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from docmill.compile.batch import KINDS, DocumentKind, kind_of
from docmill.models.registry import CLAUDE, known_endpoints
from docmill.plan import BatchPlan, CompiledPipeline, PlannedDocument
from docmill.report.display import count
from docmill.spec.agent import EMBEDDED, Agent
from docmill.spec.workspace import Endpoint
from docmill.store.growth import Growth

_ALWAYS: tuple[DocumentKind, ...] = ("new", "cached", "duplicate", "skipped")
"""Kinds that are named also where there are none."""
NAMED = 8
"""Fields that are named one by one."""


@dataclass(frozen=True, slots=True)
class Kinds:
    """The documents of a plan, sorted out."""

    of: dict[str, DocumentKind]
    """By the document's id."""
    documents: dict[str, list[PlannedDocument]]
    """By kind, kinds without documents left out."""
    gone: tuple[str, ...]
    """Names of documents of the run before that aren't found any more, nor their content."""


def sorted_out(planned: BatchPlan, growth: Growth) -> Kinds:
    """Hold a plan against what earlier runs of the pipeline had."""
    open_names = [entry.info.name for entry in planned.documents if not entry.cached]
    past = growth.past(planned.compiled.pipeline.name, open_names)
    contents = frozenset((*past.last.values(), *past.known.values()))
    of: dict[str, DocumentKind] = {
        entry.info.id: kind_of(entry, past.known, contents) for entry in planned.documents
    }
    documents: dict[str, list[PlannedDocument]] = {}
    for kind in KINDS:
        if found := [entry for entry in planned.documents if of[entry.info.id] == kind]:
            documents[kind] = found
    names = {entry.info.name for entry in planned.documents}
    shas = {entry.info.sha256 for entry in planned.documents}
    gone = [name for name, sha in past.last.items() if name not in names and sha not in shas]
    return Kinds(of, documents, tuple(sorted(gone)))


def fate(document: PlannedDocument, kind: DocumentKind) -> str:
    """What happens to a document."""
    if kind == "skipped":
        return f"{document.code}: {document.message}"
    if kind == "duplicate":
        return f"same content as {document.info.duplicate_of}"
    if kind == "partly" and document.reuse is not None:
        asked, kept = document.reuse.asked, count(len(document.reuse.kept), "field")
        if not asked:
            return f"{kept} known; nothing to ask"
        return f"asks for {_listed(asked)}; {kept} known"
    return {
        "cached": "finished by an earlier run",
        "changed": "changed",
        "again": "again: not finished before, or the specs have changed",
    }.get(kind, "new")


def tally(planned: BatchPlan, kinds: Kinds) -> str:
    """`12 documents: 1 new, 2 partly, 9 cached, 0 duplicate, 0 skipped.`"""
    counted = Counter(kinds.of.values())
    shown: list[DocumentKind] = [kind for kind in KINDS if kind in _ALWAYS or counted[kind]]
    parts = [f"{counted[kind]} {kind}" for kind in shown]
    gone = f" {count(len(kinds.gone), 'document')} of the last run gone." if kinds.gone else ""
    return f"{count(len(planned.documents), 'document')}: {', '.join(parts)}.{gone}"


def fields_of(document: PlannedDocument) -> dict[str, object] | None:
    """Which fields a session asks for, where an earlier one knows some."""
    reuse = document.reuse
    if reuse is None:
        return None
    return {"asked": reuse.asked, "known": reuse.kept, "session": reuse.earlier.session}


def record_text(compiled: CompiledPipeline) -> str:
    """How many fields, and whether one of them can be asked for alone."""
    fields = count(len(compiled.fields), "field")
    if compiled.base_digest:
        return fields
    record = compiled.pipeline.record
    source = record.json_schema or record.python
    return f"{fields} of {source}; a change of one of them asks for all"


def sent_to(agent: Agent, declared: Mapping[str, Endpoint]) -> str:
    """Hosts, or services, of the models that are given what stands in documents.

    `declared`: the endpoints of docmill.yaml.
    """
    endpoints = known_endpoints(declared)
    found: list[str] = []
    for choice in agent.models:
        endpoint, slash, _ = choice.id.partition("/")
        if choice.id != EMBEDDED:
            one = endpoints[endpoint if slash else CLAUDE]
            found.append(urlsplit(one.base_url or "").netloc.rpartition("@")[2] or one.service)
    return ", ".join(dict.fromkeys(found)) or "nobody: read on this machine"


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
