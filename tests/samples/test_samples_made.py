"""The sample documents are what their scripts write, today and on any machine."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_data"
WRITTEN = (".pdf", ".xlsx", ".csv", ".yaml", ".json")


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in WRITTEN
    }


def test_documents_are_the_same_bytes_on_every_run(tmp_path: Path) -> None:
    """Cached results and reports of the samples stay comparable: nothing depends on the clock."""
    subprocess.run([sys.executable, str(SAMPLES / "make"), str(tmp_path)], check=True)
    written, kept = _hashes(tmp_path), _hashes(SAMPLES)
    assert sorted(written) == sorted(kept)
    assert [name for name in kept if written[name] != kept[name]] == []


def test_samples_are_small() -> None:
    """They come with every checkout and every wheel."""
    size = sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file())
    assert size < 4_000_000
