"""A watcher over a real folder or bucket; its runs are a function of the test's."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from tests.buckets import bucket, s3_server

from docmill.errors import DocmillError
from docmill.spec.pipeline import Pipeline
from docmill.spec.watch import Watch
from docmill.store.database import open_database
from docmill.store.drops import DropStore
from docmill.watch.carrying import Outcome
from docmill.watch.watcher import Watched, Watcher

__all__ = ["bucket", "s3_server"]

RECORD = {"fields": {"serial": {"type": "id"}}}


@dataclass
class Ran:
    """Runs that read files as a run of docmill does, without a model: what is in them is its
    answer. A content that begins with `bad` fails."""

    contents: list[bytes] = field(default_factory=list[bytes])
    """What was read, in the order it was."""
    drops: list[list[str]] = field(default_factory=list[list[str]])
    """Names in each run."""
    before: Callable[[Path], None] = lambda _: None
    """Called as a run begins."""
    after: Callable[[Path], None] = lambda _: None
    """Called when it has ended."""
    prepared: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether a run is being got ready."""
    _finished: dict[Path, Mapping[str, Any]] = field(default_factory=dict[Path, Mapping[str, Any]])

    async def prepare(self) -> None:
        """Nothing has to be."""
        self.prepared.set()

    async def close(self) -> None:
        """Nobody waits."""
        self.prepared.clear()

    async def run(self, documents: Path) -> Mapping[str, Any]:
        """Read every file, write a report."""
        return await asyncio.to_thread(self._read, documents)

    def _read(self, documents: Path) -> Mapping[str, Any]:
        self.before(documents)
        # A run that came to its end is not made again, whoever asks.
        if documents not in self._finished:
            self._finished[documents] = self._read_all(documents)
        self.after(documents)
        return self._finished[documents]

    def _read_all(self, documents: Path) -> Mapping[str, Any]:
        files = sorted(path for path in documents.rglob("*") if path.is_file())
        rows = [self._row(path, documents) for path in files]
        self.drops.append([str(row["name"]) for row in rows])
        report = documents.parent / f"report-{len(self.drops)}"
        report.mkdir(exist_ok=True)
        (report / "report.md").write_text(f"{len(rows)} documents")
        return {
            "run": f"run-{len(self.drops):04}",
            "report": {"md": str(report / "report.md")},
            "documents": rows,
            "summary": {"by_status": {"ok": len(rows)}},
        }

    def _row(self, path: Path, base: Path) -> dict[str, object]:
        content = path.read_bytes()
        self.contents.append(content)
        status = "failed" if content.startswith(b"bad") else "ok"
        name = path.relative_to(base).as_posix()
        return {"name": name, "status": status, "code": "", "attention": []}


@dataclass
class Heard:
    """What a watcher told."""

    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    failures: list[DocmillError | OSError] = field(default_factory=list[DocmillError | OSError])
    mends: list[str] = field(default_factory=list[str])
    an_end: asyncio.Event = field(default_factory=asyncio.Event)
    a_failure: asyncio.Event = field(default_factory=asyncio.Event)

    def began(self, drop: str, files: int) -> None:
        """Of no interest."""

    def ended(self, drop: str, outcome: Outcome) -> None:
        """Its report is delivered."""
        self.outcomes.append(outcome)
        self.an_end.set()

    def failed(self, what: str, error: DocmillError | OSError, seconds: float) -> None:
        """It is tried again."""
        self.failures.append(error)
        self.a_failure.set()

    def mended(self, what: str) -> None:
        """It goes well again."""
        self.mends.append(what)


class Post:
    """A watcher's post: a place, a store, and watchers that come and go."""

    def __init__(self, engine: Engine, folder: Path, watch: Mapping[str, Any]) -> None:
        self.watch = Watch.model_validate({"settle_seconds": 0, "poll_seconds": 0.2, **watch})
        self.store = DropStore(engine)
        self.folder = folder
        self.ran = Ran()
        self.heard = Heard()

    def watcher(self) -> Watcher:
        """A new one, as after a restart."""
        pipeline = Pipeline.model_validate(
            {
                "name": "p",
                "documents": {"path": "unused", "glob": "**/*"},
                "agent": "a",
                "record": RECORD,
                "watch": self.watch,
            }
        )
        watched = Watched(self.folder, pipeline, self.folder / "drops", self.folder / "cache")
        return Watcher(watched, self.store, self.heard, self.ran)

    def once(self) -> None:
        """One round of a new watcher."""
        asyncio.run(self.watcher().once())


MakePost = Callable[..., Post]
"""`post(path=…, after=…)`: keys of `watch`."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A fresh store."""
    engine = open_database(tmp_path / "state")
    yield engine
    engine.dispose()


@pytest.fixture
def post(engine: Engine, tmp_path: Path) -> MakePost:
    """Makes posts that share the store, each with a folder of its own for copies."""
    made: list[Post] = []

    def make(**watch: Any) -> Post:
        made.append(Post(engine, tmp_path / f"post-{len(made)}", watch))
        return made[-1]

    return make
