"""Posts a notice to a webhook: signed, tried a few times, never for long. Follows no redirects.

The headers are those of Standard Webhooks, so receivers can check them by a library they have.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx2

from docmill.spec.notify import LOOPBACK

ATTEMPTS = 4
PAUSE_SECONDS = 1.0
"""Before the second attempt; doubles each time."""
LONGEST_PAUSE = 20.0
"""The most that is waited if the receiver asks for it by Retry-After."""
TIMEOUT_SECONDS = 10.0
PASSING = frozenset({408, 425, 429, *range(500, 600)})
"""Statuses after which it is tried again."""
PREFIX = "whsec_"
"""Begins a secret that is written in base64."""


@dataclass(frozen=True, slots=True)
class Post:
    """What is posted, and where."""

    address: str
    id: str
    """The same for all attempts at this notice, also those made days later."""
    body: bytes
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it."""

    done: bool
    attempts: int
    detail: str


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, as tests may have it."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


def send(post: Post, clock: Clock = Clock(), *, version: str = "") -> Answered:
    """Post it until it is taken, refused for good, or all attempts are used up."""
    detail = ""
    # A proxy of the environment is for other machines than this one.
    away = urlsplit(post.address).hostname not in LOOPBACK
    with httpx2.Client(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=away) as client:
        for attempt in range(1, ATTEMPTS + 1):
            pause = PAUSE_SECONDS * 2 ** (attempt - 1)
            try:
                answer = client.post(
                    post.address, content=post.body, headers=headers(post, clock.now(), version)
                )
            except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
                detail = type(error).__name__
            else:
                detail = f"status {answer.status_code}"
                if answer.is_success:
                    return Answered(True, attempt, detail)
                if answer.status_code not in PASSING:
                    return Answered(False, attempt, _explained(answer))
                pause = _asked_pause(answer, pause)
            if attempt < ATTEMPTS:
                clock.sleep(pause)
    return Answered(False, ATTEMPTS, detail)


def headers(post: Post, now: float, version: str) -> dict[str, str]:
    """Those of one attempt; the signature is about id, time and body."""
    stamp = str(int(now))
    found = {
        "Content-Type": "application/json",
        "User-Agent": f"docmill/{version}".rstrip("/"),
        "Idempotency-Key": post.id,
        "webhook-id": post.id,
        "webhook-timestamp": stamp,
    }
    if post.secret:
        found["webhook-signature"] = signature(post.secret, post.id, stamp, post.body)
    return found


def signature(secret: str, identity: str, stamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of `ID.TIME.BODY` in base64."""
    signed = f"{identity}.{stamp}.".encode() + body
    made = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(made).decode()}"


def _key(secret: str) -> bytes:
    if secret.startswith(PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _asked_pause(answer: httpx2.Response, pause: float) -> float:
    asked = answer.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isascii() and asked.isdecimal() else pause


def _explained(answer: httpx2.Response) -> str:
    if answer.is_redirect:
        return f"status {answer.status_code}: redirects aren't followed, write the new address"
    known = {status.value: status.phrase for status in HTTPStatus}
    phrase = known.get(answer.status_code, "")
    return f"status {answer.status_code} {phrase}".rstrip()
