"""The events of a session, as a discriminated union: journal, trace and source of the ledger.

The vocabulary is that of the Managed Agents session log; ours are named `docmill.*`. Events are
data only: `backends` yield them, `session` stores them, `store` folds them.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from docmill.base import Frozen
from docmill.records.checked import CheckedRecord
from docmill.records.egress import Egress, EgressSummary
from docmill.records.flags import Flag
from docmill.records.growth import FieldsKept
from docmill.records.outputs import OutputFile, RefusedOutput
from docmill.records.results import Usage

Block = dict[str, Any]


class StatusRunning(Frozen):
    """The session works; one per attempt, also when it is resumed."""

    type: Literal["session.status_running"] = "session.status_running"
    attempt: int = 1


class StatusRescheduled(Frozen):
    """The session will be tried again."""

    type: Literal["session.status_rescheduled"] = "session.status_rescheduled"
    reason: str = ""
    seconds: float = 0.0
    """How long it waits before."""


class StatusIdle(Frozen):
    """The agent does nothing; `stop_reason` says why.

    `requires_action`: it waits until a person has allowed or denied the tool calls in `event_ids`.
    """

    type: Literal["session.status_idle"] = "session.status_idle"
    stop_reason: str
    event_ids: tuple[str, ...] = ()
    """`tool_use_id`s of the calls it waits for."""


class StatusTerminated(Frozen):
    """The session is over and can't go on."""

    type: Literal["session.status_terminated"] = "session.status_terminated"


class SessionErrorEvent(Frozen):
    """Something went wrong; `retry_status` says whether the session goes on."""

    type: Literal["session.error"] = "session.error"
    code: str
    message: str
    retry_status: Literal["retrying", "exhausted", "terminal"] = "terminal"


class UserMessage(Frozen):
    """What docmill tells the agent."""

    type: Literal["user.message"] = "user.message"
    content: tuple[Block, ...]


class CustomToolResult(Frozen):
    """docmill's answer to a custom tool call (`submit_record`)."""

    type: Literal["user.custom_tool_result"] = "user.custom_tool_result"
    custom_tool_use_id: str
    content: str | tuple[Block, ...]
    """Text, or blocks; a picture's `source` is `{type: blob, media_type, sha256}`."""
    is_error: bool = False
    final: bool = False
    """True once the record is accepted: the agent need not be asked again."""


class ModelRequestStart(Frozen):
    """A model call is about to be made; stored before it is."""

    type: Literal["span.model_request_start"] = "span.model_request_start"
    model: str
    fingerprint: str
    """sha256 of the canonical request; a resumed session goes on only if it is the same."""
    input_tokens: int = 0
    """Counted before the call: the worst case that is reserved."""
    max_output_tokens: int = 0
    batched: bool = False
    """It becomes part of a message batch, at its lower price."""


class ModelRequestEnd(Frozen):
    """A model's whole answer; stored and charged before anything in it is acted on."""

    type: Literal["span.model_request_end"] = "span.model_request_end"
    model: str
    response_id: str
    content: tuple[Block, ...]
    stop_reason: str
    model_usage: Usage
    stop_details: dict[str, Any] | None = None
    """What the endpoint says beyond the reason, such as a refusal's category."""
    malformed: tuple[tuple[str, str], ...] = ()
    """`(tool_use id, raw text)` of tool inputs that are no JSON object."""
    seconds: float = 0.0
    """From sending the request to its end."""
    waited: float = 0.0
    """Before that: for a slot, a pause of the endpoint, a batch."""


class ToolUse(Frozen):
    """The agent calls a tool of its sandbox."""

    type: Literal["agent.tool_use"] = "agent.tool_use"
    tool_use_id: str
    name: str
    input: dict[str, Any]


class ToolResultEvent(Frozen):
    """What the tool gave back; a long result is a blob and `content` only its beginning."""

    type: Literal["agent.tool_result"] = "agent.tool_result"
    tool_use_id: str
    content: str
    is_error: bool = False
    blob: str = ""
    seconds: float = 0.0


class CustomToolUse(Frozen):
    """The agent calls a tool the host answers."""

    type: Literal["agent.custom_tool_use"] = "agent.custom_tool_use"
    tool_use_id: str
    name: str
    input: dict[str, Any]


class McpToolUse(Frozen):
    """The agent calls a tool of an MCP server."""

    type: Literal["agent.mcp_tool_use"] = "agent.mcp_tool_use"
    tool_use_id: str
    mcp_server_name: str
    name: str
    """What the server calls the tool; the model knows it by a longer name."""
    input: dict[str, Any]


class McpToolResult(Frozen):
    """What the server answered; a long text is a blob and `content` only its beginning."""

    type: Literal["agent.mcp_tool_result"] = "agent.mcp_tool_result"
    mcp_tool_use_id: str
    content: str | tuple[Block, ...]
    """Text, or blocks; a picture's `source` is `{type: blob, media_type, sha256}`."""
    is_error: bool = False
    blob: str = ""
    seconds: float = 0.0


class ToolConfirmation(Frozen):
    """A person, or the time that was over, decided on a tool call; stored before it is run."""

    type: Literal["user.tool_confirmation"] = "user.tool_confirmation"
    tool_use_id: str
    result: Literal["allow", "deny"]
    deny_message: str = ""
    """Why not, as the model is told."""


class McpTools(Frozen):
    """What an MCP server offers the agent, as it said when the run began."""

    type: Literal["docmill.mcp_tools"] = "docmill.mcp_tools"
    mcp_server_name: str
    tools: tuple[str, ...]
    """Names by which the model knows them."""
    digest: str
    """sha256 of names, descriptions and schemas: another one means the server has changed."""
    notes: tuple[str, ...] = ()
    """What was left out or cut, and why."""


class SandboxStarted(Frozen):
    """The session's sandbox is up, with these limits in force."""

    type: Literal["docmill.sandbox_started"] = "docmill.sandbox_started"
    backend: str
    seconds: float


class SandboxStopped(Frozen):
    """The sandbox is gone, its processes and files with it."""

    type: Literal["docmill.sandbox_stopped"] = "docmill.sandbox_stopped"
    seconds: float
    """How long it was up."""


class DocumentPrepared(Frozen):
    """The document was parsed inside the sandbox."""

    type: Literal["docmill.document_prepared"] = "docmill.document_prepared"
    pages: int
    words: int
    reader: str
    sizes: tuple[tuple[float, float], ...]
    """Width and height of each page in points, as displayed."""
    layout: str
    """Blob with the words of all pages."""
    notes: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    """What an honest document doesn't have: hidden text, scripts, text that speaks to models."""
    left_out: int = 0
    """Hidden words that aren't in the layout."""
    seconds: float = 0.0


class BudgetReserved(Frozen):
    """The worst case of the next model call fits the limits and is set aside."""

    type: Literal["docmill.budget_reserved"] = "docmill.budget_reserved"
    usd: str
    """Decimal as text; `unpriced` if the model has no known price."""


class AttemptFailed(Frozen):
    """An attempt at a model call gave no answer; another attempt or the end follows."""

    type: Literal["docmill.attempt_failed"] = "docmill.attempt_failed"
    model: str
    code: str
    message: str
    http_status: int | None = None
    model_usage: Usage | None = None
    """Tokens the endpoint counted before it broke off."""


class CallLost(Frozen):
    """A model call was under way when a process died; whether it was answered nobody can say."""

    type: Literal["docmill.call_lost"] = "docmill.call_lost"
    model: str
    usd: str
    """Its worst case, as `docmill.budget_reserved` has it; it counts against the limits."""


class ContextCompacted(Frozen):
    """The conversation outgrew the model's window: old tool results are left out from here on."""

    type: Literal["docmill.context_compacted"] = "docmill.context_compacted"
    dropped: int
    """How many results, oldest first."""


class StageStarted(Frozen):
    """The next model of a cascade starts, on these values."""

    type: Literal["docmill.stage_started"] = "docmill.stage_started"
    stage: int
    """Counted from 0."""
    model: str
    fields: tuple[str, ...] = ()
    """Fields of the record that it is asked for."""


class CriterionVerdict(Frozen):
    """What the grader says of one criterion of the rubric."""

    criterion: str
    met: bool
    complaint: str = ""
    """What is wrong, if not met."""
    path: str = ""
    """The value it is about; empty for the record as a whole."""
    page: int = 0
    quote: str = ""
    """Verbatim words of the document that prove the complaint."""
    upheld: bool = False
    """Whether the complaint counts: its quote is in the document and code can't refute it."""
    reason: str = ""
    """Why it counts, or doesn't."""


class OutcomeEvaluationStart(Frozen):
    """The grader is about to be asked."""

    type: Literal["span.outcome_evaluation_start"] = "span.outcome_evaluation_start"
    iteration: int
    """Counted from 0."""
    model: str
    input_tokens: int = 0
    max_output_tokens: int = 0
    batched: bool = False
    """As in `span.model_request_start`."""


class OutcomeEvaluationEnd(Frozen):
    """The grader's verdict, after code has looked at it."""

    type: Literal["span.outcome_evaluation_end"] = "span.outcome_evaluation_end"
    iteration: int
    result: Literal["satisfied", "needs_revision", "max_iterations_reached", "failed"]
    explanation: str = ""
    criteria: tuple[CriterionVerdict, ...] = ()
    model: str = ""
    model_usage: Usage = Usage()
    seconds: float = 0.0
    """From sending the request to its end."""
    waited: float = 0.0
    """Before that: for a slot, a pause of the endpoint, a batch."""


class RecordChecked(Frozen):
    """A submitted record after schema check and grounding."""

    type: Literal["docmill.record_checked"] = "docmill.record_checked"
    submission: int
    """Counted from 1 within the session."""
    accepted: bool
    errors: tuple[str, ...] = ()
    record: CheckedRecord | None = None


class OutputsCollected(Frozen):
    """Files the agent has left were taken out of the sandbox, before it ended."""

    type: Literal["docmill.outputs_collected"] = "docmill.outputs_collected"
    files: tuple[OutputFile, ...]
    refused: tuple[RefusedOutput, ...] = ()


class PagesPictured(Frozen):
    """Pictures of the pages the record's evidence stands on."""

    type: Literal["docmill.pages_pictured"] = "docmill.pages_pictured"
    pictures: dict[int, str]
    """Page → blob of its PNG."""


Event = Annotated[
    StatusRunning
    | StatusRescheduled
    | StatusIdle
    | StatusTerminated
    | SessionErrorEvent
    | UserMessage
    | CustomToolResult
    | ModelRequestStart
    | ModelRequestEnd
    | ToolUse
    | ToolResultEvent
    | CustomToolUse
    | McpToolUse
    | McpToolResult
    | ToolConfirmation
    | McpTools
    | SandboxStarted
    | SandboxStopped
    | Egress
    | EgressSummary
    | DocumentPrepared
    | BudgetReserved
    | AttemptFailed
    | CallLost
    | ContextCompacted
    | FieldsKept
    | StageStarted
    | OutcomeEvaluationStart
    | OutcomeEvaluationEnd
    | OutputsCollected
    | RecordChecked
    | PagesPictured,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Validates and serialises any event of the union."""
