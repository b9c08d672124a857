"""Pipelines: documents → agent → record → checks → report, with schedule and limits."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, field_validator

from docmill.base import Frozen
from docmill.spec.checks import Check, Expectation, Reference
from docmill.spec.fields import RecordSpec
from docmill.spec.hostile import Hostile
from docmill.spec.notify import Notice
from docmill.spec.results import Results
from docmill.spec.scaling import Scale
from docmill.spec.vault import VaultEntry
from docmill.spec.watch import Watch

OcrLanguage = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{1,30}$")]


class Documents(Frozen):
    """Which files are the batch."""

    path: str
    """Folder or file in the workspace, absolute, or an fsspec address such as `s3://bucket/in/`."""
    glob: str = "**/*"
    """Pattern below the folder; hidden files never match."""
    exclude: tuple[str, ...] = ()
    """Patterns of files to leave out, below the folder like `glob`."""
    max_size: str = "100MiB"
    """A larger file ends `failed` without being read."""
    max_pages: Annotated[int, Field(ge=1, le=10000)] = 500
    """A document with more pages ends `failed`."""
    present: Literal["auto", "text", "pictures", "pdf"] = "auto"
    """What a language model is shown: the text of the pages, their pictures, or the file; `auto` is
    text, and pictures of pages whose text can't be trusted."""
    password_env: str | None = None
    """Name of the environment variable with the password of encrypted documents."""
    hostile: Hostile = Hostile()
    """What to do about hidden text, text that speaks to models, scripts and the like."""
    ocr: Literal["off", "auto", "always"] = "off"
    """`auto` reads pages without a text layer by OCR and compares the text layers of scans with it,
    `always` compares every page that values stand on; needs `tesseract` on the machine."""
    ocr_languages: Annotated[tuple[OcrLanguage, ...], Field(min_length=1, max_length=8)] = ("eng",)
    """Languages of the pages, as tesseract names them: `eng`, `deu`, `fra`."""


class Outcome(Frozen):
    """What the agent is to achieve, and what its records are graded by."""

    description: str
    """The goal in a sentence; stands in the prompt."""
    rubric: str = ""
    """Criteria, one per line; they stand in the prompt, and each proven record is graded by them in
    a model call of its own. The embedded model isn't graded."""
    max_iterations: Annotated[int, Field(ge=1, le=20)] = 3
    """How often a document's records may be graded; the last one is accepted as it is."""


class Limits(Frozen):
    """What may be spent; reserved before it is spent, so a limit can't be overshot."""

    usd_per_document: Annotated[Decimal, Field(gt=0)] | None = None
    """US dollars for one document, all attempts together."""
    usd_per_run: Annotated[Decimal, Field(gt=0)] | None = None
    """US dollars for the whole run."""
    turns: Annotated[int, Field(ge=1, le=1000)] = 30
    """Model calls of one session."""
    output_tokens: Annotated[int, Field(ge=256, le=1_000_000)] = 16_000
    """Tokens of one answer; what a call could cost is reckoned with it."""
    minutes: Annotated[float, Field(gt=0)] = 15
    """Wall time of one session; waiting for rates, outages, batches and people isn't counted."""
    minutes_per_run: Annotated[float, Field(gt=0)] | None = None
    """Wall time of the whole run."""
    approval_minutes: Annotated[float, Field(ge=0, le=10080)] = 60
    """How long a tool call with `always_ask` waits for `docmill approve` before it is denied; 0
    denies at once. Isn't counted as time of the session."""

    def texts(self, *, asks: bool) -> dict[str, str]:
        """The limits as reports name them; `asks`: whether a tool call may wait for a person.

        15 minutes are `15`, whether they were written or are the default.
        """
        given = self.model_dump(exclude_none=True).items()
        return {
            name: str(value).removesuffix(".0")
            for name, value in given
            if asks or name != "approval_minutes"
        }


class Retries(Frozen):
    """How often a document is tried again after a retryable error."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 3
    """Attempts in all."""
    delay_seconds: Annotated[float, Field(ge=0)] = 2
    """First delay; doubles each time."""
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share by which a delay is made longer at random."""
    calls: Annotated[int, Field(ge=1, le=20)] = 5
    """Attempts at one model call."""
    outage_minutes: Annotated[float, Field(ge=0)] = 60
    """How long to wait for an endpoint that is down or overloaded before documents fail."""


class FailureThreshold(Frozen):
    """When to stop the run early: more documents than this ended failed or invalid."""

    count: Annotated[int, Field(ge=0)] | None = None
    """Number of documents."""
    share: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of all documents of the run."""


class ReportSettings(Frozen):
    """What the report looks like; changes nothing in what was found."""

    title: str | None = None
    """Headline; the pipeline's name if left out."""
    formats: tuple[Literal["html", "xlsx", "json", "md"], ...] = ("html", "xlsx", "json", "md")
    """Files to write."""
    pictures: Literal["all", "flagged", "none"] = "all"
    """Pages shown in the HTML report."""
    max_picture_mb: Annotated[int, Field(ge=0)] = 40
    """Pictures beyond this stand beside the HTML file instead of in it."""


class Schedule(Frozen):
    """When the deployment runs by itself."""

    cron: str
    """Five fields: minute, hour, day of month, month, day of week."""
    timezone: str = "UTC"
    """IANA name, such as `Europe/Berlin`."""
    overlap: Literal["skip", "queue", "cancel"] = "skip"
    """When a run is due while the last one still works: leave it out, let it wait, or end the last
    one."""


class Pipeline(Frozen):
    """A batch job: which documents, who reads them, what is asked, how it is judged."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    """Equals the file's name without `.yaml`; Prefect's flow has the same."""
    description: str = ""
    """What it is for; stands in the report."""
    documents: Documents
    agent: str
    """Name of a file in agent_specs/."""
    environment: str = "default"
    """Name of a file in sandbox/."""
    record: RecordSpec
    reference: Reference | None = None
    checks: tuple[Check, ...] = ()
    """How records are judged."""
    expectations: tuple[Expectation, ...] = ()
    """What the batch as a whole has to meet."""
    outcome: Outcome | None = None
    limits: Limits = Limits()
    retries: Retries = Retries()
    mode: Literal["live", "batch"] = "live"
    """`batch` sends the turns of all documents as message batches: half the price, hours later."""
    concurrency: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Sessions at once; if left out, two per processor, and in `mode: batch` what memory holds."""
    scale: Scale = Scale()
    failure_threshold: FailureThreshold = FailureThreshold()
    report: ReportSettings = ReportSettings()
    schedule: Schedule | None = None
    watch: Watch | None = None
    notify: tuple[Notice, ...] = ()
    """Who is told when a run has ended."""
    results: tuple[Results, ...] = ()
    """Where results go besides the report: files in a folder or bucket, a database's table."""
    vault: dict[str, VaultEntry] = {}
    """Secrets that requests of a session get on their way out, by name: `http://NAME.egress/` is
    the first host of each."""

    @field_validator("documents", mode="before")
    @classmethod
    def _documents_from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("scale", mode="before")
    @classmethod
    def _scale_from_number(cls, value: object) -> object:
        """`3` is a number of shards."""
        return {"shards": value} if isinstance(value, int) else value

    @field_validator("watch", mode="before")
    @classmethod
    def _watch_from_path(cls, value: object) -> object:
        return {"path": value} if isinstance(value, str) else value

    @field_validator("failure_threshold", mode="before")
    @classmethod
    def _threshold_from_number(cls, value: object) -> object:
        """`3` is a count, `20 %` a share."""
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return {"count": value}
        if isinstance(value, str) and value.rstrip().endswith("%"):
            return {"share": _share(value)}
        return value


def _share(text: str) -> float:
    try:
        return float(text.rstrip()[:-1]) / 100
    except ValueError:
        raise ValueError(f"`{text}` is not a share; write a number such as 20 %") from None
