"""Webhooks over the wire: signed, tried again when that can help, and never for ever."""

import base64
import hashlib
import hmac

import pytest
from tests.notify.hooks import receiver

from docmill.notify.webhook import ATTEMPTS, LONGEST_PAUSE, Answered, Clock, Post, send, signature


class Waiting:
    """A clock that doesn't wait, and remembers for how long it should have."""

    def __init__(self) -> None:
        self.pauses: list[float] = []
        self.clock = Clock(now=lambda: 1_795_000_000.7, sleep=self.pauses.append)


def test_a_notice_is_posted_once_and_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The receiver can check who it is from, and when; an id tells it apart from others."""
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    with receiver() as hook:
        post = Post(
            hook.address, "ntc_1", b'{"a":1}', secret="whsec_" + base64.b64encode(b"key").decode()
        )
        answered = send(post, Waiting().clock, version="1.2")
    assert answered == Answered(done=True, attempts=1, detail="status 204")
    ((headers, body),) = hook.got
    assert body == b'{"a":1}'
    assert headers["Content-Type"] == "application/json"
    assert (headers["webhook-id"], headers["Idempotency-Key"]) == ("ntc_1", "ntc_1")
    assert headers["webhook-timestamp"] == "1795000000"
    made = hmac.new(b"key", b'ntc_1.1795000000.{"a":1}', hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(made).decode()}"
    assert headers["User-Agent"] == "docmill/1.2"
    assert "webhook-signature" not in repr(post)
    assert "whsec_" not in repr(post)


def test_a_secret_that_is_no_base64_is_taken_as_it_is() -> None:
    """Also one that only begins like one that is."""
    plain = signature("whsec_not base64", "i", "1", b"x")
    made = hmac.new(b"whsec_not base64", b"i.1.x", hashlib.sha256).digest()
    assert plain == f"v1,{base64.b64encode(made).decode()}"


def test_what_passes_is_tried_again_under_the_same_id() -> None:
    """Pauses double; a receiver that asks for one gets it, within limits."""
    waiting = Waiting()
    with receiver(
        (503, {}), (429, {"Retry-After": "7"}), (500, {"Retry-After": "9999"}), (200, {})
    ) as hook:
        answered = send(Post(hook.address, "ntc_1", b"{}"), waiting.clock)
    assert answered == Answered(done=True, attempts=4, detail="status 200")
    assert waiting.pauses == [1, 7, LONGEST_PAUSE]
    assert {headers["webhook-id"] for headers, _ in hook.got} == {"ntc_1"}


@pytest.mark.parametrize(
    ("status", "headers", "detail"),
    [
        (404, {}, "status 404 Not Found"),
        (410, {}, "status 410 Gone"),
        (302, {"Location": "http://127.0.0.1:9/"}, "redirects aren't followed"),
    ],
)
def test_what_does_not_pass_is_tried_once(
    status: int, headers: dict[str, str], detail: str
) -> None:
    """And says what came back; nobody is led elsewhere with the notice."""
    with receiver((status, headers)) as hook:
        answered = send(Post(hook.address, "ntc_1", b"{}"), Waiting().clock)
    assert (answered.done, answered.attempts, len(hook.got)) == (False, 1, 1)
    assert detail in answered.detail


def test_a_receiver_that_is_away_is_given_up() -> None:
    """After the last attempt nothing is waited for."""
    waiting = Waiting()
    with receiver() as hook:
        gone = hook.address
    answered = send(Post(gone, "ntc_1", b"{}"), waiting.clock)
    assert (answered.done, answered.attempts, answered.detail) == (False, ATTEMPTS, "ConnectError")
    assert waiting.pauses == [1, 2, 4]
