"""`docmill doctor` and `sandbox clean`: what this machine has, lacks, and how to mend it."""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from docmill.batch.state import open_state, server_settings
from docmill.cli.console import put, put_json, talk
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.compile import check_workspace
from docmill.errors import EXIT_PREREQUISITE, DocmillError, PrerequisiteError
from docmill.flow import server
from docmill.ledger.prices import load_prices
from docmill.report.display import count, size_text
from docmill.sandboxes import open_backend
from docmill.sandboxes.base import Probe
from docmill.sandboxes.opening import loose_limits
from docmill.settings import Sandbox, Settings, load_settings
from docmill.spec.load import LoadedWorkspace

LEAST_FREE = 1 << 30
"""Bytes free below which a run may end on a full disk."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    subject: str
    good: bool
    found: str
    remedy: str = ""
    needed: bool = True
    """False for what only some workspaces need."""


def doctor(*, json: bool) -> None:
    """Look at everything a run needs; exits with 3 if something needed is missing."""
    settings = load_settings()
    probe = probed(settings.sandbox)
    findings = [
        *_machine(),
        _sandbox_finding(probe),
        *_limits_finding(probe),
        *_workspace_findings(settings),
    ]
    if json:
        put_json(
            {
                "findings": [asdict(finding) for finding in findings],
                "enforced": [asdict(entry) for entry in probe.enforced],
            }
        )
    else:
        _print(findings, probe)
    if any(finding.needed and not finding.good for finding in findings):
        sys.exit(EXIT_PREREQUISITE)


def clean(*, json: bool) -> None:
    """Remove what killed runs left behind."""
    removed = open_backend(load_settings().sandbox).sweep()
    if json:
        put_json({"removed": removed})
    else:
        talk(f"Removed {count(removed, 'sandbox', 'sandboxes')}.")


def probed(backend: Sandbox) -> Probe:
    """The probe of a sandbox backend, also where it can't be had."""
    try:
        return open_backend(backend).probe()
    except PrerequisiteError as error:
        return Probe(backend, available=False, cause=error.message, remedy=error.remedy)


def _print(findings: list[Finding], probe: Probe) -> None:
    put_table(
        ["", "", ""],
        [[_glyph(finding), finding.subject, finding.found] for finding in findings],
    )
    for finding in findings:
        if not finding.good and finding.remedy:
            put(f"\n{finding.subject}: {finding.remedy}")
    if probe.enforced:
        put("\nLimits of a sandbox, as read back from the kernel:")
        put_table(
            ["limit", "by", "value"],
            [[entry.limit, entry.by, entry.value] for entry in probe.enforced],
        )


def _glyph(finding: Finding) -> str:
    if finding.good:
        return "✓"
    return "✗" if finding.needed else "–"


def _machine() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), python, "Install Python 3.11 or newer.")
    for package in ("prefect", "pypdf", "pypdfium2", "great-expectations"):
        try:
            yield Finding(package, True, version(package))
        except PackageNotFoundError:
            yield Finding(package, False, "not installed", f"pip install {package}")
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding("free disk", free >= LEAST_FREE, size_text(free), "Free some space.")


def _sandbox_finding(probe: Probe) -> Finding:
    if not probe.available:
        return Finding("sandbox", False, probe.cause, probe.remedy)
    return Finding(
        "sandbox", True, f"{probe.backend} {probe.version}, {probe.seconds * 1000:.0f} ms"
    )


def _limits_finding(probe: Probe) -> Iterator[Finding]:
    """Whether runs with strict limits, as they are by default, can start."""
    if probe.available:
        loose = " and ".join(loose_limits(probe))
        found = f"{loose} of each process only" if loose else "of a sandbox as a whole"
        yield Finding("limits", not loose, found, "docmill doctor --sandbox", needed=False)


def _workspace_findings(settings: Settings) -> Iterator[Finding]:
    for name in settings.unknown:
        yield Finding(name, False, "means nothing to docmill", f"unset {name}", needed=False)
    try:
        loaded, _ = here()
    except DocmillError as error:
        yield Finding("workspace", False, error.message, error.remedy, needed=False)
        return
    yield Finding("workspace", True, str(loaded.root))
    problems = check_workspace(loaded)
    found = count(len(problems), "problem") if problems else "no problems"
    yield Finding("specs", not problems, found, "docmill validate")
    yield _store_finding(loaded)
    yield _prices_finding(loaded)
    yield _prefect_finding(loaded, settings)


def _store_finding(loaded: LoadedWorkspace) -> Finding:
    try:
        with open_state(loaded) as state:
            runs, place = len(state.runs.recent(limit=1000)), state.place
    except PrerequisiteError as error:
        return Finding("store", False, error.message, error.remedy)
    return Finding("store", True, f"{place}, {count(runs, 'run')}")


def _prices_finding(loaded: LoadedWorkspace) -> Finding:
    own = loaded.workspace.config.prices
    try:
        table = load_prices(loaded.root / own if own else None)
    except DocmillError as error:
        return Finding("prices", False, error.message, error.remedy)
    return Finding("prices", True, f"{count(len(table.models), 'model')}, as of {table.as_of}")


def _prefect_finding(loaded: LoadedWorkspace, settings: Settings) -> Finding:
    wanted = server_settings(loaded, settings)
    if wanted.api_url:
        return Finding("Prefect server", True, f"{wanted.api_url} (PREFECT_API_URL)")
    try:
        found = server.status(wanted)
    except OSError as error:
        return Finding("Prefect server", False, f"{error}", f"Mend {wanted.folder}")
    if found.address:
        return Finding("Prefect server", True, found.address.ui_url)
    return Finding("Prefect server", True, "not running; a run starts it")
