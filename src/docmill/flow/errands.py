"""Small things asked of Prefect besides a run: its blocks. From the outside; imports no prefect.

Each is done by a short-lived process of its own (`errands_child`). What goes there and comes back
goes through pipes: a secret is in no argument, environment, file or log.
"""

import os
import pickle
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from docmill.children import ChildProcess
from docmill.errors import PrerequisiteError
from docmill.flow.address import ServerAddress
from docmill.flow.prefect_process import environment
from docmill.flow.server import healthy

SECONDS = 180
"""How long Prefect may take for an errand; importing it alone takes two on a calm machine."""
HEALTH_SECONDS = 10


@dataclass(frozen=True, slots=True)
class ReadSecrets:
    """Read Secret blocks."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeepSecret:
    """Write a Secret block, over one of the same name."""

    name: str
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SendMessages:
    """Send messages by blocks that notify."""

    messages: tuple["BlockMessage", ...]


@dataclass(frozen=True, slots=True)
class BlockMessage:
    """One message, and the block that takes it to somebody."""

    block: str
    """`TYPE/NAME`, such as `slack-webhook/quality`."""
    subject: str
    body: str
    to: tuple[str, ...] = ()
    """Addresses, for a block that holds a mail server's credentials."""


Errand = ReadSecrets | KeepSecret | SendMessages
Kind = Literal["found", "missing", "other_type", "no_text", "hidden", "refused", "failed"]


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one part of an errand; no representation shows a secret."""

    kind: Kind
    detail: str = ""
    """For people, where it went wrong; never a secret."""
    secret: str = field(default="", repr=False)


def run_errand(address: ServerAddress, errand: Errand) -> tuple[Reply, ...]:
    """One reply for each part, in order.

    Raises:
        PrerequisiteError: the server doesn't answer, or Prefect's process died.
    """
    if not healthy(address, timeout=HEALTH_SECONDS):
        raise PrerequisiteError(
            f"Prefect's server at {address.api_url} does not answer.",
            remedy="Look: docmill prefect status",
        )
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "docmill.flow.errands_child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(os.environ),
        start_new_session=True,
    )
    with ChildProcess(process):
        try:
            said, _ = process.communicate(pickle.dumps((address, errand)), timeout=SECONDS)
        except subprocess.TimeoutExpired:
            said = b""
    if not said:
        raise PrerequisiteError(
            f"Prefect's client gave no answer about its server at {address.api_url}.",
            remedy="Look: docmill prefect status",
        )
    replies: tuple[Reply, ...] = pickle.loads(said)  # noqa: S301 - from ourselves
    return replies


def read_secrets(address: ServerAddress, names: Sequence[str]) -> dict[str, str]:
    """The texts in Secret blocks, by the blocks' names.

    Raises:
        PrerequisiteError: the server is away, or one of them can't be had; says how to mend it.
    """
    wanted = tuple(dict.fromkeys(names))
    replies = run_errand(address, ReadSecrets(wanted))
    for name, reply in zip(wanted, replies, strict=True):
        if reply.kind != "found":
            raise refusal(address, name, reply)
    return {name: reply.secret for name, reply in zip(wanted, replies, strict=True)}


def keep_secret(address: ServerAddress, name: str, secret: str) -> None:
    """Write a Secret block.

    Raises:
        PrerequisiteError: the server is away or doesn't take it.
    """
    (reply,) = run_errand(address, KeepSecret(name, secret))
    if reply.kind != "found":
        raise refusal(address, name, reply)


def refusal(address: ServerAddress, name: str, reply: Reply) -> PrerequisiteError:
    """What a reply that brings no secret means, and how to mend it."""
    block = f"Secret block `{name}`"
    remedy = (
        f"Write it: docmill prefect secret {name}\nIn Prefect's UI: prefect block create secret"
    )
    match reply.kind:
        case "missing":
            message = f"Prefect has no {block} at {address.api_url}."
        case "other_type":
            message = f"Prefect has no {block}: the block of this name is a {reply.detail}."
        case "no_text":
            message = f"The {block} of Prefect holds {reply.detail}, not a text."
        case "hidden":
            message = f"Prefect shows the {block} as asterisks: this login may not read secrets."
            remedy = "Use a login that may: PREFECT_API_KEY"
        case _:
            message = f"Prefect's server at {address.api_url} refused: {reply.detail}."
            remedy = "Look: docmill prefect status"
    return PrerequisiteError(message, remedy=remedy)
