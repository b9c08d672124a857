"""Installed Python packages for a sandbox: which ones requirements mean, and their files.

Takes what is installed beside docmill; downloads nothing. `runtime` makes a layer of it.
"""

import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from docmill.errors import PrerequisiteError
from docmill.sandboxes.layers import copy_file

CORE = ("pypdf", "pypdfium2", "cryptography")
"""What the toolbox itself needs: reading PDFs, encrypted ones too."""


class NotInstalledError(PrerequisiteError):
    """Packages that aren't installed beside docmill; they may be had from an index."""


@lru_cache(8)
def collect(packages: tuple[str, ...]) -> tuple[Distribution, ...]:
    """The installed distributions that provide these requirements and all they need, by name.

    Raises:
        PrerequisiteError: one isn't installed, or in another version; all of them are named.
    """
    found: dict[str, Distribution] = {}
    missing: list[str] = []
    queue = [(text, "") for text in (*CORE, *packages)]
    seen: set[tuple[str, str]] = set()
    while queue:
        text, extra = queue.pop()
        if (text, extra) in seen:
            continue
        seen.add((text, extra))
        requirement = _parse(text)
        if requirement.marker and not requirement.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(requirement.name)
        try:
            provider = found.get(name) or distribution(name)
        except PackageNotFoundError:
            missing.append(text)
            continue
        if not requirement.specifier.contains(provider.version, prereleases=True):
            missing.append(f"{text} (installed: {provider.version})")
        for wanted in sorted(requirement.extras):
            queue += [(need, wanted) for need in provider.requires or ()]
        if name not in found:
            found[name] = provider
            queue += [(need, "") for need in provider.requires or ()]
    if missing:
        names = ", ".join(sorted(set(missing)))
        raise NotInstalledError(
            f"The sandbox's environment asks for packages that aren't installed here: {names}.",
            remedy="Install them beside docmill: "
            f"{sys.executable} -m pip install "
            + " ".join(sorted({f"'{text.split(' (')[0]}'" for text in missing})),
        )
    return tuple(found[name] for name in sorted(found))


def _parse(text: str) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        raise PrerequisiteError(
            f"{text!r} in the environment's packages isn't a requirement: {error}.",
            remedy="Write a name with an optional version, like pandas>=3",
        ) from error
    return requirement


def recipe_of(distributions: Sequence[Distribution]) -> tuple[str, ...]:
    """What decides the content of a layer with these distributions."""
    return tuple(
        f"{found.name} {found.version} {found.read_text('RECORD') or ''}" for found in distributions
    )


def copy_packages(distributions: Sequence[Distribution], folder: Path) -> None:
    """Copy their modules and libraries into a folder.

    Raises:
        PrerequisiteError: one is installed in a way that lists no files.
    """
    for found in distributions:
        files = list(_files(found))
        if not files:
            raise PrerequisiteError(
                f"{found.name} {found.version} is installed without a list of its files.",
                remedy=f"{sys.executable} -m pip install --force-reinstall {found.name}",
            )
        for name in files:
            source = Path(str(found.locate_file(name)))
            if source.is_file():
                copy_file(source, folder / name)


def _files(found: Distribution) -> Iterator[str]:
    """Paths relative to the package folder; without scripts, test data and compiled twins."""
    for file in found.files or ():
        parts = file.parts
        if ".." in parts or file.is_absolute() or "__pycache__" in parts:
            continue
        is_test = bool({"test", "tests"} & set(parts[:-1]))
        if is_test and (file.suffix != ".py" or file.name.startswith("test_")):
            continue
        yield str(file)
