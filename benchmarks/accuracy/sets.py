"""The sets of documents the model is graded on: fields, documents, ground truth.

The examples of this repository come with truth.json. Real documents lie outside of it, in the
folder named on the command line; their truth is derived by `en10168` or stands in
`datasheets.json`, graded by hand.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ruamel.yaml import YAML

from docmill.output.fields import resolve_record
from docmill.output.shape import RecordShape
from docmill.spec.fields import RecordSpec

from .en10168 import truth_of

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
EXAMPLES = ("spec-check", "material-certificates", "invoices", "datasheets")


@dataclass(frozen=True, slots=True)
class Sample:
    """One document with its truth."""

    path: Path
    truth: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DocumentSet:
    """Documents read with one record."""

    name: str
    shape: RecordShape
    samples: tuple[Sample, ...]


def example(name: str) -> DocumentSet:
    """The documents of an example pipeline, read with the record of that pipeline."""
    pipeline = _yaml(ROOT / "pipelines" / f"{name}.yaml")
    folder = ROOT / "sample_data" / name
    documents = _json(folder / "truth.json")["documents"]
    samples = [Sample(folder / "documents" / file, truth) for file, truth in documents.items()]
    return DocumentSet(name, _shape(pipeline["record"]), tuple(samples))


def certificates(data: Path) -> DocumentSet:
    """Real EN 10168 certificates, each with a JSON twin."""
    shape = _shape(_yaml(HERE / "certificates.yaml"))
    samples = [
        Sample(path, truth_of(_json(path.with_suffix(".json"))))
        for path in sorted((data / "en10168").glob("*/*.pdf"))
    ]
    return DocumentSet("en10168", shape, tuple(samples))


def datasheets(data: Path) -> Iterator[DocumentSet]:
    """Real datasheets, graded by hand; a record and a truth for each."""
    for name, each in _json(HERE / "datasheets.json").items():
        shape = _shape(_yaml(HERE / each["record"]))
        sample = Sample(data / "datasheets" / name, {"outcome": "ok", "fields": each["fields"]})
        yield DocumentSet(name, shape, (sample,))


def _shape(record: dict[str, Any]) -> RecordShape:
    return resolve_record(RecordSpec.model_validate(record), ROOT)


def _yaml(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", YAML(typ="safe").load(path))  # pyright: ignore[reportUnknownMemberType]


def _json(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))
