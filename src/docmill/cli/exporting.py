"""`docmill export` and `docmill verify`: a run as one file, and whether it is what it says."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from docmill.batch.start import reports_folder
from docmill.batch.state import open_state
from docmill.bundle.export import SHORTEST_SECRET, Exported, Wanted, export_run
from docmill.bundle.findings import Verification
from docmill.bundle.verify import verify_bundle
from docmill.cli.console import inert, put, put_json, talk
from docmill.cli.reading import number_of
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.documents.find import find_documents, read_document
from docmill.errors import EXIT_UNFINISHED, DocmillError, DocumentError
from docmill.packaged import packaged_workspace
from docmill.report.display import size_text
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.spec.pipeline import Pipeline
from docmill.store.runs import run_id

SHOWN = 20
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_IN_URL = re.compile(r"://[^/@\s:]*:([^@/\s]+)@")
_MAX_DOCUMENT = 1 << 30


def export(run: str, output: Path | None, *, documents: bool, json: bool) -> None:
    """Write the bundle of a run and say what it holds.

    Raises:
        RunNotFoundError, RunError: there is no such run, or it would hand a secret on.
        SystemExit: with 1 if the store isn't what was sealed any more; the bundle is written.
    """
    loaded, settings = here()
    with open_state(loaded) as state:
        number = number_of(state, run)
        info = state.runs.info(number)
        pipeline = loaded.workspace.pipelines.get(info.pipeline)
        wanted = Wanted(
            report=reports_folder(loaded, info.pipeline) / info.id,
            own_templates=_own_templates(loaded),
            document=_reader(loaded, pipeline) if documents else None,
            secrets=_secrets(loaded, settings),
        )
        target = output or Path.cwd() / f"{run_id(number)}.zip"
        exported = export_run(state, number, wanted, target)
    _tell_exported(exported, json=json)
    if not exported.unchanged:
        raise SystemExit(EXIT_UNFINISHED)


def _tell_exported(exported: Exported, *, json: bool) -> None:
    manifest = exported.manifest
    if json:
        put_json(
            {
                "path": str(exported.path),
                "seal": manifest.seal,
                "head": manifest.head,
                "unchanged": exported.unchanged,
                "changed_journals": list(exported.found.changed),
                "missing": list(manifest.missing),
            }
        )
        return
    size = size_text(exported.path.stat().st_size)
    put(f"{exported.path}  {len(manifest.parts)} parts  {size}")
    put(f"seal  {manifest.seal or 'none: ' + manifest.head + ' now'}")
    for sentence in manifest.missing:
        talk(f"Not in it: {sentence}")
    if not manifest.seal:
        talk("The run was never sealed: it was killed, or an older docmill ran it.")
    elif not exported.unchanged:
        talk(f"The store isn't what was sealed when the run ended: it is {manifest.head} now.")
        for session in exported.found.changed[:SHOWN]:
            talk(f"  The journal of {session} was changed.")
    talk(f"Prove it again anywhere: docmill verify {exported.path}")


def _reader(
    loaded: LoadedWorkspace, pipeline: Pipeline | None
) -> Callable[[str, str], bytes | None]:
    """Reads documents of the pipeline's folder, if they are still what was read."""
    if pipeline is None:
        return lambda _name, _sha256: None
    found = find_documents(pipeline.documents, loaded.root, cache=loaded.cache_folder)
    places = {document.info.sha256: document.location for document in found.documents}

    def read(_name: str, sha256: str) -> bytes | None:
        if sha256 not in places:
            return None
        try:
            return read_document(places[sha256], sha256=sha256, max_bytes=_MAX_DOCUMENT)
        except DocumentError:
            return None

    return read


def _own_templates(loaded: LoadedWorkspace) -> bool:
    """Whether the workspace's templates differ from those that ship with docmill."""
    shipped = packaged_workspace() / "reports" / "templates"
    own = loaded.root / "reports" / "templates"
    return any(
        path.is_file() and path.read_bytes() != (own / path.name).read_bytes()
        for path in shipped.iterdir()
        if (own / path.name).is_file()
    )


def _secrets(loaded: LoadedWorkspace, settings: Settings) -> Mapping[str, str]:
    """What the environment holds that looks like a secret, or that a spec names as one."""
    named = {one.api_key_env for one in loaded.workspace.config.endpoints.values()}
    for pipeline in loaded.workspace.pipelines.values():
        named.add(pipeline.documents.password_env)
        named |= {entry.env for entry in pipeline.vault.values()}
    found: dict[str, str] = {}
    for name, value in settings.environ.items():
        if name in named or (_SECRET.search(name) and not Path(value[:200]).exists()):
            found[f"${name}"] = value.strip()
        for secret in _IN_URL.findall(value):
            found[f"the password in ${name}"] = secret
    return {name: value for name, value in found.items() if len(value) >= SHORTEST_SECRET}


def verify(bundle: Path, head: str | None, *, json: bool) -> None:
    """Say what was checked in a bundle, and what isn't as it should be.

    Raises:
        DocmillError: it is no bundle, or one that can't be opened safely.
        SystemExit: with 1 if anything differs.
    """
    if not bundle.is_file():
        raise DocmillError(
            f"There is no file {bundle}.", remedy="Write one: docmill export RUN -o FILE"
        )
    found = verify_bundle(bundle, head=head)
    if json:
        put_json(found.as_json())
    else:
        _tell_verified(found)
    if not found.ok:
        raise SystemExit(EXIT_UNFINISHED)


def _tell_verified(found: Verification) -> None:
    put(f"{found.run}  {found.pipeline}  seal {found.head}")
    put()
    put_table(
        ["checked", "what", "cells", "differ"],
        [
            [
                check.name,
                inert(check.about),
                f"{check.cells:,}",
                f"{check.differing:,}" if check.differing else "-",
            ]
            for check in found.checks
        ],
    )
    put()
    for check in found.checks:
        for difference in check.differences[:SHOWN]:
            put(f"{check.name}: {inert(str(difference))}")
        if check.differing > len(check.differences[:SHOWN]):
            put(f"{check.name}: and {check.differing - SHOWN:,} more")
    for sentence in found.unproven:
        put(f"not checked: {inert(sentence)}")
    cells = sum(check.cells for check in found.checks)
    if found.ok:
        put(f"The bundle is what it says: {cells:,} cells checked, none differs.")
    else:
        wrong = sum(check.differing for check in found.checks)
        put(f"The bundle is NOT what it says: {wrong:,} of {cells:,} cells differ.")
