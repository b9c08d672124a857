"""`docmill doctor --model` finds out what an endpoint can do by trying it."""

import json
from typing import Any, cast

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.messages.model import MessagesModel
from docmill.models.messages.probe import probe, red_picture, small_pdf
from docmill.testing import Answer, Failure, Step, text, tool_use

from .conftest import Open


def able(body: dict[str, Any]) -> Step:
    """An endpoint that can do everything."""
    asked = json.dumps(body["messages"])
    if body.get("tools"):
        return Answer([tool_use("report_color", {"color": "blue"})])
    if "format" in body.get("output_config", {}):
        return Answer([text('{"color": "blue"}')])
    return Answer([text("Red." if "base64" in asked else "ready")])


def plain(body: dict[str, Any]) -> Step:
    """An endpoint that chats and knows nothing else."""
    known = {"model", "messages", "max_tokens", "stream", "tools", "system"}
    if unknown := set(body) - known:
        return Failure(400, f"unknown keys: {sorted(unknown)}")
    if "base64" in json.dumps(body):
        return Failure(400, "this model reads text only")
    return Answer([text("ready")])


async def _probed(desk: Open, script: Any) -> dict[str, bool]:
    async with desk(script) as here:
        found = await probe(cast("MessagesModel", here.model))
        spent = here.server.totals
    assert found.model == "reader-1"
    assert found.usage.model_calls == spent["answers"]
    assert found.usage.output_tokens == spent["output_tokens"]
    assert found.seconds > 0
    return {trial.capability: trial.works for trial in found.trials}


async def test_what_works_is_told_from_what_does_not(desk: Open) -> None:
    """Each capability is tried with a call of its own; a refusal means no."""
    works = await _probed(desk, able)
    assert {name for name, good in works.items() if good} >= {
        "streaming",
        "tools",
        "json_schema",
        "strict_tools",
        "caching",
        "count_tokens",
        "images",
        "documents",
        "thinking",
    }


async def test_an_endpoint_that_takes_everything_and_does_nothing_is_seen_through(
    desk: Open,
) -> None:
    """Taking a picture isn't seeing it, and taking tools isn't calling them."""
    works = await _probed(desk, plain)
    assert works["streaming"]
    for name in ("tools", "json_schema", "images", "documents", "thinking"):
        assert not works[name], name


async def test_the_capabilities_are_ready_for_docmill_yaml(desk: Open) -> None:
    """`tools` and `streaming` are no choice, so they aren't in it."""
    async with desk(plain) as here:
        found = await probe(cast("MessagesModel", here.model))
    assert not found.capabilities.images
    assert found.capabilities.count_tokens


async def test_a_refused_key_is_said_at_the_first_call(desk: Open) -> None:
    """Nothing more is tried."""
    async with desk([Failure(401)]) as here:
        with pytest.raises(PrerequisiteError):
            await probe(cast("MessagesModel", here.model))


def test_the_picture_and_the_pdf_are_real_ones() -> None:
    """Read back with the libraries that read documents."""
    pypdf = pytest.importorskip("pypdf")
    pdfium = pytest.importorskip("pypdfium2")
    import io

    assert pypdf.PdfReader(io.BytesIO(small_pdf("red"))).pages[0].extract_text().strip() == "red"
    document = pdfium.PdfDocument(small_pdf("red"))
    assert len(document) == 1
    document.close()
    assert red_picture().startswith(b"\x89PNG")
