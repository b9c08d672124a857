"""Names may be anything, and many: each file is read once, below its folder, in whatever crowd."""

import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, update
from tests.watch.conftest import MakePost

from docmill.documents.sources import Candidate
from docmill.store.drops import DropStore, Intake
from docmill.store.schema import intake
from docmill.watch.fetching import fetch
from docmill.watch.settling import Settling
from docmill.watch.watcher import drop_name

NAMES = (
    b"a b.pdf",
    "Prüfbericht.pdf".encode(),
    "報告書.pdf".encode(),
    b"new\nline.pdf",
    b"back\\slash.pdf",
    b"a%2Eb.pdf",
    b"x..y.pdf",
    b"tab\t.pdf",
    b"-rf.pdf",
    b"CON.pdf",
    b"long-" + b"x" * 240 + b".pdf",
    b"box one/a b.pdf",
)
NO_TEXT = b"latin-\xfc.pdf"


@pytest.mark.skipif(sys.platform != "linux", reason="names of other systems are no bytes")
def test_names_of_files_may_be_anything_a_disk_allows(tmp_path: Path, post: MakePost) -> None:
    """Also such as are no text at all; put away they can still be told apart."""
    incoming = tmp_path / "lab/incoming"
    (incoming / "box one").mkdir(parents=True)
    names = [*NAMES, NO_TEXT]
    for name in names:
        (incoming / os.fsdecode(name)).write_bytes(name)
    watching = post(path=str(incoming))
    watching.once()
    assert watching.heard.failures == []
    assert sorted(watching.ran.contents) == sorted(names)
    assert list(incoming.iterdir()) == []
    done = [path for path in (tmp_path / "lab/done").rglob("*") if path.is_file()]
    assert sorted(path.read_bytes() for path in done) == sorted(names)
    assert all(path.name.isprintable() for path in done)


def test_a_name_that_is_no_text_is_found_again_by_the_next_watcher(
    tmp_path: Path, engine: Engine
) -> None:
    """When the one that had taken it has died."""
    location = os.fsdecode(os.fsencode(tmp_path) + b"/" + NO_TEXT)
    file = Intake("a" * 64, "latin-%FC.pdf", location)
    store = DropStore(engine)
    store.take("p", "one", [file])
    with engine.begin() as connection:
        connection.execute(update(intake).values(owner="gone"))
    assert store.left_behind("p") == {"one": (file,)}


@pytest.mark.parametrize("name", ["../../out", "/out", "a/../../../out", "..", "a//b", "a/"])
def test_no_key_leads_out_of_the_folder_of_copies(tmp_path: Path, name: str) -> None:
    """Whatever a bucket calls its objects."""
    source = tmp_path / "source"
    source.write_bytes(b"1")
    found = source.stat()
    stamp = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}"
    drops = tmp_path / "drops"
    file = Candidate(name, str(source), 1, stamp)
    fetched = fetch(drops, "d", [file], owner="w", max_bytes=100)
    (copy,) = fetched.files
    copies = [path for path in tmp_path.rglob("*") if path.is_file() and path != source]
    assert copies == [path for path in copies if path.is_relative_to(fetched.folder)]
    assert (fetched.folder / copy.name).read_bytes() == b"1"


def test_fifty_thousand_objects_at_once_are_one_complete_drop() -> None:
    """Looking at them again costs less than a second of a processor."""
    files = [
        Candidate(f"box/{number:06}.pdf", f"s3://lab/in/box/{number:06}.pdf", 9, f"9:{number:x}")
        for number in range(50_000)
    ]
    settling = Settling(10)
    assert settling.look(files, 0) == ()
    assert settling.look(files, 9.9) == ()
    (drop,) = settling.look(files, 10)
    assert len(drop.files) == 50_000
    assert drop_name(drop) == drop_name(drop)
    late = files[-1]._replace(stamp="9:changed")
    assert settling.look([*files[:-1], late], 11) == ()
