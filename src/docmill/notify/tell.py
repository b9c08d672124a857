"""Tells everybody a pipeline names, and says what came of each; nothing here changes the run.

`webhook` posts; messages by blocks go to Prefect's client in one errand (`flow.errands`).
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from docmill.egress.vault import Lookup, find_secret
from docmill.errors import PrerequisiteError
from docmill.flow.address import ServerAddress
from docmill.flow.errands import BlockMessage, Reply, SendMessages, run_errand
from docmill.notify.message import body, subject
from docmill.notify.payload import RunNotice
from docmill.records.deliveries import Delivery, run_key
from docmill.records.results import RunInfo
from docmill.spec.notify import Notice, Outcome

if TYPE_CHECKING:
    from docmill.notify.webhook import Clock


@dataclass(frozen=True, slots=True)
class Keys:
    """What notices are signed with, by their place in the pipeline."""

    by_position: Mapping[int, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice that is to be sent."""

    delivery: Delivery
    notice: Notice


def open_keys(
    notices: Sequence[Notice],
    *,
    secrets: Callable[[str], str | None],
    root: Path,
    blocks: Lookup,
) -> Keys:
    """Find what notices are signed with; arguments as in `egress.vault.open_vault`.

    Raises:
        PrerequisiteError: a secret is missing.
    """
    return Keys(
        {
            position: find_secret(
                f"notify[{position}].secret",
                notice.secret,
                secrets=secrets,
                root=root,
                blocks=blocks,
            )
            for position, notice in enumerate(notices)
            if notice.secret is not None
        }
    )


def owed(notices: Sequence[Notice], events: Sequence[Outcome]) -> list[Told]:
    """Who hears of a run that ended so."""
    return [
        Told(Delivery(kind="notice", position=position, target=notice.target), notice)
        for position, notice in enumerate(notices)
        if set(notice.on) & set(events)
    ]


class Teller:
    """Sends the notices of one run."""

    def __init__(
        self,
        info: RunInfo,
        make: Callable[[bool], RunNotice],
        keys: Keys,
        *,
        server: Callable[[], ServerAddress],
        clock: "Clock | None" = None,
    ) -> None:
        """`make` gives what is told, with or without details; `server` is asked for blocks only."""
        self._info = info
        self._make = make
        self._keys = keys
        self._server = server
        self._clock = clock

    def tell(self, told: Sequence[Told]) -> Iterator[Delivery]:
        """Send them all; each as it is settled, those by blocks last."""
        for each in told:
            if each.notice.webhook is not None:
                yield self._post(each)
        blocks = [each for each in told if each.notice.block is not None]
        if blocks:
            yield from self._errand(blocks)

    def _post(self, told: Told) -> Delivery:
        # An HTTP client takes a while to import, and most pipelines have no webhook.
        from docmill.notify.webhook import Clock, Post, send  # noqa: PLC0415

        delivery, notice = told.delivery, told.notice
        answered = send(
            Post(
                address=notice.webhook or "",
                id=notice_id(self._info, delivery),
                body=self._make(notice.details).model_dump_json().encode(),
                secret=self._keys.by_position.get(delivery.position, ""),
            ),
            self._clock or Clock(),
            version=version("docmill"),
        )
        state = "done" if answered.done else "failed"
        return _tried(delivery, state, answered.detail, attempts=answered.attempts)

    def _errand(self, told: Sequence[Told]) -> Iterator[Delivery]:
        messages = tuple(self._message(each.notice) for each in told)
        try:
            replies = run_errand(self._server(), SendMessages(messages))
        except PrerequisiteError as error:
            replies = (Reply("refused", error.message),) * len(told)
        for each, reply in zip(told, replies, strict=True):
            state = "done" if reply.kind == "found" else "failed"
            yield _tried(each.delivery, state, _explained(each.notice, reply), attempts=1)

    def _message(self, notice: Notice) -> BlockMessage:
        made = self._make(notice.details)
        return BlockMessage(notice.block or "", subject(made), body(made), notice.to)


def notice_id(info: RunInfo, delivery: Delivery) -> str:
    """The same whenever this end of the run is told to the same place."""
    ended = info.ended.isoformat() if info.ended else ""
    named = f"{run_key(info)} {ended} {delivery.position} {delivery.target}"
    return f"ntc_{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def _tried(delivery: Delivery, state: str, detail: str, *, attempts: int) -> Delivery:
    changes = {"state": state, "detail": detail, "attempts": attempts, "at": datetime.now(UTC)}
    return delivery.model_copy(update=changes)


def _explained(notice: Notice, reply: Reply) -> str:
    kind = (notice.block or "").partition("/")[0]
    match reply.kind:
        case "found":
            return "sent"
        case "missing":
            return f"Prefect has no such block: prefect block create {kind}"
        case "other_type":
            return f"a block of type {reply.detail} sends no messages"
        case _:
            return reply.detail or reply.kind
