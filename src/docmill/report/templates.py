"""The templates of `reports/templates`: a workspace's own files first, then the packaged ones.

Everything a template prints is escaped for its format unless it is `Markup`; templates run in
jinja2's sandbox.
"""

import re
from pathlib import Path
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from docmill.packaged import packaged_workspace
from docmill.report import costs, display

_FOLDER = Path("reports", "templates")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+.!|~^$:@-])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def html_environment(workspace: Path | None) -> ImmutableSandboxedEnvironment:
    """Templates whose output is HTML; every value is escaped."""
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(workspace),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    _add_filters(environment)
    environment.filters["code_spans"] = _code_spans
    return environment


def markdown_environment(workspace: Path | None) -> ImmutableSandboxedEnvironment:
    """Templates whose output is Markdown; every value loses its meaning as Markdown and HTML."""
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(workspace),
        autoescape=False,
        finalize=_finalize,  # escapes for Markdown and HTML at once
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    _add_filters(environment)
    return environment


def source(environment: ImmutableSandboxedEnvironment, name: str) -> str:
    """Text of a file among the templates, not rendered."""
    loader = environment.loader
    assert loader is not None
    return loader.get_source(environment, name)[0]


def escape_markdown(text: str) -> str:
    """One line of text that Markdown and HTML show as it is."""
    escaped = _MARKDOWN.sub(r"\\\1", display.visible(text))
    return re.sub("[&<>]", lambda found: _HTML[found[0]], escaped)


def _code_spans(text: str) -> Markup:
    """Escaped; what stands between backticks is code."""
    parts = (escape(part) for part in re.split(r"`([^`]+)`", text))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if at % 2 else part for at, part in enumerate(parts)
    )


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) else escape_markdown(str(value))


def _loader(workspace: Path | None) -> BaseLoader:
    packaged = FileSystemLoader(packaged_workspace() / _FOLDER)
    return ChoiceLoader([FileSystemLoader(workspace), packaged]) if workspace else packaged


def _add_filters(environment: ImmutableSandboxedEnvironment) -> None:
    filters: dict[str, Any] = environment.filters
    filters |= {
        "counted": display.count,
        "clip": display.clip,
        "usd": display.usd_text,
        "forecast": costs.forecast_text,
        "basis": costs.forecast_basis,
        "duration": display.duration_text,
        "size": display.size_text,
        "moment": display.time_text,
        "visible": display.visible,
        "reading": display.reading_text,
    }
