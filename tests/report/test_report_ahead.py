"""Templates compiled before there is a report to make."""

from pathlib import Path

import pytest
from jinja2 import TemplateSyntaxError

from docmill.report.templates import compile_ahead, html_environment, markdown_environment


def test_what_is_filled_in_is_the_template_that_lies_there_then(tmp_path: Path) -> None:
    """A change in between counts, and each kind escapes in its own way."""
    for name in ("report.html.jinja", "report.md.jinja"):
        (tmp_path / name).write_text("old {{ text }}")
    compile_ahead(tmp_path)
    for name in ("report.html.jinja", "report.md.jinja"):
        (tmp_path / name).write_text("new {{ text }}")
    html = html_environment(tmp_path).get_template("report.html.jinja")
    assert html.render(text="<*>") == "new &lt;*&gt;"
    markdown = markdown_environment(tmp_path).get_template("report.md.jinja")
    assert markdown.render(text="<*>") == "new &lt;\\*&gt;"


def test_a_template_that_is_wrong_hurts_only_who_uses_it(tmp_path: Path) -> None:
    """A draft beside the report's own is nobody's trouble until it is filled in."""
    (tmp_path / "draft.html.jinja").write_text("{% if")
    (tmp_path / "report.html.jinja").write_text("{{ text }}")
    compile_ahead(tmp_path)
    html = html_environment(tmp_path)
    assert html.get_template("report.html.jinja").render(text="whole") == "whole"
    with pytest.raises(TemplateSyntaxError):
        html.get_template("draft.html.jinja")
