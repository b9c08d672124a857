"""`python -m benchmarks.accuracy [--data FOLDER] [--set NAME] [--file PART] [--json]`.

Reads every document of the sets with the embedded model in the sandbox and prints, per set and
field, how many values were found, how many of the verified ones are right, and every wrong value.
Ends with 1 if a wrong value was verified.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from docmill.sandboxes import open_backend
from docmill.sandboxes.base import SandboxBackend

from .grading import Found, Grade, grade_record
from .reading import found_values, read_document
from .sets import EXAMPLES, DocumentSet, Sample, certificates, datasheets, example
from .tally import Tally


def main() -> int:
    """Grade the sets asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument(
        "--data", type=Path, help="folder with real documents (en10168, datasheets)"
    )
    parser.add_argument("--set", action="append", help="only this set; may be repeated")
    parser.add_argument("--file", default="", help="only documents whose path contains this")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args()
    backend = open_backend("auto")
    wanted = options.set
    tallies = [
        asyncio.run(_grade(documents, backend, options.file))
        for documents in _sets(options.data)
        if wanted is None or documents.name in wanted
    ]
    if options.json:
        print(json.dumps({tally.name: tally.figures() for tally in tallies}, indent=1))
    else:
        print("\n\n".join(tally.text() for tally in tallies))
    return 1 if any(tally.wrong_verified for tally in tallies) else 0


def _sets(data: Path | None) -> Iterator[DocumentSet]:
    for name in EXAMPLES:
        yield example(name)
    if data is not None:
        yield certificates(data)
        yield from datasheets(data)


async def _grade(documents: DocumentSet, backend: SandboxBackend, part: str) -> Tally:
    tally = Tally(documents.name)
    for sample in documents.samples:
        if part in str(sample.path):
            started = time.perf_counter()
            grades, note = await _grade_one(documents, sample, backend)
            tally.add(sample, grades, note=note, seconds=time.perf_counter() - started)
    return tally


async def _grade_one(
    documents: DocumentSet, sample: Sample, backend: SandboxBackend
) -> tuple[list[Grade], str]:
    data = sample.path.read_bytes()
    if sample.truth.get("outcome") == "failed":
        return [], ""
    outcome = await read_document(data, documents.shape, backend)
    values: dict[str, Found] = {}
    if outcome.record is not None:
        values = found_values(outcome.record)
    note = outcome.failure or ("" if outcome.record is not None else "record refused")
    return grade_record(documents.shape.fields, values, sample.truth), note


if __name__ == "__main__":
    sys.exit(main())
