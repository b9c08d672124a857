"""`docmill doctor --vault` and `docmill prefect secret`: whether secrets can be had; writing one.

Shows where a secret is and where it may go; never the secret.
"""

import getpass
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from docmill.batch.blocks import SecretBlocks
from docmill.batch.state import server_settings
from docmill.cli.console import put, put_json, talk
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.egress.vault import Lookup, open_vault
from docmill.errors import EXIT_PREREQUISITE, PrerequisiteError
from docmill.flow import server
from docmill.flow.errands import keep_secret
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace
from docmill.spec.vault import VaultEntry


@dataclass(frozen=True, slots=True)
class Kept:
    """One credential of one pipeline, looked up."""

    pipeline: str
    credential: str
    source: str
    """`env CRM_TOKEN`, `prefect_secret crm`."""
    hosts: tuple[str, ...]
    header: str
    found: bool
    cause: str = ""
    remedy: str = ""


def doctor_vault(*, json: bool) -> None:
    """Look up every credential; exits with 3 if one can't be had."""
    loaded, settings = here()
    loaded.check()
    kept = list(_looked_up(loaded, settings))
    if json:
        put_json({"credentials": [asdict(each) for each in kept]})
    elif not kept:
        put("No pipeline has a `vault`.")
    else:
        _print(kept)
    if not all(each.found for each in kept):
        sys.exit(EXIT_PREREQUISITE)


def keep(name: str) -> None:
    """Write a Secret block on the server that runs use."""
    loaded, settings = here()
    secret = getpass.getpass(f"{name}: ") if sys.stdin.isatty() else sys.stdin.read().strip()
    if not secret:
        raise PrerequisiteError(
            "There was nothing to keep.",
            remedy=f"Type it, or: docmill prefect secret {name} < FILE",
        )
    address = server.ensure(server_settings(loaded, settings))
    keep_secret(address, name, secret)
    talk(f"Secret block `{name}` written at {address.api_url}.")


def _looked_up(loaded: LoadedWorkspace, settings: Settings) -> Iterator[Kept]:
    for name, pipeline in sorted(loaded.workspace.pipelines.items()):
        for credential, entry in pipeline.vault.items():
            # a lookup of its own: a block that is missing hides no other
            blocks = SecretBlocks(server_settings(loaded, settings))
            yield _kept(name, credential, entry, settings=settings, root=loaded.root, blocks=blocks)


def _kept(
    pipeline: str,
    credential: str,
    entry: VaultEntry,
    *,
    settings: Settings,
    root: Path,
    blocks: Lookup,
) -> Kept:
    (source, *_) = entry.sources
    kept = Kept(
        pipeline=pipeline,
        credential=credential,
        source=f"{source} {getattr(entry, source)}",
        hosts=entry.hosts,
        header=f"{entry.header}: {entry.prefix}...",
        found=True,
    )
    try:
        open_vault({credential: entry}, secrets=settings.secret, root=root, blocks=blocks)
    except PrerequisiteError as error:
        return replace(kept, found=False, cause=error.message, remedy=error.remedy)
    return kept


def _print(kept: list[Kept]) -> None:
    put_table(
        ["", "pipeline", "credential", "source", "hosts", "header"],
        [
            [
                "✓" if each.found else "✗",
                each.pipeline,
                each.credential,
                each.source,
                ", ".join(each.hosts),
                each.header,
            ]
            for each in kept
        ],
    )
    for each in kept:
        if not each.found:
            put(f"\n{each.pipeline}, {each.credential}: {each.cause}\n{each.remedy}")
