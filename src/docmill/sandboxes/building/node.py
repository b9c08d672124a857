"""Node packages for a sandbox: installed by this machine's npm into a layer, without their scripts.

Node itself is the machine's, or comes by `packages.apt`. `confined` shuts npm in.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docmill.errors import PrerequisiteError
from docmill.managers.npm import npm_settings, registry_of
from docmill.managers.settings import ManagerSettings
from docmill.sandboxes.building.confined import BUNDLE, PROXY, Confinement, Said
from docmill.sandboxes.building.layer import INSIDE, Contents, Layer, write_contents
from docmill.sandboxes.building.names import npm_mistake
from docmill.sandboxes.building.pages import reach_for, with_files
from docmill.sandboxes.building.way import Supply, Way, explained, needed
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


def layers(store: LayerStore, asked: Sequence[str], supply: Supply | None) -> list[Layer]:
    """The layer with these packages and what they need; none if none are asked for.

    Raises:
        PrerequisiteError: no npm, no such package, no registry to be reached, no space; or it has
            to be built, and there is no supply.
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
    bubblewrap = ""
    if not built:
        supply, bubblewrap = needed(supply), find_bubblewrap(store).path
    folder = store.layer(
        KIND, recipe, lambda draft: _build(draft, wanted, bubblewrap, needed(supply))
    )
    return [Layer(folder, PLACE, _PATHS)]


def recipe_for(asked: Sequence[str]) -> tuple[str, ...]:
    """What decides the layer: the packages and the machine's kind."""
    return (*sorted(set(asked)), os.uname().machine)


def _build(folder: Path, wanted: Sequence[str], bubblewrap: str, supply: Supply) -> None:
    settings = _settings(supply.environ, bubblewrap)
    reach = reach_for(settings)
    pages = [_page(text, settings, supply.environ) for text in wanted]
    reach = with_files(reach, supply.open_way(reach), pages, bubblewrap)
    way = supply.open_way(reach)
    confinement = _confined(bubblewrap, settings, way, write={PLACE: folder})
    said = confinement.run([str(_NPM), "install", *_OPTIONS, "--prefix", PLACE, "--", *wanted])
    if said.code != 0:
        raise explained(failure(said), way.decisions, see="npm config get registry")
    write_contents(folder, Contents(KIND, tuple(wanted), dict(_versions(folder))))


def _settings(environ: Mapping[str, str], bubblewrap: str) -> ManagerSettings:
    """npm's, with the registry it knows itself where no other is configured."""
    settings = npm_settings(environ)
    if registry_of("", environ):
        return settings
    told = _confined(bubblewrap, settings, None).run([str(_NPM), "config", "get", "registry"])
    return replace(settings, indexes=(*settings.indexes, told.output.strip()))


def _page(text: str, settings: ManagerSettings, environ: Mapping[str, str]) -> str:
    """Where the registry tells all about a package, `name` or `name@version`."""
    name = text[:1] + text[1:].partition("@")[0]
    registry = registry_of(name, environ) or settings.indexes[-1]
    return f"{registry.rstrip('/')}/{quote(name, safe='@')}"


def _confined(
    bubblewrap: str,
    settings: ManagerSettings,
    way: Way | None,
    *,
    write: Mapping[str, Path] | None = None,
) -> Confinement:
    environ = {**settings.environ, "npm_config_proxy": PROXY, "npm_config_https_proxy": PROXY}
    environ |= {"npm_config_noproxy": ""}
    environ |= {"npm_config_cafile": BUNDLE} if way is not None and way.certificates else {}
    return Confinement(
        bubblewrap,
        read=settings.files,
        write=write or {},
        texts=settings.texts,
        way=way,
        environ=environ,
    )


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
