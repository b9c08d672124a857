"""Where tesseract is missing, slow or broken: a code, and no process left behind."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from docmill.errors import PrerequisiteError, ToolError
from docmill.sandboxes.toolbox import ocr
from docmill.sandboxes.toolbox.errors import OpError
from docmill.session.ocr import open_ocr
from docmill.spec.pipeline import Documents

WHITE = b"\xff" * 100


def refusal(seconds: float = 5.0) -> str:
    """The message of a picture that could not be read."""
    with pytest.raises(OpError) as caught:
        ocr.read(WHITE, (10, 10), wanted=["eng"], line=False, dpi=300, seconds=seconds)
    return caught.value.message


def program(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a script in tesseract's place."""
    path = folder / "tesseract"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setattr(ocr, "PROGRAM", str(path))


def test_without_the_program_there_is_no_ocr(monkeypatch: pytest.MonkeyPatch) -> None:
    """The code tells the host what to say."""
    monkeypatch.setattr(ocr, "PROGRAM", "/nowhere/tesseract")
    assert refusal().startswith("ocr_missing: ")


def test_a_page_that_takes_too_long_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is ended; the leak checker would find it otherwise."""
    program(tmp_path, monkeypatch, "exec sleep 60")
    assert refusal(0.2).startswith("ocr_timeout: ")


def test_a_program_that_fails_gives_no_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends with a code of its own."""
    program(tmp_path, monkeypatch, "cat > /dev/null; exit 3")
    assert refusal() == "ocr_failed: tesseract ended with 3"


class Inside:
    """A sandbox that only knows which languages it can read."""

    def __init__(self, *languages: str) -> None:
        self.languages = list(languages)

    async def call(self, op: str, args: Mapping[str, Any], *, timeout: float) -> Any:
        """The languages, or that there is no program."""
        assert (op, args, timeout > 0) == ("ocr_languages", {}, True)
        if not self.languages:
            raise ToolError("ocr_missing: there is no tesseract")
        return self.languages


def wanted(ocr: str, *languages: str) -> Documents:
    """What a pipeline says of its documents."""
    return Documents.model_validate(
        {"path": "in", "ocr": ocr, "ocr_languages": languages or ("eng",)}
    )


async def test_auto_goes_without_where_there_is_none() -> None:
    """Only the documents that need it fail, each with its remedy."""
    inside: Any = Inside()
    assert await open_ocr(inside, wanted("auto")) is None
    assert await open_ocr(inside, wanted("off")) is None


async def test_always_is_a_prerequisite() -> None:
    """With the command that installs it."""
    inside: Any = Inside()
    with pytest.raises(PrerequisiteError) as caught:
        await open_ocr(inside, wanted("always"))
    assert "apt-get install tesseract-ocr" in caught.value.remedy


async def test_a_missing_language_names_its_package() -> None:
    """Names of packages have dashes where tesseract's have underscores."""
    inside: Any = Inside("eng", "osd")
    assert await open_ocr(inside, wanted("auto", "eng")) is not None
    with pytest.raises(PrerequisiteError) as caught:
        await open_ocr(inside, wanted("auto", "eng", "chi_sim"))
    assert caught.value.remedy.endswith("tesseract-ocr tesseract-ocr-chi-sim")
