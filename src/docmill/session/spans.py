"""The events of a session as OpenTelemetry spans: document, turn, model call, tool.

Attribute names are those of the semantic conventions for generative AI (`gen_ai.*`); ours start
with `docmill.`. It only listens: what happens doesn't depend on it.
"""

import json
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from docmill.events import (
    AttemptFailed,
    CustomToolResult,
    CustomToolUse,
    Event,
    McpToolResult,
    McpToolUse,
    ModelRequestEnd,
    ModelRequestStart,
    OutcomeEvaluationEnd,
    OutcomeEvaluationStart,
    RecordChecked,
    SessionErrorEvent,
    ToolResultEvent,
    ToolUse,
)
from docmill.records.results import Usage
from docmill.telemetry import Telemetry


class SessionSpans:
    """Spans of one session; `note` is told of every event as it is stored."""

    def __init__(self, telemetry: Telemetry, *, agent: str, attributes: Mapping[str, str]) -> None:
        self._telemetry = telemetry
        self._turns = 0
        self._turn: Span | None = None
        self._call: Span | None = None
        self._tools: dict[str, Span] = {}
        self._document = telemetry.tracer.start_span(
            f"invoke_agent {agent}",
            context=telemetry.parent,
            kind=SpanKind.INTERNAL,
            attributes={
                "gen_ai.operation.name": "invoke_agent",
                "gen_ai.agent.name": agent,
                **attributes,
            },
        )

    def note(self, event: Event) -> None:
        """Begin or end what the event begins or ends."""
        match event:
            case ModelRequestStart():
                self._begin_turn()
                self._begin_call(event.model, event.max_output_tokens)
            case OutcomeEvaluationStart():
                self._begin_call(event.model, event.max_output_tokens)
            case ModelRequestEnd():
                self._end_call(event.model_usage, event)
            case OutcomeEvaluationEnd():
                self._end_call(event.model_usage, None)
            case AttemptFailed():
                self._fail_call(event)
            case ToolUse() | CustomToolUse() | McpToolUse():
                self._begin_tool(event)
            case ToolResultEvent():
                self._end_tool(event.tool_use_id, event)
            case CustomToolResult():
                self._end_tool(event.custom_tool_use_id, event)
            case McpToolResult():
                self._end_tool(event.mcp_tool_use_id, event)
            case _:
                self._note_on_document(event)

    def end(self) -> None:
        """End whatever is open."""
        for span in (*self._tools.values(), self._call, self._turn, self._document):
            if span is not None:
                span.end()
        self._tools.clear()

    def _note_on_document(self, event: Event) -> None:
        if isinstance(event, RecordChecked):
            accepted = {"docmill.accepted": event.accepted, "docmill.errors": len(event.errors)}
            self._document.add_event(event.type, attributes=accepted)
        elif isinstance(event, SessionErrorEvent):
            self._document.set_attribute("error.type", event.code)
            self._document.set_status(Status(StatusCode.ERROR, event.code))

    def _start(self, name: str, kind: SpanKind, attributes: Mapping[str, Any]) -> Span:
        parent = self._turn or self._document
        return self._telemetry.tracer.start_span(
            name, context=set_span_in_context(parent), kind=kind, attributes=attributes
        )

    def _begin_turn(self) -> None:
        if self._turn is not None:
            self._turn.end()
            self._turn = None
        self._turns += 1
        attributes = {"docmill.turn": self._turns}
        self._turn = self._start(f"turn {self._turns}", SpanKind.INTERNAL, attributes)

    def _begin_call(self, model: str, max_tokens: int) -> None:
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": model.partition("/")[0] if "/" in model else "anthropic",
            "gen_ai.request.model": model.rpartition("/")[2],
            "gen_ai.request.max_tokens": max_tokens,
        }
        name = f"chat {model.rpartition('/')[2]}"
        self._call = self._start(name, SpanKind.CLIENT, attributes)

    def _end_call(self, usage: Usage, answer: ModelRequestEnd | None) -> None:
        span, self._call = self._call, None
        if span is None:
            return
        span.set_attributes(
            {
                "gen_ai.usage.input_tokens": usage.prompt_tokens,
                "gen_ai.usage.output_tokens": usage.output_tokens,
                "gen_ai.usage.cache_read.input_tokens": usage.cache_read_tokens,
                "gen_ai.usage.cache_creation.input_tokens": (
                    usage.cache_write_tokens + usage.cache_write_1h_tokens
                ),
            }
        )
        if answer is not None:
            span.set_attribute("gen_ai.response.id", answer.response_id)
            span.set_attribute("gen_ai.response.finish_reasons", [answer.stop_reason])
            self._say(span, "gen_ai.output.messages", list(answer.content))
        span.end()

    def _fail_call(self, event: AttemptFailed) -> None:
        span, self._call = self._call, None
        if span is None:
            return
        span.set_attribute("error.type", event.code)
        if event.http_status is not None:
            span.set_attribute("http.response.status_code", event.http_status)
        span.set_status(Status(StatusCode.ERROR, event.code))
        span.end()

    def _begin_tool(self, event: ToolUse | CustomToolUse | McpToolUse) -> None:
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": event.name,
            "gen_ai.tool.call.id": event.tool_use_id,
        }
        span = self._start(f"execute_tool {event.name}", SpanKind.INTERNAL, attributes)
        self._say(span, "gen_ai.tool.call.arguments", event.input)
        self._tools[event.tool_use_id] = span

    def _end_tool(
        self, call: str, event: ToolResultEvent | CustomToolResult | McpToolResult
    ) -> None:
        span = self._tools.pop(call, None)
        if span is None:
            return
        if event.is_error:
            span.set_attribute("error.type", "tool_error")
            span.set_status(Status(StatusCode.ERROR))
        self._say(span, "gen_ai.tool.call.result", event.content)
        span.end()

    def _say(self, span: Span, name: str, data: object) -> None:
        if self._telemetry.content:
            span.set_attribute(name, json.dumps(data, ensure_ascii=False, default=str))


@contextmanager
def session_listener(
    telemetry: Telemetry, *, agent: str, attributes: Mapping[str, str]
) -> Generator[Callable[[Event], None]]:
    """Makes spans of the events it is called with; whatever is open ends with the block."""
    spans = SessionSpans(telemetry, agent=agent, attributes=attributes)
    try:
        yield spans.note
    finally:
        spans.end()
