"""Files agents have left, beside the report: `outputs/DOCUMENT/FILE`, as plain downloads.

Their names were made plain when they were taken (`session.outputs`); nothing here opens one.
"""

from pathlib import Path
from urllib.parse import quote

from docmill.records.outputs import OutputFile
from docmill.records.reader import RunReader
from docmill.records.results import DocumentInfo, DocumentResult

FOLDER = "outputs"


def write_outputs(reader: RunReader, result: DocumentResult, folder: Path) -> None:
    """Write a document's files below `folder`; what has been pruned is left out."""
    for output in result.outputs:
        try:
            data = reader.output(output.sha256)
        except KeyError:
            continue
        path = folder / output_path(result.document, output)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def output_path(document: DocumentInfo, output: OutputFile) -> str:
    """Where a file lies, seen from the report."""
    return f"{FOLDER}/{document.id}/{output.file}"


def output_link(document: DocumentInfo, output: OutputFile) -> str:
    """The same as an address."""
    return quote(output_path(document, output))
