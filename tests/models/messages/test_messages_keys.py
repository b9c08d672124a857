"""A key is sent to its endpoint and goes nowhere else."""

import logging
import traceback
from collections.abc import Callable

import pytest

from docmill.errors import DocmillError
from docmill.models.base import ModelRequest
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Endpoint
from docmill.testing import Answer, Cut, Failure, Reset, Step, text

from .conftest import KEY, Open, Raw

OK = Answer([text("fine")])


@pytest.mark.parametrize(
    "step",
    [
        OK,
        Reset(),
        Answer([text("some words")], cut=Cut("eof")),
        Failure(400, f"unexpected header Bearer {KEY}"),
        Failure(401, f"invalid key {KEY}"),
        Failure(404, f"no model for {KEY}"),
        Failure(429, f"{KEY} asks too often"),
        Failure(500, f"Traceback: authorization={KEY}"),
    ],
)
async def test_no_key_in_errors_logs_or_reprs(
    desk: Open,
    request_of: Callable[..., ModelRequest],
    caplog: pytest.LogCaptureFixture,
    step: Step,
) -> None:
    """Not even where the endpoint repeats it, and not at DEBUG."""
    caplog.set_level(logging.DEBUG)
    for name in ("anthropic", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    seen: list[str] = []
    async with desk([step]) as here:
        try:
            seen.append(repr(await here.model.respond(request_of())))
        except DocmillError as error:
            seen += [str(error), repr(error), repr(vars(error))]
            seen += traceback.format_exception(error)
        seen += [repr(here.model), repr(here.models), str(vars(here.models))]
    assert caplog.records
    seen += [record.getMessage() for record in caplog.records]
    seen += [caplog.text]
    assert not [words for words in seen if KEY in words]


async def test_an_endpoint_without_a_key_never_gets_somebody_elses(
    raw: Raw, request_of: Callable[..., ModelRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the SDK would find in the environment, a local server gets a placeholder."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.setenv("ANTHROPIC_AUTH_TOKEN", KEY)
    async with raw(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n") as base_url:
        endpoint = Endpoint(base_url=base_url)
        async with Models({"local": endpoint}, secrets={"ANTHROPIC_API_KEY": KEY}.get) as models:
            with pytest.raises(DocmillError):
                await models.open(ModelChoice(id="local/m")).respond(request_of())
        head = raw.heads[0]
    assert KEY not in head
    assert "authorization: bearer none-needed" in head.lower()
