"""Python packages from the index this machine's pip is configured for: wheels only, exact versions.

Downloaded and unpacked by pip, shut in (`confined`), once per request; no code of a package runs
for it. `packages` copies instead where what is installed beside docmill will do.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

from docmill.errors import PrerequisiteError
from docmill.managers.pip import needs_default, pip_settings
from docmill.managers.settings import ManagerSettings
from docmill.sandboxes.building.confined import BUNDLE, PROXY, WORK, Confinement, Said
from docmill.sandboxes.building.layer import SITE, Contents, downloads, write_contents
from docmill.sandboxes.building.names import pip_mistake
from docmill.sandboxes.building.pages import reach_for, with_files
from docmill.sandboxes.building.way import Supply, Way, explained, needed
from docmill.sandboxes.interpreters import Interpreter
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.packages import CORE
from docmill.sandboxes.programs import find_bubblewrap

KIND = "wheels"
_PIP = "/opt/pip"
_ASK_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)"
_ALONE = """
import runpy, sys

def refuse(event, _):
    if event in ("subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn",
                 "os.system"):
        raise PermissionError("no program of a package runs here")

sys.addaudithook(refuse)
sys.argv[0] = "pip"
runpy.run_module("pip", run_name="__main__", alter_sys=True)
"""
"""pip without other processes: where a package names the address of another one, pip would run that
one's set-up program in spite of `--only-binary`."""
_QUIET = ("--disable-pip-version-check", "--no-input", "--no-color", "--no-cache-dir")
_UNREACHABLE = (
    *("name resolution", "NewConnectionError", "ConnectTimeout", "ProxyError", "SSLError"),
    *("Connection refused", "Connection aborted", "Connection reset", "Read timed out"),
    *("Max retries exceeded", "Network is unreachable", "Could not fetch URL"),
)


def layer(
    store: LayerStore, interpreter: Interpreter, asked: Sequence[str], supply: Supply | None
) -> Path:
    """The folder with these packages and all they need, for this interpreter.

    Raises:
        PrerequisiteError: one can't be had as a wheel, the index doesn't answer, no space; or it
            has to be downloaded, and there is no supply.
    """
    recipe = recipe_for(interpreter, asked)
    wanted = recipe[1:]
    for text in wanted:
        mistake = pip_mistake(text)
        if mistake:
            raise PrerequisiteError(f"{mistake.message}.", remedy=mistake.remedy)
    # Looked for before the store is locked: it may have to be copied there.
    bubblewrap = ""
    if not store.path(KIND, recipe).is_dir():
        supply, bubblewrap = needed(supply), find_bubblewrap(store).path

    def build(folder: Path) -> None:
        with downloads(store, KIND, recipe) as wheels:
            builder = _Builder(bubblewrap, interpreter, needed(supply), wheels)
            builder.download(wanted)
            installed = builder.unpack(folder)
        python = interpreter.version.split()[0]
        contents = Contents("pip", tuple(sorted(asked)), installed, python)
        write_contents(folder, contents)

    return store.layer(KIND, recipe, build)


def recipe_for(interpreter: Interpreter, asked: Sequence[str]) -> tuple[str, ...]:
    """What decides the layer: the interpreter, then all requirements."""
    return (interpreter.version, *sorted({*asked, *_core(asked)}))


def _core(asked: Sequence[str]) -> Iterator[str]:
    """What the toolbox needs, as docmill has it, unless the environment says something of it."""
    names = {canonicalize_name(Requirement(text).name) for text in asked if not pip_mistake(text)}
    for name in CORE:
        if name not in names:
            yield f"{name}=={version(name)}"


class _Builder:
    """Both steps for one layer."""

    def __init__(
        self, bubblewrap: str, interpreter: Interpreter, supply: Supply, wheels: Path
    ) -> None:
        self._bubblewrap = bubblewrap
        self._interpreter = interpreter
        self._supply = supply
        self._wheels = wheels
        self._read: dict[str, Path] = {_PIP: find_pip(interpreter)}
        if not interpreter.prefix.is_relative_to("/usr"):
            self._read[str(interpreter.prefix)] = interpreter.prefix

    def download(self, wanted: Sequence[str]) -> None:
        """Fetch the wheels that together satisfy the requirements."""
        settings = self._settings()
        reach = reach_for(settings)
        index = self._supply.open_way(reach)
        names = [canonicalize_name(Requirement(text).name) for text in wanted]
        pages = [f"{url.rstrip('/')}/{name}/" for url in settings.indexes for name in names]
        way = index
        if reach.origins:
            reach = with_files(reach, index, (*pages, *settings.pages), self._bubblewrap)
            way = self._supply.open_way(reach)
        options = ("--only-binary", ":all:", "--dest", WORK, "--retries", "1", "--timeout", "30")
        confinement = self._confined(settings, way)
        said = confinement.run([*self._pip("download", "-c", _ALONE), *options, "--", *wanted])
        if said.code != 0:
            raise explained(
                failure(said, self._interpreter), way.decisions, see="python3 -m pip config list"
            )
        others = [file.name for file in self._wheels.iterdir() if file.suffix != ".whl"]
        if others:
            raise failure(Said(1, "", f"ERROR: {others[0]} is no wheel"), self._interpreter)

    def _confined(self, settings: ManagerSettings, way: Way | None) -> Confinement:
        environ = {"PYTHONPATH": _PIP, **settings.environ}
        if way is not None:
            environ |= {"PIP_PROXY": PROXY, **({"PIP_CERT": BUNDLE} if way.certificates else {})}
        return Confinement(
            self._bubblewrap,
            read={**self._read, **settings.files},
            write={WORK: self._wheels} if way is not None else {},
            texts=settings.texts,
            way=way,
            environ=environ,
        )

    def _settings(self) -> ManagerSettings:
        """pip's, with the index it knows itself where no other is configured."""
        settings = pip_settings(self._supply.environ)
        if not needs_default(settings, self._supply.environ):
            return settings
        python = str(self._interpreter.executable)
        said = self._confined(settings, None).run([python, "-c", _ASK_INDEX])
        default = said.output.strip()
        return replace(settings, indexes=(*settings.indexes, *([default] if default else [])))

    def unpack(self, folder: Path) -> dict[str, str]:
        """Put what was fetched into a folder, compiled; returns the versions. Has no network."""
        found = sorted(self._wheels.glob("*.whl"))
        confinement = Confinement(
            self._bubblewrap,
            read={**self._read, "/wheels": self._wheels},
            write={SITE: folder},
            environ={"PYTHONPATH": _PIP, "HOME": WORK, "PIP_CONFIG_FILE": "/dev/null"},
        )
        options = ("--no-index", "--no-deps", "--no-compile", "--target", SITE)
        names = [f"/wheels/{wheel.name}" for wheel in found]
        said = confinement.run(
            [*self._pip("install"), *options, "--no-warn-script-location", *names]
        )
        if said.code != 0:
            raise failure(said, self._interpreter)
        python = str(self._interpreter.executable)
        compile_all = [python, "-I", "-S", "-m", "compileall", "-q", "-j", "0"]
        # Modules for other Python versions in a package don't compile; they are never imported.
        confinement.run([*compile_all, "--invalidation-mode", "unchecked-hash", SITE])
        parsed = (parse_wheel_filename(wheel.name) for wheel in found)
        return {str(name): str(number) for name, number, _, _ in parsed}

    def _pip(self, step: str, *way: str) -> list[str]:
        return [str(self._interpreter.executable), *(way or ("-m", "pip")), step, *_QUIET]


def find_pip(interpreter: Interpreter) -> Path:
    """A folder, or an archive, with pip in it: the interpreter's, docmill's, or one to be unpacked.

    Raises:
        PrerequisiteError: there is none.
    """
    library = interpreter.stdlib
    own = find_spec("pip")
    spots = [library / "site-packages", Path("/usr/lib/python3/dist-packages")]
    if own is not None and own.origin is not None:
        spots.append(Path(own.origin).parents[1])
    for spot in spots:
        if (spot / "pip" / "__main__.py").is_file():
            return spot
    bundled = sorted((library / "ensurepip" / "_bundled").glob("pip-*.whl"))
    if bundled:
        return bundled[-1]
    raise PrerequisiteError(
        "Packages have to be downloaded, and there is no pip to do it.",
        remedy=f"{sys.executable} -m ensurepip, or: uv pip install pip, or: "
        "apt-get install python3-pip",
    )


def failure(said: Said, interpreter: Interpreter) -> PrerequisiteError:
    """What pip's complaint means, and what mends it."""
    lines = [line for line in said.complaint.splitlines() if line.startswith("ERROR:")]
    told = [line.removeprefix("ERROR:").strip() for line in lines]
    last = said.complaint.rpartition("\n")[2]
    text = last if not told or "Exception:" in told else " ".join(told)[:500]
    if "No space left" in said.complaint:
        return PrerequisiteError(
            "There is no space left for the environment's packages.",
            remedy="Make room, or forget unused ones: docmill sandbox prune --older-than 0",
        )
    if any(word in said.complaint for word in _UNREACHABLE):
        return PrerequisiteError(
            f"The package index can't be reached: {text}",
            remedy="See which is configured: python3 -m pip config list; or install the packages "
            f"beside docmill: {sys.executable} -m pip install ...",
        )
    return PrerequisiteError(
        f"The environment's packages can't be had as wheels for Python {interpreter.name}: {text}",
        remedy="Mend packages.pip in the environment, or install what is missing beside docmill: "
        f"{sys.executable} -m pip install ...",
    )
