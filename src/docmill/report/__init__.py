"""Reports of stored runs: HTML, Excel, JSON and Markdown, written whole or not at all.

Reads a run through `records.reader.RunReader` alone, one document at a time and several times over,
so memory doesn't grow with the batch. Never talks to store, sandbox or model, and judges nothing.
"""

from docmill.report.build import ReportFiles, build
from docmill.report.schema import Report, schema_text
from docmill.report.summary import Summary, summarise

__all__ = ["Report", "ReportFiles", "Summary", "build", "schema_text", "summarise"]
