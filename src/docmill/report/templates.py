"""The templates of `reports/templates`: a workspace's own files first, then the packaged ones.

Everything a template prints is escaped for its format unless it is `Markup`; templates run in
jinja2's sandbox.
"""

import contextlib
import re
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    BytecodeCache,
    ChoiceLoader,
    FileSystemLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.bccache import Bucket
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup, escape

from docmill.packaged import packaged_workspace
from docmill.report import costs, display

_FOLDER = Path("reports", "templates")
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+.!|~^$:@-])")
_HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


class _Compiled(BytecodeCache):
    """Templates this process has compiled, by their text: it takes longer than to fill them in."""

    def __init__(self) -> None:
        self._code: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was compiled of that text."""
        bucket.code = self._code.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        assert bucket.code is not None
        self._code[bucket.key, bucket.checksum] = bucket.code


_HTML_COMPILED, _MARKDOWN_COMPILED = _Compiled(), _Compiled()


def compile_ahead(workspace: Path | None) -> None:
    """Compile all templates of reports, before there is anything to fill in."""
    html, markdown = html_environment(workspace), markdown_environment(workspace)
    for name in html.list_templates(extensions=["jinja"]):
        # Who uses one that is wrong says so.
        with contextlib.suppress(TemplateError):
            (markdown if name.endswith(".md.jinja") else html).get_template(name)


def html_environment(workspace: Path | None) -> ImmutableSandboxedEnvironment:
    """Templates whose output is HTML; every value is escaped."""
    environment = ImmutableSandboxedEnvironment(
        loader=_loader(workspace),
        bytecode_cache=_HTML_COMPILED,
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
        bytecode_cache=_MARKDOWN_COMPILED,
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
