"""`docmill sandbox build`, `list` and `prune`: environments ahead of their runs, and their layers.

Neighbours: `sandboxes.runtime` builds, `sandboxes.layers` keeps; `sandboxing` has the commands.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from docmill.batch.downloads import package_supply
from docmill.cli.console import put, put_json, talk
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.compile.forms import environment_problems, sandbox_spec
from docmill.errors import PrerequisiteError, Problem, SpecError
from docmill.report.display import count, size_text
from docmill.sandboxes import open_backend
from docmill.sandboxes.base import SandboxSpec
from docmill.sandboxes.building.layer import Contents, read_contents
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.runtime import build_runtime, downloaded
from docmill.settings import Settings
from docmill.spec.environment import Environment
from docmill.spec.load import LoadedWorkspace, environment_file

if TYPE_CHECKING:
    from docmill.sandboxes.docker.engine import Image

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Built:
    """One environment that is ready."""

    name: str
    backend: str
    seconds: float
    contents: tuple[Contents, ...]


def build(names: Sequence[str], *, json: bool) -> None:
    """Make environments ready: all of the workspace, or those named; start each once.

    Raises:
        SpecError: there is no such environment, or it has mistakes.
        PrerequisiteError: something can't be had.
    """
    loaded, settings = here()
    built: list[Built] = []
    for environment in _chosen(loaded, names):
        if not json:
            talk(f"{environment.name} ...")
        built.append(_build(environment, settings))
    if json:
        put_json([_as_data(one) for one in built])
        return
    put_table(
        ["environment", "sandbox", "seconds", "downloaded"],
        [[one.name, one.backend, f"{one.seconds:.1f}", _gist(one.contents)] for one in built],
    )


def list_layers(*, json: bool) -> None:
    """What lies in the cache, the latest used first."""
    store = LayerStore(default_cache())
    found = store.layers()
    described = [(layer, read_contents(layer.path)) for layer in found]
    if json:
        put_json(
            [
                {
                    "name": layer.path.name,
                    "bytes": layer.size,
                    "unused_days": round((time.time() - layer.used) / DAY, 1),
                    "installed": dict(contents.installed) if contents else {},
                    "asked": list(contents.asked) if contents else [],
                }
                for layer, contents in described
            ]
        )
        return
    put_table(
        ["layer", "size", "unused", "holds"],
        [
            [
                layer.path.name,
                size_text(layer.size),
                f"{(time.time() - layer.used) / DAY:.0f} days",
                _gist((contents,)) if contents else "copied from this machine",
            ]
            for layer, contents in described
        ],
    )
    put(f"\n{store.folder}: {size_text(sum(layer.size for layer in found))}")


def prune(days: float, *, json: bool) -> None:
    """Remove what no sandbox has used for so long; it is built again when it is needed."""
    store = LayerStore(default_cache())
    removed = store.prune(days * DAY)
    images = _prune_images(store, days)
    layers_size = sum(layer.size for layer in removed)
    images_size = sum(image.size for image in images)
    if json:
        put_json(
            {
                "removed": [layer.path.name for layer in removed],
                "images": [image.id for image in images],
                "bytes": layers_size + images_size,
            }
        )
        return
    parts = [f"{count(len(removed), 'layer')} ({size_text(layers_size)})"]
    if images:
        parts.append(f"{count(len(images), 'Docker image')} ({size_text(images_size)})")
    talk(f"Removed {' and '.join(parts)}: {size_text(layers_size + images_size)} came free.")


def _prune_images(store: LayerStore, days: float) -> list["Image"]:
    """Remove images of the Docker Engine, if there is one."""
    from docmill.sandboxes.docker import image
    from docmill.sandboxes.docker.engine import Engine, EngineError

    try:
        engine = Engine()
    except PrerequisiteError:
        return []
    try:
        return image.prune(engine, store, days * DAY)
    except EngineError as error:
        talk(f"Docker's images were left alone: {error.message}")
        return []
    finally:
        engine.close()


def _chosen(loaded: LoadedWorkspace, names: Sequence[str]) -> list[Environment]:
    loaded.check()
    known = loaded.workspace.environments
    problems = [
        Problem(
            "command line",
            0,
            0,
            "ENVIRONMENT",
            f"there is no sandbox/{name}.yaml",
            f"name one of: {', '.join(sorted(known)) or 'none is there'}",
        )
        for name in names
        if name not in known
    ]
    if problems:
        raise SpecError(problems)
    chosen = [known[name] for name in names or sorted(known)]
    mistakes = [
        loaded.locate(environment_file(environment.name), problem)
        for environment in chosen
        for problem in environment_problems(environment)
    ]
    if mistakes:
        raise SpecError(mistakes)
    return chosen


def _build(environment: Environment, settings: Settings) -> Built:
    begun = time.monotonic()
    spec = sandbox_spec(environment, {})
    store = LayerStore(default_cache())
    build_runtime(
        store,
        runtime=spec.runtime,
        packages=spec.packages,
        dropped=False,
        supply=package_supply(settings),
    )
    wanted = environment.docmill.backend
    backend = settings.sandbox if wanted == "auto" else wanted
    name = asyncio.run(_try(backend, spec))
    contents = downloaded(store, runtime=spec.runtime, packages=spec.packages)
    return Built(environment.name, name, time.monotonic() - begun, contents)


async def _try(name: str, spec: SandboxSpec) -> str:
    """Start the environment's sandbox once: it is known to work, and Docker has its image."""
    backend = open_backend(name)
    async with backend.open(spec) as sandbox:
        await sandbox.call("ping", {}, timeout=60.0)
    return backend.probe().backend


def _gist(contents: Sequence[Contents]) -> str:
    """What was downloaded, in a few words; the packages asked for with their versions."""
    parts: list[str] = []
    for each in contents:
        python = f"Python {each.python}: " if each.python else ""
        parts.append(f"{python}{count(len(each.installed), f'{each.manager} package')}")
    return ", ".join(parts) or "nothing: all is on this machine"


def _as_data(built: Built) -> dict[str, object]:
    return {
        "environment": built.name,
        "sandbox": built.backend,
        "seconds": round(built.seconds, 3),
        "downloaded": {each.manager: dict(each.installed) for each in built.contents},
    }
