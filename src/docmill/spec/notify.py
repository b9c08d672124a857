"""Who is told of a run's end, and by which way; `notify` (the package) tells them.

Addresses and secrets are the operator's own: whoever writes a pipeline decides who hears of it.
"""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from docmill.base import Frozen
from docmill.spec.vault import SecretSource

Outcome = Literal["finished", "flagged", "failed", "limit", "cancelled"]
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Notice(Frozen):
    """Somebody who is told, by one of `webhook` and `block`."""

    on: Annotated[tuple[Outcome, ...], Field(min_length=1)] = ("flagged", "failed", "limit")
    """Which ends of a run they hear of; `failed` also if single documents failed."""
    webhook: str | None = None
    """Address that gets the notice as JSON, by POST."""
    secret: SecretSource | None = None
    """What notices to the webhook are signed with."""
    plain_http: bool = False
    """Whether the webhook may be `http://` on another machine."""
    block: Annotated[str, Field(pattern=r"^[a-z0-9-]+/[a-z0-9-]+$")] | None = None
    """Block of Prefect that sends messages, as `TYPE/NAME`: `slack-webhook/quality`."""
    to: tuple[str, ...] = ()
    """Addresses of e-mail, for a block of type `email-server-credentials`."""
    details: bool = False
    """Whether the notice quotes what was found; else it names documents and fields only."""

    @field_validator("on", "to", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _consistent(self) -> "Notice":
        if (self.webhook is None) == (self.block is None):
            raise ValueError("give one of `webhook` and `block`")
        if self.webhook is not None:
            self._check_webhook(self.webhook)
        elif self.secret is not None:
            raise ValueError("`secret` signs what goes to a webhook; a block keeps its own")
        if self.to and not (self.block or "").startswith("email-server-credentials/"):
            raise ValueError("`to` is for a block of type `email-server-credentials`")
        if self.secret is not None and len(self.secret.sources) != 1:
            raise ValueError("`secret` needs one source: env, file, keyring or prefect_secret")
        return self

    def _check_webhook(self, address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("`webhook` is an address such as https://hooks.example/docmill")
        if parts.username is not None or parts.password is not None:
            raise ValueError("a webhook's address must hold no password; sign with `secret`")
        if parts.scheme == "http" and parts.hostname not in LOOPBACK and not self.plain_http:
            raise ValueError("use https://, or say `plain_http: true`")

    @property
    def target(self) -> str:
        """Who it is, for people: without the part of an address that may be a key."""
        if self.block is not None:
            return " ".join((f"block {self.block}", *self.to))
        return f"webhook {(self.webhook or '').partition('?')[0]}"
