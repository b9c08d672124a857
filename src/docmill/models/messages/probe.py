"""What an endpoint can do, found out by tiny calls: for `docmill doctor --model NAME`.

Every call is a real one and is paid for; `Found.usage` says what was used. Neighbours: `model`
makes the calls. It changes nothing and writes no file.
"""

import base64
import json
import struct
import time
import zlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, Block, ModelRequest, ModelResponse
from docmill.models.messages.model import MessagesModel
from docmill.records.results import Usage
from docmill.spec.workspace import Capabilities

SHORT = 64
"""Tokens of an answer: a word or two, and some thinking where it can't be turned off."""
CACHED_WORDS = 4_400
"""Words of a prompt that is long enough for the cache of any model (4,096 tokens at most)."""
WAYS = {
    "type": "object",
    "properties": {"color": {"type": "string"}},
    "required": ["color"],
    "additionalProperties": False,
}
TOOL: dict[str, Any] = {
    "name": "report_color",
    "description": "Call this with the color the user names.",
    "input_schema": WAYS,
}


class Trial(NamedTuple):
    """One thing tried."""

    capability: str
    """As in docmill.yaml; `tools` every endpoint has to have."""
    works: bool
    found: str
    """What was seen, a few words."""


class Tried(NamedTuple):
    """A trial's result, before it has a name."""

    works: bool
    found: str


@dataclass(slots=True)
class Found:
    """What a probe found."""

    model: str
    """The name the endpoint answers by."""
    seconds: float
    """Of the first call, from sending to the end of the answer."""
    trials: tuple[Trial, ...]
    usage: Usage
    """Of all calls; without a price."""

    @property
    def capabilities(self) -> Capabilities:
        """What could be written into docmill.yaml."""
        known = Capabilities.model_fields
        return Capabilities(
            **{trial.capability: trial.works for trial in self.trials if trial.capability in known}
        )


async def probe(model: MessagesModel) -> Found:
    """Ask for one word, then try each capability with a call of its own.

    Raises:
        AttemptError: the first call failed.
        PrerequisiteError: the key or the name is refused.
    """
    prober = _Prober(model)
    started = time.monotonic()
    answer = await prober.ask(_request("Answer with the one word: ready"))
    seconds = time.monotonic() - started
    tries: dict[str, Callable[[], Awaitable[Tried]]] = {
        "tools": prober.tools,
        "json_schema": prober.json_schema,
        "strict_tools": prober.strict_tools,
        "caching": prober.caching,
        "count_tokens": prober.count_tokens,
        "images": prober.images,
        "documents": prober.documents,
        "batches": prober.batches,
        "thinking": prober.thinking,
    }
    trials = [Trial("streaming", True, f"{answer.usage.output_tokens} tokens")]
    for name, attempt in tries.items():
        try:
            tried = await attempt()
        except AttemptError as error:
            tried = Tried(False, error.message)
        except PrerequisiteError as error:
            # The first call went well, so that only this one is refused.
            tried = Tried(False, error.message)
        trials.append(Trial(name, tried.works, tried.found))
    return Found(answer.model, seconds, tuple(trials), prober.usage)


class _Prober:
    def __init__(self, model: MessagesModel) -> None:
        self._model = model
        self.usage = Usage()

    async def ask(self, request: ModelRequest, **can: bool) -> ModelResponse:
        """One call with these capabilities and no others."""
        response = await self._model.with_capabilities(Capabilities(**can)).respond(request)
        self.usage += response.usage
        return response

    async def tools(self) -> Tried:
        """It calls a tool when it is told to."""
        request = replace(_request("The color is blue. Call the tool."), tools=(TOOL,))
        return _called(await self.ask(request))

    async def strict_tools(self) -> Tried:
        """It takes a tool whose schema is to be kept."""
        request = replace(_request("The color is blue. Call the tool."), tools=(TOOL,))
        return _called(await self.ask(request, strict_tools=True))

    async def json_schema(self) -> Tried:
        """Its answer is an object of the schema, though nobody asks for one in words."""
        request = replace(_request("The sky is blue."), output_schema=WAYS)
        said = _words(await self.ask(request, json_schema=True))
        try:
            kept = list(json.loads(said)) == ["color"]
        except ValueError:
            kept = False
        return Tried(kept, "the answer keeps to it" if kept else f"answered {said[:40]!r}")

    async def caching(self) -> Tried:
        """A long prompt that is sent twice is written once and read once."""
        request = replace(_request("Answer with the one word: ready"), system=_long_text())
        first = (await self.ask(request, caching=True)).usage
        if not first.cache_write_tokens and not first.cache_read_tokens:
            return Tried(False, "marks are taken and nothing is written")
        second = (await self.ask(request, caching=True)).usage
        read = second.cache_read_tokens
        return Tried(read > 0, f"{read} tokens read from the cache")

    async def count_tokens(self) -> Tried:
        """It counts the tokens of a request, for nothing."""
        model = self._model.with_capabilities(Capabilities(count_tokens=True))
        counted = await model.counted(_request("How many tokens?"))
        return Tried(counted is not None, f"{counted} tokens" if counted else "no count came")

    async def images(self) -> Tried:
        """It names the color of a red picture."""
        data = base64.b64encode(red_picture()).decode("ascii")
        return await self._sees("image", "image/png", data)

    async def documents(self) -> Tried:
        """It reads the one word of a PDF."""
        data = base64.b64encode(small_pdf("red")).decode("ascii")
        return await self._sees("document", "application/pdf", data)

    async def _sees(self, kind: str, media_type: str, data: str) -> Tried:
        source = {"type": "base64", "media_type": media_type, "data": data}
        ask = "Which color does this show? Answer with one word."
        block: Block = {"type": kind, "source": source}
        request = _request(ask)
        content = [block, {"type": "text", "text": ask}]
        said = _words(await self.ask(replace(request, messages=(_said(content),))))
        return Tried("red" in said.lower(), f"answered {said[:40]!r}")

    async def batches(self) -> Tried:
        """It has a list of message batches."""
        has = await self._model.has_batches()
        return Tried(has, "the list of batches can be read" if has else "there is no list of them")

    async def thinking(self) -> Tried:
        """It takes an effort."""
        request = replace(_request("Answer with the one word: ready"), effort="low")
        await self.ask(request, thinking=True)
        return Tried(True, "takes an `effort`")


def _request(words: str) -> ModelRequest:
    return ModelRequest(
        model="",
        system="",
        tools=(),
        messages=(_said([{"type": "text", "text": words}]),),
        max_tokens=SHORT,
        identity="doctor",
    )


def _said(content: list[Block]) -> dict[str, Any]:
    return {"role": "user", "content": content}


def _words(response: ModelResponse) -> str:
    return "".join(str(block["text"]) for block in response.content if block["type"] == "text")


def _called(response: ModelResponse) -> Tried:
    calls = [block for block in response.content if block["type"] == "tool_use"]
    if calls and calls[0].get("input"):
        return Tried(True, "calls the tool")
    return Tried(False, f"answered {_words(response)[:40]!r} instead of calling")


def _long_text() -> str:
    """The same for every probe, so that one soon after another finds it in the cache."""
    return " ".join(f"word{number}" for number in range(CACHED_WORDS))


def red_picture() -> bytes:
    """A red PNG of 32 by 32 points."""
    rows = b"".join(b"\0" + b"\xff\0\0" * 32 for _ in range(32))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def small_pdf(word: str) -> bytes:
    """A PDF of one page with one word on it."""
    drawn = f"BT /F1 48 Tf 40 100 Td ({word}) Tj ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R /Resources 6 0 R >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Font << /F1 5 0 R >> >>",
    ]
    out = bytearray(b"%PDF-1.4\n")
    places: list[int] = []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
    )
    return bytes(out)
