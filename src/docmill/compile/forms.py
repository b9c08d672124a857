"""Numbers out of the texts of a spec: sizes as bytes, once, for the sandbox."""

from collections.abc import Iterator, Mapping

from docmill.compile.networking import networking_problems
from docmill.compile.packaging import package_problems
from docmill.errors import KeyProblem
from docmill.sandboxes.base import Packages, SandboxLimits, SandboxSpec
from docmill.spec.environment import Environment
from docmill.spec.sizes import parse_size

_SIZES = ("memory", "disk", "output")
_LEAST = {"memory": "64MiB", "disk": "1MiB", "output": "4KiB"}
"""Less than this can't hold an interpreter, a document, an error message."""


def size_problem(text: str, path: tuple[str | int, ...], *, least: str = "1") -> KeyProblem | None:
    """What is wrong with a size at `path`; None if nothing is."""
    try:
        size = parse_size(text)
    except ValueError as error:
        message, _, remedy = str(error).partition("; ")
        return KeyProblem(path, message, remedy)
    if size < parse_size(least):
        return KeyProblem(path, f"`{text}` is too little", f"give at least {least}")
    return None


def environment_problems(environment: Environment) -> Iterator[KeyProblem]:
    """Mistakes in an environment that its types can't show; paths count from its file's root."""
    limits = environment.docmill.limits
    for name in _SIZES:
        path = ("docmill", "limits", name)
        problem = size_problem(getattr(limits, name), path, least=_LEAST[name])
        if problem is not None:
            yield problem
    problem = size_problem(environment.docmill.outputs.size, ("docmill", "outputs", "size"))
    if problem is not None:
        yield problem
    yield from package_problems(environment)
    yield from networking_problems(environment)


def sandbox_limits(environment: Environment) -> SandboxLimits:
    """The environment's limits in plain numbers.

    Raises:
        ValueError: a size is none; `environment_problems` says so before.
    """
    limits = environment.docmill.limits
    return SandboxLimits(
        memory=parse_size(limits.memory),
        cpus=limits.cpus,
        pids=limits.pids,
        disk=parse_size(limits.disk),
        seconds=float(limits.seconds),
        output=parse_size(limits.output),
        strict=limits.strict,
    )


def sandbox_spec(environment: Environment, labels: Mapping[str, str]) -> SandboxSpec:
    """What a session's sandbox is made of; `labels` (run, session) tell orphans apart."""
    packages = environment.config.packages
    return SandboxSpec(
        limits=sandbox_limits(environment),
        runtime=environment.docmill.runtime,
        packages=Packages(packages.pip, packages.apt, packages.npm),
        labels=dict(labels),
        oci_runtime=environment.docmill.oci_runtime or "",
        base_image=environment.docmill.base_image or "",
    )
