"""A session as OpenTelemetry spans, for whoever asks for them."""

from typing import TYPE_CHECKING

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from docmill.errors import ModelError
from docmill.session.run import run_session
from docmill.telemetry import run_telemetry
from docmill.testing import ScriptedModel, tool_use

if TYPE_CHECKING:
    from conftest import Bench  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

VOLTAGE = {"value": 3.3, "unit": "V", "page": 1, "quote": "3.30 V"}
RECORD = {"voltage": VOLTAGE, "serial": {"value": "AB-12", "page": 1, "quote": "AB-12"}}
LOOK = [tool_use("read", {"file_path": "/workspace/document/layout/page-0001.tsv"}, call="r1")]
SUBMIT = [tool_use("submit_record", RECORD, call="s1")]


async def spans_of(
    bench: "Bench", model: ScriptedModel, environ: dict[str, str]
) -> dict[str, ReadableSpan]:
    """Spans of a run with one document, by name."""
    exporter = InMemorySpanExporter()
    asked = run_telemetry(environ, name="run demo", attributes={}, exporter=exporter)
    with asked as telemetry:
        workbench = bench.for_model(model, telemetry=telemetry)
        try:
            await run_session(workbench, bench.document(workbench), attempt=1)
        except ModelError:
            assert model.requests is not None
    return {span.name: span for span in exporter.get_finished_spans()}


async def test_spans_stand_in_each_other(bench: "Bench") -> None:
    """Run, document, turn, model call and tool, each within the one before."""
    spans = await spans_of(bench, ScriptedModel([LOOK, SUBMIT]), {})

    def parent(name: str) -> str:
        above = spans[name].parent
        return next((s.name for s in spans.values() if above and s.context == above), "")

    assert parent("run demo") == ""
    assert parent("invoke_agent reader") == "run demo"
    assert parent("turn 1") == "invoke_agent reader"
    assert parent("execute_tool read") == "turn 1"
    assert parent("execute_tool submit_record") == "turn 2"


async def test_attributes_have_the_names_of_the_convention(bench: "Bench") -> None:
    """A tool that knows the conventions finds model, tokens and reasons."""
    spans = await spans_of(bench, ScriptedModel([SUBMIT]), {})
    call = spans["chat rules"].attributes or {}
    assert call["gen_ai.operation.name"] == "chat"
    assert call["gen_ai.response.finish_reasons"] == ("tool_use",)
    assert call["gen_ai.usage.output_tokens"] == 10
    tool = spans["execute_tool submit_record"].attributes or {}
    assert tool["gen_ai.tool.name"] == "submit_record"


async def test_what_was_said_is_left_out_unless_asked_for(bench: "Bench") -> None:
    """Neither the document's words nor the model's leave by this door on their own."""
    quiet = await spans_of(bench, ScriptedModel([SUBMIT]), {})
    assert "AB-12" not in str([span.to_json() for span in quiet.values()])


async def test_content_is_sent_where_it_was_asked_for(bench: "Bench") -> None:
    """With the variable that OpenTelemetry has for it."""
    asked = {"OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT": "true"}
    open_minded = await spans_of(bench, ScriptedModel([SUBMIT]), asked)
    assert "AB-12" in str(open_minded["execute_tool submit_record"].attributes or {})


async def test_an_error_is_a_status(bench: "Bench") -> None:
    """The document's span has the code, and is ended."""
    spans = await spans_of(bench, ScriptedModel([ModelError("no", code="model_refused")]), {})
    document = spans["invoke_agent reader"]
    assert not document.status.is_ok
    assert (document.attributes or {})["error.type"] == "model_refused"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"},
        {"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "console"},
    ],
)
def test_nobody_asked_nothing_is_made(environ: dict[str, str]) -> None:
    """Telemetry is off by default, and can be switched off."""
    with run_telemetry(environ, name="run", attributes={}) as telemetry:
        assert telemetry is None


def test_the_console_is_an_exporter(capsys: pytest.CaptureFixture[str]) -> None:
    """For a look at it without any server."""
    with run_telemetry({"OTEL_TRACES_EXPORTER": "console"}, name="run demo", attributes={}):
        pass
    assert '"name": "run demo"' in capsys.readouterr().err
