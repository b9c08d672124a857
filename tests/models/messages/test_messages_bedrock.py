"""Claude on Bedrock is the same model behind another door: signed calls, binary events."""

import base64
import binascii
import json
import struct
from collections.abc import Callable
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, ModelRequest
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Endpoint
from docmill.testing import text

from .conftest import KEY, Raw

EVENTS: list[dict[str, Any]] = [
    {"type": "message_start", "message": {"id": "m", "model": "c", "usage": {"input_tokens": 5}}},
    {"type": "content_block_start", "index": 0, "content_block": text("")},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi"}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
    {"type": "message_stop"},
]
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"


def frame(payload: bytes, **headers: str) -> bytes:
    """A message of the event stream."""
    head = b"".join(
        struct.pack("B", len(name) + 1)
        + f":{name.replace('_', '-')}".encode()
        + struct.pack(">BH", 7, len(value))
        + value.encode()
        for name, value in headers.items()
    )
    prelude = struct.pack(">II", len(head) + len(payload) + 16, len(head))
    body = prelude + struct.pack(">I", binascii.crc32(prelude)) + head + payload
    return body + struct.pack(">I", binascii.crc32(body))


def chunk(event: dict[str, Any]) -> bytes:
    """An event as Bedrock wraps it."""
    data = base64.b64encode(json.dumps(event).encode()).decode()
    return frame(
        json.dumps({"bytes": data}).encode(),
        event_type="chunk",
        content_type="application/json",
        message_type="event",
    )


def bedrock(base_url: str | None) -> dict[str, Endpoint]:
    """An endpoint at this address."""
    return {
        "aws": Endpoint(
            service="bedrock", base_url=base_url, region="eu-central-1", api_key_env="AWS_KEY"
        )
    }


async def test_an_answer_comes_over_bedrocks_event_stream(
    raw: Raw, request_of: Callable[..., ModelRequest]
) -> None:
    """The model stands in the path, the key in the header."""
    async with (
        raw(HEAD + b"".join(map(chunk, EVENTS))) as base_url,
        Models(bedrock(base_url), secrets={"AWS_KEY": KEY}.get) as models,
    ):
        model = models.open(ModelChoice(id="aws/eu.anthropic.claude-x-v1:0"))
        response = await model.respond(request_of())
    assert response.content == (text("Hi"),)
    assert (response.usage.input_tokens, response.usage.output_tokens) == (5, 2)
    assert raw.heads[0].startswith("POST /model/eu.anthropic.claude-x-v1:0/invoke-with-response")
    assert f"authorization: bearer {KEY}" in raw.heads[0].lower()


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("throttlingException", "model_rate_limited"),
        ("serviceUnavailableException", "model_server_error"),
        ("validationException", "model_request_invalid"),
    ],
)
async def test_exceptions_in_the_stream_have_our_codes(
    raw: Raw, request_of: Callable[..., ModelRequest], kind: str, code: str
) -> None:
    """Bedrock has names of its own for the same failures."""
    failure = frame(
        b'{"message": "no"}',
        exception_type=kind,
        content_type="application/json",
        message_type="exception",
    )
    async with (
        raw(HEAD + chunk(EVENTS[0]) + failure) as base_url,
        Models(bedrock(base_url), secrets={"AWS_KEY": KEY}.get) as models,
    ):
        with pytest.raises(AttemptError) as caught:
            await models.open(ModelChoice(id="aws/m")).respond(request_of())
    assert caught.value.code == code


async def test_a_missing_login_stops_the_run(
    raw: Raw,
    request_of: Callable[..., ModelRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where neither a key nor a login of the machine can be found."""
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    endpoint = Endpoint(service="bedrock", base_url="http://127.0.0.1:9", region="eu-central-1")
    async with Models({"aws": endpoint}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            await models.open(ModelChoice(id="aws/m")).respond(request_of())
    assert "aws sso login" in caught.value.remedy
    assert raw.heads == []


async def test_a_missing_region_is_said_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With the key of docmill.yaml to write it to."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    async with Models({"aws": Endpoint(service="bedrock")}) as models:
        with pytest.raises(PrerequisiteError) as caught:
            models.open(ModelChoice(id="aws/m"))
    assert "`region` of endpoints.aws" in caught.value.remedy
