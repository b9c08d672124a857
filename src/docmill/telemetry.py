"""OpenTelemetry, off unless the environment asks for it with the variables OpenTelemetry defines.

Names follow its semantic conventions for generative AI. What documents, prompts and answers say is
left out unless `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` is true. `session.spans` makes
spans of events; here are the provider and the span of a run.
"""

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from docmill.errors import PrerequisiteError

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where spans go: a tracer, and the span they belong to."""

    tracer: "Tracer"
    parent: "Context | None" = None
    content: bool = False
    """Whether spans may hold what was said."""


@contextmanager
def run_telemetry(
    environ: Mapping[str, str],
    *,
    name: str,
    attributes: Mapping[str, str | int],
    exporter: "SpanExporter | None" = None,
) -> Generator[Telemetry | None]:
    """Telemetry for a run, whose span ends with the block; None if nobody asked for it.

    `exporter` takes the place of the one the environment names.

    Raises:
        PrerequisiteError: it is asked for and can't be had.
    """
    if exporter is None and not _wanted(environ):
        yield None
        return
    try:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - an extra
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415

        exporter = exporter or _exporter(environ)
    except ImportError as error:
        raise PrerequisiteError(
            "The environment asks for OpenTelemetry, which isn't installed.",
            remedy="Install it: pip install 'docmill[otel]', or unset OTEL_TRACES_EXPORTER and "
            "OTEL_EXPORTER_OTLP_ENDPOINT.",
        ) from error
    service = environ.get("OTEL_SERVICE_NAME") or "docmill"
    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.version": version("docmill")}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("docmill", version("docmill"))
    try:
        with tracer.start_as_current_span(name, attributes=attributes) as span:
            content = environ.get(CONTENT, "").strip().lower() == "true"
            yield Telemetry(tracer, set_span_in_context(span), content)
    finally:
        provider.shutdown()


def _wanted(environ: Mapping[str, str]) -> bool:
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter in ("none", "otlp", "console"):
        return exporter != "none"
    return any(environ.get(name) for name in ENDPOINTS)


def _exporter(environ: Mapping[str, str]) -> "SpanExporter":
    if environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter  # noqa: PLC0415

        return ConsoleSpanExporter(out=sys.stderr)  # stdout is for results
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    return OTLPSpanExporter()
