"""The tables; JSON bodies are the frozen data classes of `events` and `records`."""

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, MetaData, Table, Text

VERSION = 5
UPGRADED = frozenset({1, 2, 3, 4})
"""Older formats that differ only by tables that are missing; opening makes them."""

metadata = MetaData()

meta = Table(
    "docmill_meta",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("pipeline", Text, nullable=False, index=True),
    Column("status", Text, nullable=False),
    Column("spec_digest", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("owner", Text, nullable=False, default=""),
)
"""`info` is a `RunInfo`; `owner` the lease of the process that runs it, empty once it has ended."""

documents = Table(
    "documents",
    metadata,
    Column("run", Integer, ForeignKey("runs.number"), primary_key=True),
    Column("document", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("info", Text, nullable=False),
    Column("status", Text),
    Column("code", Text, nullable=False, default=""),
    Column("message", Text, nullable=False, default=""),
    Column("remedy", Text, nullable=False, default=""),
    Column("session", Text, nullable=False, default=""),
    Column("attempts", Integer, nullable=False, default=1),
    Column("cached", Boolean, nullable=False, default=False),
    Column("verdicts", Text, nullable=False, default="[]"),
    Index("documents_by_name", "run", "name"),
)
"""One row per document and run; `status` is null until it has ended."""

sessions = Table(
    "sessions",
    metadata,
    Column("session", Text, primary_key=True),
    Column("key", Text, nullable=False),
    Column("run", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("started", Text, nullable=False),
    Column("findings", Text),
    Index("sessions_by_key", "key", "state"),
)
"""`state`: open, finished or closed; `findings` is a `Findings`, present once finished."""

events = Table(
    "events",
    metadata,
    Column("session", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("at", Text, nullable=False),
    Column("body", Text, nullable=False),
)

charges = Table(
    "charges",
    metadata,
    Column("session", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("run", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("usage", Text, nullable=False),
    Index("charges_by_run", "run", "document"),
)
"""The ledger: what each event cost (model calls, sandbox time), keyed by the event's position."""

balances = Table(
    "balances",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("used", Integer, nullable=False),
)
"""Picodollars charged or lost per document of a run with a limit, and for the run as a whole, whose
`document` is empty; the sum of its charges, kept because adding them up takes too long."""

reservations = Table(
    "reservations",
    metadata,
    Column("session", Text, primary_key=True),
    Column("run", Integer, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("owner", Text, nullable=False),
    Column("lost", Boolean, nullable=False, default=False),
)
"""The worst case, in picodollars, of the one model call a session has under way. `owner` is the
lease of its process; `lost`: nobody can say any more whether it was made."""

batches = Table(
    "batches",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("endpoint", Text, nullable=False),
    Column("intended", Text, nullable=False),
    Column("id", Text, nullable=False, default=""),
)
"""Message batches, stored before they are sent; `id` is the endpoint's, empty until it is known."""

batch_entries = Table(
    "batch_entries",
    metadata,
    Column("custom_id", Text, primary_key=True),
    Column("batch", Integer, ForeignKey("batches.number"), nullable=False, index=True),
    Column("session", Text, nullable=False, index=True),
    Column("identity", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failed", Boolean, nullable=False, default=False),
    Column("result", Text),
)
"""One row per attempt at a model call that was, or was to be, part of a batch. `result` is what the
endpoint said, as JSON; `failed`: it was no answer, and the call has to be made again."""

approvals = Table(
    "approvals",
    metadata,
    Column("session", Text, primary_key=True),
    Column("call", Text, primary_key=True),
    Column("run", Integer, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("server", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("input", Text, nullable=False),
    Column("asked", Text, nullable=False),
    Column("until", Text, nullable=False),
    Column("decision", Text),
    Column("reason", Text, nullable=False, default=""),
)
"""Tool calls that a person was asked about; `decision` is null, `allow` or `deny`. `server` is
empty for a tool of the sandbox."""

intake = Table(
    "intake",
    metadata,
    Column("pipeline", Text, primary_key=True),
    Column("sha256", Text, primary_key=True),
    Column("drop", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("owner", Text, nullable=False),
)
"""Files that were dropped into a watched folder, by content; `state`: taken, done or failed."""
