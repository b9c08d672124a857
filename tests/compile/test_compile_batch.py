"""A plan says what a run would do: found, cached, duplicate, refused, left out."""

from pathlib import Path

import pytest

from docmill.compile import compile_pipeline, plan_batch
from docmill.errors import PrerequisiteError
from docmill.plan import CompiledPipeline
from docmill.spec.load import load_workspace

PDF = b"%PDF-1.7\n"


def compiled(root: Path) -> CompiledPipeline:
    (root / "pipelines").mkdir()
    (root / "agent_specs").mkdir()
    (root / "agent_specs/reader.yaml").write_text("name: reader\n")
    (root / "pipelines/check.yaml").write_text(
        "name: check\ndocuments: {path: in, exclude: [x*]}\nagent: reader\n"
        "record: {fields: {a: {}}}\n"
    )
    return compile_pipeline(load_workspace(root), "check")


def test_documents_the_store_knows_are_cached(tmp_path: Path) -> None:
    """The store is asked once, for the keys of documents that can be run."""
    pipeline = compiled(tmp_path)
    (tmp_path / "in").mkdir()
    for name, content in {"a.pdf": b"1", "b.pdf": b"2", "c.pdf": b"1", "x.pdf": b"3"}.items():
        (tmp_path / "in" / name).write_bytes(PDF + content)
    (tmp_path / "in/empty.pdf").write_bytes(b"")
    asked: list[list[str]] = []
    first = plan_batch(pipeline, lambda keys: asked.append(list(keys)) or set())
    a, b, copy, empty = first.documents
    assert asked == [sorted({a.key, b.key})]
    assert copy.key == a.key
    assert copy.info.duplicate_of == a.info.id
    assert (empty.key, empty.code) == ("", "document_empty")
    assert first.excluded == ("x.pdf",)
    again = plan_batch(pipeline, lambda _: {b.key}, cache=tmp_path / "cache")
    assert [document.cached for document in again.documents] == [False, True, False, False]


def test_keys_are_made_of_content_not_of_names(tmp_path: Path) -> None:
    """A renamed document is not read again."""
    pipeline = compiled(tmp_path)
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a.pdf").write_bytes(PDF)
    (before,) = plan_batch(pipeline, lambda _: set()).documents
    (tmp_path / "in/a.pdf").rename(tmp_path / "in/b.pdf")
    (after,) = plan_batch(pipeline, lambda _: set()).documents
    assert before.key == after.key == pipeline.document_key(before.info.sha256)


def test_a_missing_folder_stops_the_plan(tmp_path: Path) -> None:
    """Before anything is run."""
    with pytest.raises(PrerequisiteError, match="does not exist"):
        plan_batch(compiled(tmp_path), lambda _: set())
