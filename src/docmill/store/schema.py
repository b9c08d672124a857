"""The tables; JSON bodies are the frozen data classes of `events` and `records`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    types,
)

VERSION = 6
"""Raised whenever a table is added or changed; how, says `migrations`."""

Text = types.Text().with_variant(types.Text(collation="C"), "postgresql")
"""Texts are in the order of their characters' numbers everywhere, as in SQLite and in Python."""

Seconds: types.Double[float] = types.Double()

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
    Column("used", BigInteger, nullable=False),
)
"""Picodollars charged or lost per document of a run with a limit, and for the run as a whole, whose
`document` is empty; the sum of its charges, kept because adding them up takes too long."""

reservations = Table(
    "reservations",
    metadata,
    Column("session", Text, primary_key=True),
    Column("run", Integer, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
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

seals = Table(
    "seals",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("head", Text, nullable=False),
    Column("length", Integer, nullable=False),
    Column("parts", Text, nullable=False, default="{}"),
    Column("at", Text, nullable=False),
)
"""Heads of hash chains: of a session's journal, of a run; `subject` is its id. `length`: links.
`parts`, of a run: length of the journals that were still open when it ended."""

origins = Table(
    "origins",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("part", Text, primary_key=True),
    Column("blob", Text, primary_key=True),
)
"""What a run was made of: compiled specs, reference standard, prices; as blobs, for ever the same.
A run that went on with other limits or prices has several of a part."""

record_fields = Table(
    "record_fields",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("fields", Text, nullable=False),
)
"""What records were made of: their fields by name, in order, as JSON."""

bases = Table(
    "bases",
    metadata,
    Column("session", Text, primary_key=True),
    Column("base", Text, nullable=False, index=True),
    Column("record", Text, ForeignKey("record_fields.digest"), nullable=False),
)
"""Finished sessions by what they have in common with those that ask the same document for other
fields; the digest of their record's fields."""

leases = Table(
    "leases",
    metadata,
    Column("owner", Text, primary_key=True),
    Column("beats", Integer, nullable=False),
    Column("seen", Seconds, nullable=False),
)
"""Processes that say from time to time that they live; `seen` in seconds, by the clock of the
database. A process of this machine is looked up in its list of processes instead."""

shards = Table(
    "shards",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("shard", Text, primary_key=True),
    Column("owner", Text, nullable=False, default=""),
    Column("state", Text, nullable=False),
    Column("places", Integer, nullable=False, default=0),
    Column("message", Text, nullable=False, default=""),
)
"""Processes that share a run's documents; `state`: wanted, live, ending, ended or lost. `owner` is
the lease of the process, empty until it has come; `message` says why it ended."""

deals = Table(
    "deals",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("document", Text, primary_key=True),
    Column("shard", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("answer", Text, nullable=False, default=""),
)
"""Documents in the hands of shards, until the coordinator has taken the answer: `state` is dealt,
begun, withdrawn, gone or done."""

levels = Table(
    "levels",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("level", Seconds, nullable=False),
    Column("at", Seconds, nullable=False),
)
"""What is left of a rate that several processes share; `at` in seconds, by the database's clock."""

deliveries = Table(
    "deliveries",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("body", Text, nullable=False),
)
"""What was sent of a run when it had ended: hand-overs and notices by their place in the pipeline;
`body` is a `Delivery`."""

keeps = Table(
    "keeps",
    metadata,
    Column("run", Integer, primary_key=True),
    Column("reason", Text, nullable=False, default=""),
    Column("at", Text, nullable=False),
)
"""Runs that somebody wants to be kept, whatever their age."""
