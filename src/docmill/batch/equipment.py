"""The packages of a pipeline's environment: had before a run is planned, and part of its keys.

Neighbours: `sandboxes.runtime` builds the layers. What is copied from beside docmill isn't counted.
"""

from collections.abc import Callable
from dataclasses import replace

from docmill.batch.downloads import package_supply
from docmill.compile.digest import digest
from docmill.compile.forms import sandbox_spec
from docmill.plan import CompiledPipeline
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.opening import silent
from docmill.sandboxes.runtime import build_runtime, downloaded, is_at_hand, is_built
from docmill.settings import Settings


def equipped(
    compiled: CompiledPipeline,
    settings: Settings,
    *,
    build: bool = True,
    tell: Callable[[str], None] = silent,
) -> CompiledPipeline:
    """The pipeline with what is really installed in its digest: other versions, other sessions.

    `build`: have the environment built if it isn't there yet; else only look at what is there.
    `tell` is given a sentence before that, for it may take minutes.

    Raises:
        PrerequisiteError: a Python or a package can't be had.
    """
    spec = sandbox_spec(compiled.environment, {})
    if is_at_hand(spec.runtime, spec.packages):
        return compiled
    store = LayerStore(default_cache())
    if build and not is_built(store, runtime=spec.runtime, packages=spec.packages):
        name = compiled.environment.name
        tell(f"Getting the packages of environment {name}; the next run finds them.")
        build_runtime(
            store,
            runtime=spec.runtime,
            packages=spec.packages,
            dropped=False,
            supply=package_supply(settings),
        )
    found = downloaded(store, runtime=spec.runtime, packages=spec.packages)
    installed = [
        [contents.manager, contents.python, sorted(contents.installed.items())]
        for contents in found
    ]
    session = digest({"session": compiled.session_digest, "installed": installed})
    base = compiled.base_digest and digest({"base": compiled.base_digest, "installed": installed})
    return replace(compiled, session_digest=session, base_digest=base)
