"""Credentials as the broker holds them: put into requests, taken out of responses.

`vault` finds their secrets. Neither a representation nor an error of this module shows one.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus

from docmill.egress.hosts import Authority, HostRule

SHORTEST = 8
"""Characters; a shorter secret couldn't be told from ordinary words in a response."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret, and the only hosts it may go to."""

    name: str
    secret: str = field(repr=False)
    hosts: tuple[HostRule, ...]
    header: str = "Authorization"
    prefix: str = ""
    plain: bool = False
    """Whether it goes over HTTP without TLS: where the machine's owner has an index like that."""
    reads_only: bool = False
    """Whether requests that change something are refused instead of getting it."""

    def is_for(self, authority: Authority) -> bool:
        """Whether requests to this host and port get the secret."""
        return any(
            rule.matches(authority.host) and authority.port in rule.ports for rule in self.hosts
        )

    @property
    def home(self) -> Authority | None:
        """Where `NAME.egress` leads: the first host that is no wildcard."""
        return next(
            (Authority(rule.host, rule.ports[0]) for rule in self.hosts if not rule.wildcard), None
        )

    @property
    def value(self) -> str:
        """The header's value; a secret."""
        return self.prefix + self.secret


class Redactor:
    """Blots secrets out of a stream, whatever pieces it comes in; its length stays the same.

    It knows a secret as it is, in base64, hexadecimal, percent-encoded and as JSON has it. A server
    that disguises it otherwise isn't seen through.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, longest_first)) or b"(?!)")
        self._kept_back = max(map(len, forms), default=1) - 1
        self._held = b""
        self.found = False

    def feed(self, data: bytes) -> bytes:
        """What of the stream can go on now."""
        clean = self.clean(self._held + data)
        cut = max(0, len(clean) - self._kept_back)
        self._held = clean[cut:]
        return clean[:cut]

    def end(self) -> bytes:
        """The rest of the stream."""
        rest, self._held = self._held, b""
        return rest

    def clean(self, data: bytes) -> bytes:
        """A text that is complete."""
        clean = self._pattern.sub(_blot, data)
        self.found = self.found or clean != data
        return clean


def _blot(found: re.Match[bytes]) -> bytes:
    return b"*" * len(found[0])


def _forms(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield quote(secret, safe="").encode()
    yield quote_plus(secret).encode()
    yield json.dumps(secret)[1:-1].encode()
    for shift in range(3):  # a group of base64 may begin before the secret does
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # the characters that don't depend on what stands before and after
            start, end = -(-shift * 8 // 6), (shift + len(raw)) * 8 // 6
            yield encode(bytes(shift) + raw + b"\0\0")[start:end]
