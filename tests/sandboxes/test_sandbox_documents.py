"""Documents in a real sandbox: what is read, and how hostile ones end without ending it."""

import asyncio
import sys
import zlib
from collections.abc import AsyncIterator, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from reportlab.pdfgen.canvas import Canvas

from docmill.documents.layout import load_pages
from docmill.errors import SandboxError, ToolError
from docmill.sandboxes import interpreters
from docmill.sandboxes.base import DOCUMENT, LAYOUT, PICTURES, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend, BubblewrapSandbox

MIB = 1024 * 1024
SPEC = SandboxSpec(
    SandboxLimits(memory=256 * MIB, cpus=1, pids=32, disk=32 * MIB, seconds=60, output=MIB)
)


@pytest.fixture
async def sandbox() -> AsyncIterator[BubblewrapSandbox]:
    """A fresh sandbox."""
    async with BubblewrapBackend().open(SPEC) as opened:
        yield opened


def document(pages: int = 2) -> bytes:
    """A small report."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=(300, 200), invariant=1)
    for number in range(pages):
        canvas.drawString(50, 100, f"Bore {number}.5 mm")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def assemble(content: bytes, resources: bytes = b"", more: tuple[bytes, ...] = ()) -> bytes:
    """A one-page PDF with this compressed content stream, and further objects from number 5."""
    stream = zlib.compress(content, 9)
    font = b"/Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>"
    objects = (
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<<"
        + font
        + resources
        + b">>>>",
        b"<</Filter/FlateDecode/Length %d>>stream\n" % len(stream) + stream + b"\nendstream",
        *more,
    )
    data, places = b"%PDF-1.7\n", b""
    for number, body in enumerate(objects, 1):
        places += b"%010d 00000 n \n" % len(data)
        data += b"%d 0 obj\n" % number + body + b"\nendobj\n"
    size = len(objects) + 1
    table = b"xref\n0 %d\n0000000000 65535 f \n" % size + places
    tail = b"trailer<</Root 1 0 R/Size %d>>\nstartxref\n%d\n%%%%EOF" % (size, len(data))
    return data + table + tail


def laughs() -> bytes:
    """Forms that draw ten others each, nine deep."""
    forms: list[bytes] = []
    for depth in range(9):
        body = b"/X Do " * 10 if depth < 8 else b"BT /F 9 Tf (ha) Tj ET"
        inner = b"/XObject<</X %d 0 R>>" % (6 + depth) if depth < 8 else b""
        head = b"<</Type/XObject/Subtype/Form/BBox[0 0 600 800]/Resources<<" + inner
        forms.append(head + b">>/Length %d>>stream\n" % len(body) + body + b"\nendstream")
    return assemble(b"/X Do", b"/XObject<</X 5 0 R>>", tuple(forms))


async def prepare(sandbox: BubblewrapSandbox, data: bytes, seconds: float = 20) -> Any:
    """Put a document in and read it."""
    await sandbox.put(DOCUMENT, data)
    return await sandbox.call("prepare", {"max_pages": 50}, timeout=seconds)


async def test_a_document_is_read_drawn_and_probed(sandbox: BubblewrapSandbox) -> None:
    """Words with boxes, a picture of a page, and ink where a word stands."""
    result = await prepare(sandbox, document())
    assert (result["pages"], result["words"], result["reader"]) == (2, 6, "pdfium")
    assert "digest" not in result
    (page,) = load_pages((await sandbox.get(f"{LAYOUT}/page-0002.tsv", max_bytes=MIB)).decode())
    assert [word.text for word in page.words] == ["Bore", "1.5", "mm"]
    await sandbox.call("render", {"page": 2, "dpi": 72}, timeout=20)
    picture = await sandbox.get(f"{PICTURES}/page-0002.png", max_bytes=MIB)
    assert picture.startswith(b"\x89PNG")
    boxes = [list(page.words[1].box), [0, 0, 20, 20]]
    word, nothing = await sandbox.call("ink", {"page": 2, "boxes": boxes}, timeout=20)
    assert word > 0.05
    assert nothing == 0


@pytest.mark.parametrize(
    ("make", "code"),
    [
        # made when it is their turn: some take seconds
        (laughs, "prepare_memory"),
        (lambda: assemble(b" " * (400 * MIB)), "prepare_memory"),
        (lambda: assemble(b"q " * 20_000_000), "prepare_memory"),
        (lambda: assemble(b"0 0 m "), "document_no_text"),
        (lambda: b"\0" * 1000, "document_corrupt"),
        (lambda: document(51), "document_too_many_pages"),
    ],
    ids=["laughs", "zip bomb", "deep state", "no text", "zeros", "too many pages"],
)
async def test_a_bad_document_ends_with_a_code(
    sandbox: BubblewrapSandbox, make: Callable[[], bytes], code: str
) -> None:
    """The reader may die of it; the sandbox reads the next document all the same."""
    with pytest.raises(ToolError) as caught:
        await prepare(sandbox, make())
    assert caught.value.message.partition(":")[0] == code
    assert (await prepare(sandbox, document()))["pages"] == 2


async def test_reading_has_a_time(sandbox: BubblewrapSandbox) -> None:
    """What takes too long is cut and said to be."""
    with pytest.raises(ToolError, match="prepare_timeout"):
        await prepare(sandbox, assemble(b"BT /F 9 Tf 1 1 Td (a) Tj ET " * 200_000), seconds=0.1)
    assert (await prepare(sandbox, document()))["pages"] == 2


async def test_a_killed_reader_is_a_result_and_replaced(sandbox: BubblewrapSandbox) -> None:
    """A command may kill it; the next probe opens the same document again."""
    await prepare(sandbox, document())
    kill = "kill -9 $(pgrep -f toolbox.start | grep -vx 1)"
    await sandbox.call("bash", {"command": kill}, timeout=10)
    with pytest.raises(ToolError, match="prepare_"):
        await sandbox.call("ink", {"page": 1, "boxes": []}, timeout=10)
    assert await sandbox.call("ink", {"page": 1, "boxes": []}, timeout=10) == []


async def test_proof_comes_from_the_document_that_was_read(sandbox: BubblewrapSandbox) -> None:
    """A command that overwrites the document and kills its reader gains nothing."""
    await prepare(sandbox, document())
    forge = f"echo forged > {DOCUMENT}; kill -9 $(pgrep -f toolbox.start | grep -vx 1)"
    await sandbox.call("bash", {"command": forge}, timeout=10)
    for expected in ("prepare_", "document_changed"):
        with pytest.raises(ToolError, match=expected):
            await sandbox.call("ink", {"page": 1, "boxes": []}, timeout=10)


async def test_a_full_disk_ends_the_session(sandbox: BubblewrapSandbox) -> None:
    """There is nowhere to write the pages."""
    await sandbox.put(DOCUMENT, document())
    await sandbox.call("bash", {"command": "cat /dev/zero > filler"}, timeout=20)
    with pytest.raises(SandboxError) as caught:
        await sandbox.call("prepare", {"max_pages": 5}, timeout=20)
    assert caught.value.code == "sandbox_disk"


async def test_many_sandboxes_run_at_once() -> None:
    """Each with its own user, files and limits."""
    backend = BubblewrapBackend()

    async def one(number: int) -> str:
        async with backend.open(SPEC) as sandbox:
            await sandbox.put("/workspace/n", str(number).encode())
            answer = await sandbox.call(
                "bash", {"command": "cat n; ls /proc | grep -c '^[0-9]'"}, timeout=20
            )
            return str(answer["output"])

    outputs = await asyncio.gather(*(one(number) for number in range(8)))
    assert [output.split()[0][:1] for output in outputs] == [str(n) for n in range(8)]


async def test_docmills_own_interpreter_does_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no Python of this version."""
    monkeypatch.setattr(interpreters, "_SYSTEM_PREFIX", Path("/nowhere"))
    async with BubblewrapBackend().open(SPEC) as sandbox:
        assert (await prepare(sandbox, document()))["pages"] == 2
        asked = "python3 -c 'import sys; print(sys.version)'"
        told = await sandbox.call("bash", {"command": asked}, timeout=20)
    assert told["output"] == f"{sys.version}\n"
