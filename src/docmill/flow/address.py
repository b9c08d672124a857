"""Where Prefect's API is and how its client is set up: plain data, no prefect import.

`server` makes addresses, `runner` and the command line use them. `environment` has to be applied
before prefect is used, see `launch.prefect_client`.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

CLIENT_RETRIES = 3
"""A busy server is asked again after 2, 4 and 8 s; Prefect's default would wait a minute."""
QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_LOGGING_LEVEL": "WARNING",
    # What went wrong stands in docmill's store and in the states Prefect shows; its log lines
    # would only break up the progress display. Sending them writes to stderr when the server is
    # gone.
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "PREFECT_INTERNAL_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLIENT_MAX_RETRIES": str(CLIENT_RETRIES),
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
    "PREFECT_CLI_PROMPT": "false",
}
"""Environment of every Prefect client, whichever server it talks to."""


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What the server of a workspace is to be; made by the command line."""

    folder: Path
    """`.docmill/prefect`: database, log, storage of results, secret."""
    api_url: str = ""
    """`PREFECT_API_URL`: another server to use; docmill then starts none."""
    idle_minutes: float = 15
    """The server ends itself after so long without a request or an open connection; 0: never."""
    keep_days: float | None = None
    """Flow runs that ended longer ago are removed by the server itself; None: none."""
    start_seconds: float = 180
    """How long a start may take."""

    @property
    def keeping(self) -> tuple[str, ...]:
        """How the server's process is told how long it keeps flow runs."""
        return () if self.keep_days is None else ("--keep-days", str(self.keep_days))

    @property
    def state_file(self) -> Path:
        """`server.json`: written by the server when it answers, removed when it stops."""
        return self.folder / "server.json"

    @property
    def lock_file(self) -> Path:
        """Locked by the server as long as it lives; holds its process id."""
        return self.folder / "server.lock"

    @property
    def log_file(self) -> Path:
        """What the server had to say; started anew at 5 MB."""
        return self.folder / "server.log"

    @property
    def database(self) -> Path:
        """Prefect's history of runs; results are not in it."""
        return self.folder / "prefect.db"

    @property
    def port_file(self) -> Path:
        """The port of this or the last server."""
        return self.folder / "port"

    @property
    def auth_file(self) -> Path:
        """`user:password` of the server, readable by the owner only."""
        return self.folder / "auth"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """A Prefect API that answered."""

    api_url: str
    """`http://127.0.0.1:PORT/api`."""
    folder: Path
    """As in `ServerSettings`."""
    auth: str = ""
    """`user:password`; empty for a server that isn't ours."""
    started: bool = False
    """True if this call started it."""
    seconds: float = 0.0
    """How long it took until it answered."""

    @property
    def local(self) -> bool:
        """True for the workspace's own server."""
        return bool(self.auth)

    @property
    def ui_url(self) -> str:
        """Address for a browser."""
        return self.api_url.removesuffix("/api")


def read_auth(settings: ServerSettings) -> str:
    """`user:password` of the workspace's server; made at random on first use, file mode 0600."""
    try:
        return settings.auth_file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = f"docmill:{secrets.token_urlsafe(24)}"
    scratch = settings.auth_file.with_name(f"auth.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(fresh)
    try:
        # A link fails where another process was faster: then its secret holds.
        settings.auth_file.hardlink_to(scratch)
    except FileExistsError:
        fresh = settings.auth_file.read_text(encoding="ascii").strip()
    finally:
        scratch.unlink()
    return fresh


def environment(address: ServerAddress) -> dict[str, str]:
    """Environment variables for a Prefect client: quiet, offline, never the ephemeral server.

    For a server that isn't ours the user's own `PREFECT_` variables (key, login, home) are left
    alone.
    """
    variables = QUIET | {
        "PREFECT_API_URL": address.api_url,
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(address.folder / "storage"),
    }
    if address.local:
        variables |= {
            "PREFECT_HOME": str(address.folder),
            "PREFECT_PROFILES_PATH": str(address.folder / "profiles.toml"),
            "PREFECT_PROFILE": "ephemeral",
            "PREFECT_API_AUTH_STRING": address.auth,
            "PREFECT_API_KEY": "",
        }
    return variables
