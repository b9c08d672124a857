"""Debian packages for a sandbox: downloaded by this machine's apt, unpacked into a layer.

Only what the machine's own /usr lacks comes along, as that is mounted too. No script of a package
runs, so alternatives and caches aren't set up. `confined` shuts apt and dpkg in.
"""

import os
import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from docmill.errors import PrerequisiteError
from docmill.managers.apt import apt_logins, apt_proxies, covered
from docmill.managers.settings import ManagerSettings, origin_of
from docmill.sandboxes.building.confined import BUNDLE, PROXY, WORK, Confinement, Said
from docmill.sandboxes.building.layer import (
    INSIDE,
    Contents,
    Layer,
    Paths,
    downloads,
    write_contents,
)
from docmill.sandboxes.building.names import apt_mistake
from docmill.sandboxes.building.way import Reach, Supply, Way, explained, needed
from docmill.sandboxes.layers import LayerStore
from docmill.sandboxes.programs import find_bubblewrap

KIND = "apt"
PLACE = f"{INSIDE}/{KIND}"
_APT, _CONFIG, _DPKG = (Path("/usr/bin") / name for name in ("apt-get", "apt-config", "dpkg-deb"))
_INSTALL = re.compile(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)", re.MULTILINE)
_FILE_URI = re.compile(r"\b(?:file|copy):(?://)?(/[^\s\]]+)")
_URI = re.compile(r"^'(https?://[^'\s]+)'", re.MULTILINE)
_FOLDER = re.compile(r"^[A-Z]+='(/.*)'$", re.MULTILINE)
_NEVER = frozenset(("libc6", "libc-bin"))
"""The machine's own start every program; others beside them would break it."""
_OPTIONS = (
    *("-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=1", "-o", "Dir::Cache::pkgcache="),
    *("-o", "Dir::Cache::srcpkgcache=", "-o", "Acquire::Retries=1"),
)
_LISTS = ("LISTS", "Dir::State::lists/d", "ETC", "Dir::Etc/d", "STATUS", "Dir::State::status/f")


def layers(store: LayerStore, asked: Sequence[str], supply: Supply | None) -> list[Layer]:
    """The layer with these packages and what they need; none if none are asked for.

    Raises:
        PrerequisiteError: no apt, no such package, nothing to be reached, no space; or it has to
            be built, and there is no supply.
    """
    if not asked:
        return []
    for text in asked:
        mistake = apt_mistake(text)
        if mistake:
            raise PrerequisiteError(f"{mistake.message}.", remedy=mistake.remedy)
    wanted = tuple(sorted(set(asked)))
    recipe = recipe_for(asked)
    builder: _Builder | None = None
    if not store.path(KIND, recipe).is_dir():
        builder = _Builder(find_bubblewrap(store).path, needed(supply))

    def build(folder: Path) -> None:
        assert builder is not None
        with downloads(store, KIND, recipe) as debs:
            installed = builder.download(wanted, debs)
            builder.unpack(debs, folder)
        write_contents(folder, Contents(KIND, wanted, installed))

    folder = store.layer(KIND, recipe, build)
    return [Layer(folder, PLACE, paths_of(folder))]


def recipe_for(asked: Sequence[str]) -> tuple[str, ...]:
    """What decides the layer: the packages, the distribution and the machine's kind."""
    try:
        release = Path("/etc/os-release").read_text()
    except OSError:
        release = ""
    return (*sorted(set(asked)), release, os.uname().machine)


def paths_of(folder: Path) -> Paths:
    """Variables by which programs find what lies in a layer instead of in /usr."""
    triplet = str(sysconfig.get_config_var("MULTIARCH") or f"{os.uname().machine}-linux-gnu")
    lists = {
        "PATH": ("usr/local/bin", "usr/bin", "bin", "usr/sbin", "sbin", "usr/games"),
        "LD_LIBRARY_PATH": (f"usr/lib/{triplet}", f"lib/{triplet}", "usr/lib", "lib"),
        "PYTHONPATH": ("usr/lib/python3/dist-packages",),
        "PERL5LIB": ("usr/share/perl5", f"usr/lib/{triplet}/perl5"),
        "XDG_DATA_DIRS": ("usr/share",),
    }
    found = {
        name: tuple(f"{PLACE}/{place}" for place in places if (folder / place).is_dir())
        for name, places in lists.items()
    }
    nested = sorted(
        {path.parent for path in (folder / "usr/lib" / triplet).glob("*/*.so.*") if path.is_file()}
    )
    found["LD_LIBRARY_PATH"] += tuple(f"{PLACE}/{path.relative_to(folder)}" for path in nested)
    return tuple((name, places) for name, places in found.items() if places)


class _Builder:
    """The steps for one layer."""

    def __init__(self, bubblewrap: str, supply: Supply) -> None:
        for program in (_APT, _CONFIG, _DPKG):
            if not program.is_file():
                raise PrerequisiteError(
                    f"The environment asks for Debian packages, and there is no {program} here.",
                    remedy="Run docmill on Debian or Ubuntu, or take packages.apt out of the "
                    "environment",
                )
        self._bubblewrap = bubblewrap
        self._supply = supply
        config = supply.environ.get("APT_CONFIG")
        self._environ = {"APT_CONFIG": config} if config else {}
        self._read = {str(path): path for path in self._settings()}
        self._folders = [path for path in self._read.values() if path.is_dir()]
        for folder in _local_repositories(self._folders):
            self._read.setdefault(str(folder), folder)

    def _settings(self) -> Iterator[Path]:
        """Where apt's settings and lists lie, as it tells itself."""
        config = self._environ.get("APT_CONFIG")
        if config:
            yield Path(config)
        told = self._config("shell", *_LISTS)
        yield from (Path(found) for found in _FOLDER.findall(told) if Path(found).exists())

    def _config(self, *words: str) -> str:
        """What `apt-config` says."""
        config = self._environ.get("APT_CONFIG")
        confinement = Confinement(
            self._bubblewrap,
            read={name: Path(name) for name in ("/etc/apt", *([config] if config else []))},
            environ=self._environ,
        )
        return confinement.run([str(_CONFIG), *words]).output

    def download(self, wanted: Sequence[str], debs: Path) -> dict[str, str]:
        """Fetch what is asked for and what the machine lacks of its needs; returns the versions."""
        simulate = ("-s", "-y", "--reinstall", "--no-install-recommends", "install", "--")
        said = self._apt([*simulate, *wanted])
        versions = {
            name: number for name, number in _INSTALL.findall(said.output) if name not in _NEVER
        }
        names = [f"{name}={number}" for name, number in versions.items()]
        if not names:
            raise PrerequisiteError(
                f"apt can't download {', '.join(wanted)} again, and offers nothing else.",
                remedy="sudo apt-get update",
            )
        told = self._apt(["download", "--print-uris", "--", *names]).output
        way = self._supply.open_way(self._reach(told))
        self._apt(["download", "--", *names], write={WORK: debs}, way=way)
        return versions

    def _reach(self, told: str) -> Reach:
        """The hosts of the very files that apt says it would download."""
        urls = tuple(_URI.findall(told))
        settings = ManagerSettings(
            indexes=urls,
            logins=apt_logins(self._folders),
            proxies=apt_proxies(self._supply.environ, self._config("dump")),
        )
        return Reach(settings, frozenset(origin for url in urls if (origin := origin_of(url))))

    def unpack(self, debs: Path, folder: Path) -> None:
        """Put their files into a folder. Has no network, runs none of their scripts."""
        for deb in sorted(debs.glob("*.deb")):
            confinement = Confinement(self._bubblewrap, read={"/debs": debs}, write={PLACE: folder})
            said = confinement.run([str(_DPKG), "-x", f"/debs/{deb.name}", PLACE])
            if said.code != 0:
                raise failure(said)

    def _apt(
        self,
        words: Sequence[str],
        *,
        write: Mapping[str, Path] | None = None,
        way: Way | None = None,
    ) -> Said:
        options = [f"-oAcquire::{scheme}::Proxy={PROXY}" for scheme in ("http", "https")]
        if way is not None and way.certificates:
            options.append(f"-oAcquire::https::CaInfo={BUNDLE}")
        confinement = Confinement(
            self._bubblewrap,
            read=self._read,
            write=write or {},
            texts=covered(self._folders),
            way=way,
            environ=self._environ,
        )
        said = confinement.run([str(_APT), *_OPTIONS, *options, *words])
        if said.code != 0:
            raise explained(failure(said), way.decisions if way else (), see="apt-config dump")
        return said


def _local_repositories(settings: Sequence[Path]) -> Iterator[Path]:
    """Folders of this machine that apt's sources name as repositories."""
    for folder in settings:
        for file in (*folder.rglob("*.list"), *folder.rglob("*.sources")):
            for name in _FILE_URI.findall(file.read_text(errors="replace")):
                if Path(unquote(name)).is_dir():
                    yield Path(unquote(name))


def failure(said: Said) -> PrerequisiteError:
    """What apt's complaint means, and what mends it."""
    lines = [line[3:] for line in said.complaint.splitlines() if line.startswith("E: ")]
    text = " ".join(lines)[:500] or said.complaint[-300:]
    if "Unable to locate package" in text or "has no installation candidate" in text:
        return PrerequisiteError(
            f"apt doesn't know a package of the environment: {text}.",
            remedy="Bring its lists up to date: sudo apt-get update, or mend packages.apt",
        )
    if "No space left" in said.complaint or "enough free space" in said.complaint:
        return PrerequisiteError(
            "There is no space left for the environment's packages.",
            remedy="Make room, or forget unused ones: docmill sandbox prune --older-than 0",
        )
    return PrerequisiteError(
        f"apt can't get the environment's packages: {text}",
        remedy="See what it says by hand: sudo apt-get update, then apt-get download NAME",
    )
