"""The run state of a workspace, opened: store, blobs, and where its Prefect server is."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from docmill.blobs import BlobStore, Shared
from docmill.documents.sources import is_address
from docmill.flow.address import ServerSettings
from docmill.settings import Settings, load_settings
from docmill.spec.load import LoadedWorkspace
from docmill.store.approvals import Approvals
from docmill.store.database import open_database, place_of
from docmill.store.growth import Growth
from docmill.store.patience import engaged
from docmill.store.reader import StoredRun
from docmill.store.runs import RunStore
from docmill.store.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class State:
    """Everything that outlives a process."""

    engine: Engine
    runs: RunStore
    sessions: SessionStore
    growth: Growth
    blobs: BlobStore
    approvals: Approvals

    @property
    def place(self) -> str:
        """Where the store is, for messages: its file, or its database without password."""
        return place_of(self.engine)

    def tell_waits(self, tell: Callable[[str], None]) -> None:
        """Who is told, in a sentence, when the store is away and the work waits for it."""
        engaged(self.engine).tell = tell

    def reader(self, number: int) -> StoredRun:
        """A stored run with its documents and pictures.

        Raises:
            RunNotFoundError: there is no such run.
        """
        return StoredRun(self.engine, number, self.blobs.get)


@contextmanager
def open_state(loaded: LoadedWorkspace, settings: Settings | None = None) -> Generator[State]:
    """The workspace's store and blobs; the store is where the settings, or the environment, say.

    Raises:
        PrerequisiteError: the store can't be reached or written, or a later docmill made it.
    """
    folder = loaded.state_folder
    engine = open_database(folder, (settings or load_settings()).database_url)
    try:
        yield State(
            engine,
            runs=RunStore(engine),
            sessions=SessionStore(engine),
            growth=Growth(engine),
            blobs=_open_blobs(loaded),
            approvals=Approvals(engine),
        )
    finally:
        engine.dispose()


def _open_blobs(loaded: LoadedWorkspace) -> BlobStore:
    """In the folder that docmill.yaml names; of what it shares, copies in the state folder."""
    copies, wanted = loaded.state_folder / "blobs", loaded.workspace.config.blobs
    if wanted is None:
        return BlobStore(copies)
    if is_address(wanted):
        return BlobStore(copies, shared=Shared(wanted))
    return BlobStore(loaded.root / Path(wanted.removeprefix("file://")).expanduser())


def server_settings(loaded: LoadedWorkspace, settings: Settings) -> ServerSettings:
    """Where the workspace's Prefect server is, or which other one to use."""
    return ServerSettings(
        folder=loaded.state_folder / "prefect",
        api_url=settings.prefect_api_url or "",
        idle_minutes=settings.prefect_idle_minutes,
        keep_days=loaded.workspace.config.retention.days,
    )
