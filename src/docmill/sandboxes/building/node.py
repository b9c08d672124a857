"""Node packages for a sandbox: installed by this machine's npm into a layer, without their scripts.

Node itself is the machine's, or comes by `packages.apt`. `confined` shuts npm in.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from docmill.errors import PrerequisiteError
from docmill.sandboxes.building.confined import Confinement, Said
from docmill.sandboxes.building.layer import INSIDE, Contents, Layer, write_contents
from docmill.sandboxes.building.names import npm_mistake
from docmill.sandboxes.building.settings import npm_settings
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.programs import find_bubblewrap

KIND = "npm"
PLACE = f"{INSIDE}/{KIND}"
_NPM = Path("/usr/bin/npm")
_OPTIONS = (
    *("--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--no-update-notifier"),
    *("--cache=/tmp/npm", "--loglevel=error", "--fetch-retries=1", "--allow-git=none"),
)
_PATHS = (("PATH", (f"{PLACE}/node_modules/.bin",)), ("NODE_PATH", (f"{PLACE}/node_modules",)))


def layers(store: LayerStore, asked: Sequence[str], environ: Mapping[str, str]) -> list[Layer]:
    """The layer with these packages and what they need; none if none are asked for.

    Raises:
        PrerequisiteError: no npm, no such package, no registry to be reached, no space.
    """
    if not asked:
        return []
    for text in asked:
        mistake = npm_mistake(text)
        if mistake:
            raise PrerequisiteError(f"{mistake.message}.", remedy=mistake.remedy)
    wanted = tuple(sorted(set(asked)))
    recipe = recipe_for(asked)
    built = store.path(KIND, recipe).is_dir()
    if not built and not _NPM.is_file():
        raise PrerequisiteError(
            "The environment asks for Node packages, and there is no npm here.",
            remedy="sudo apt-get install nodejs npm",
        )
    bubblewrap = "" if built else find_bubblewrap(store).path
    folder = store.layer(KIND, recipe, lambda draft: _build(draft, wanted, bubblewrap, environ))
    return [Layer(folder, PLACE, _PATHS)]


def recipe_for(asked: Sequence[str]) -> tuple[str, ...]:
    """What decides the layer: the packages and the machine's kind."""
    return (*sorted(set(asked)), os.uname().machine)


def _build(
    folder: Path, wanted: Sequence[str], bubblewrap: str, environ: Mapping[str, str]
) -> None:
    settings = npm_settings(environ)
    confinement = Confinement(
        bubblewrap,
        read=settings.files,
        write={PLACE: folder},
        network=True,
        environ=settings.environ,
    )
    said = confinement.run([str(_NPM), "install", *_OPTIONS, "--prefix", PLACE, "--", *wanted])
    if said.code != 0:
        raise failure(said)
    write_contents(folder, Contents(KIND, tuple(wanted), dict(_versions(folder))))


def _versions(folder: Path) -> Iterator[tuple[str, str]]:
    """Names and versions of all that was installed."""
    lock: dict[str, Any] = json.loads((folder / "package-lock.json").read_text())
    for place, entry in lock["packages"].items():
        if place:
            yield place.removeprefix("node_modules/"), str(entry.get("version", ""))


def failure(said: Said) -> PrerequisiteError:
    """What npm's complaint means, and what mends it."""
    lines = [line.removeprefix("npm ERR!").removeprefix("npm error").strip()
             for line in said.complaint.splitlines() if line.startswith("npm ")]  # fmt: skip
    text = " ".join(line for line in lines if line)[:500] or said.complaint[-300:]
    if "E404" in text or "ETARGET" in text:
        return PrerequisiteError(
            f"A Node package of the environment isn't known: {text}",
            remedy="Mend packages.npm in the environment",
        )
    if "ENOSPC" in text:
        return PrerequisiteError(
            "There is no space left for the environment's packages.",
            remedy="Make room, or forget unused ones: docmill sandbox prune --older-than 0",
        )
    return PrerequisiteError(
        f"npm can't get the environment's packages: {text}",
        remedy="See which registry is configured: npm config get registry",
    )
