"""A small run, made without Prefect, and its bundle; and a forger who knows docmill well."""

import asyncio
import hashlib
import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from docmill.batch.observer import SilentObserver
from docmill.batch.start import prepare_job, reports_folder
from docmill.batch.state import State, open_state
from docmill.bundle.export import Exported, Wanted, export_run
from docmill.compile import compile_pipeline
from docmill.flow.job import RunEnd
from docmill.scaffold import make_workspace
from docmill.settings import load_settings
from docmill.spec.load import LoadedWorkspace, load_workspace

PIPELINE = "spec-check"
KEPT = ("Pruefbericht_2023-0442.pdf", "kps-2405-0118.pdf", "norrvik-7790.pdf", "upload-0.pdf")
"""Ok, out of tolerance, a value missing, empty."""
PRICES = "as_of: 2026-11-01\nmodels:\n  rules: {input: 0.3, output: 1.5}\nsandbox_hour: 0.05\n"


def made(folder: Path) -> LoadedWorkspace:
    """A workspace of few documents, with prices, and without Great Expectations."""
    make_workspace(folder, strict=False)
    for document in (folder / "sample_data" / PIPELINE / "documents").iterdir():
        if document.name not in KEPT:
            document.unlink()
    (folder / "prices.yaml").write_text(PRICES)
    with (folder / "docmill.yaml").open("a") as file:
        file.write("\nprices: prices.yaml\n")
    change_pipeline(folder, lambda pipeline: pipeline.pop("expectations", None))
    return load_workspace(folder)


def change_pipeline(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    """Edit the pipeline's file."""
    yaml: Any = YAML()
    file = folder / "pipelines" / f"{PIPELINE}.yaml"
    pipeline = yaml.load(file)
    change(pipeline)
    with file.open("w") as stream:
        yaml.dump(pipeline, stream)


def run(loaded: LoadedWorkspace, state: State) -> int:
    """One run of the pipeline to its report, as the flow would order it."""
    compiled = compile_pipeline(loaded, PIPELINE)
    job = prepare_job(loaded, compiled, load_settings({}), state, observer=SilentObserver())

    async def through() -> None:
        async with job.held:
            batch = await job.ingest()
            for document in batch.finished:
                job.reuse(document)
            for document in batch.pending:
                await job.process(document, attempt=1)
            await job.judge()
            await job.report(RunEnd(status="finished"))

    try:
        asyncio.run(through())
    finally:
        job.release()
    return int(job.info.id.removeprefix("run-"))


@dataclass(frozen=True)
class Bundled:
    """A run and its bundle."""

    loaded: LoadedWorkspace
    number: int
    exported: Exported

    @property
    def path(self) -> Path:
        """The bundle."""
        return self.exported.path


def bundled(loaded: LoadedWorkspace, state: State, number: int, target: Path) -> Exported:
    """Export a run."""
    report = reports_folder(loaded, PIPELINE) / f"run-{number:04d}"
    return export_run(state, number, Wanted(report), target)


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bundled]:
    """The run all tests of this folder look at; nobody changes its workspace."""
    folder = tmp_path_factory.mktemp("bundles")
    loaded = made(folder / "demo")
    with open_state(loaded) as state:
        number = run(loaded, state)
        yield Bundled(loaded, number, bundled(loaded, state, number, folder / "first.zip"))


@pytest.fixture
def copy(first: Bundled, tmp_path: Path) -> LoadedWorkspace:
    """A workspace with the same run, to be changed."""
    shutil.copytree(first.loaded.root, tmp_path / "demo", symlinks=True)
    return load_workspace(tmp_path / "demo")


Change = Callable[[bytes], bytes]


class Forger:
    """Changes parts of a bundle, and mends the manifest so that every hash is right again."""

    def __init__(self, path: Path, target: Path) -> None:
        self._target = target
        with zipfile.ZipFile(path) as archive:
            self.parts = {info.filename: archive.read(info) for info in archive.infolist()}

    def change(self, name: str, old: str, new: str) -> None:
        """Replace a text that stands in a part."""
        assert old.encode() in self.parts[name], (name, old)
        self.parts[name] = self.parts[name].replace(old.encode(), new.encode(), 1)

    def rows(self, name: str) -> list[dict[str, object]]:
        """Rows of a table."""
        return [json.loads(line) for line in self.parts[f"store/{name}.jsonl"].splitlines()]

    def put_rows(self, name: str, rows: list[dict[str, object]]) -> None:
        """Write a table anew."""
        lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in rows]
        self.parts[f"store/{name}.jsonl"] = "".join(f"{line}\n" for line in lines).encode()

    def save(self, *, mend: bool = True, seal: str | None = None) -> Path:
        """Write the bundle; with `mend` the manifest names the parts as they are now."""
        manifest = json.loads(self.parts["manifest.json"])
        if mend:
            for part in manifest["parts"]:
                data = self.parts[part["name"]]
                part |= {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}
        if seal is not None:
            manifest |= {"seal": seal, "head": seal}
        self.parts["manifest.json"] = json.dumps(manifest).encode()
        with zipfile.ZipFile(self._target, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in self.parts.items():
                archive.writestr(name, data)
        return self._target


@pytest.fixture
def forger(first: Bundled, tmp_path: Path) -> Forger:
    """Somebody with the first bundle in hand."""
    return Forger(first.path, tmp_path / "forged.zip")
