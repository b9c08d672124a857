"""Waits for a person to allow or deny tool calls; the answer comes through the store.

`follow` calls it where an agent stands idle. Waiting costs no model call, and isn't working time.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from docmill.events import McpToolUse, StatusIdle, ToolConfirmation, ToolUse
from docmill.session.journal import Journal
from docmill.session.slots import Slots
from docmill.store.approvals import Approvals, Decided, Question

Call = ToolUse | McpToolUse

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 2.0
"""Seconds between looks at the store, longer each time: hundreds of sessions may wait for hours."""
NOBODY = "Nobody answered within {minutes:g} minutes."


@dataclass(frozen=True, slots=True)
class Consent:
    """How the sessions of a run ask."""

    approvals: Approvals
    minutes: float
    """How long they wait before a call is denied."""
    tell: Callable[[str, Sequence[Question]], None] = lambda document, questions: None
    """Called with the document's id when it begins to wait, and with nothing once it goes on."""
    waiting: Callable[[], AbstractContextManager[None]] = nullcontext
    """Held while a session waits: message batches aren't held up for it."""
    slots: Slots | None = None
    """Whose slot a session gives back while it waits; None: nobody counts."""


class Asker:
    """Asks on behalf of one session."""

    def __init__(self, consent: Consent, journal: Journal, *, run: int) -> None:
        self._consent = consent
        self._journal = journal
        self._run = run

    async def decisions(
        self, idle: StatusIdle, calls: Mapping[str, Call]
    ) -> AsyncIterator[ToolConfirmation]:
        """What is decided on each call that the agent waits for, in the order it comes.

        `calls`: those of the session so far, by `tool_use_id`.
        """
        consent = self._consent
        clock = asyncio.get_running_loop().time
        until = clock() + consent.minutes * 60
        questions = [self._question(calls[name]) for name in idle.event_ids]
        for question in questions:
            consent.approvals.ask(question, minutes=consent.minutes)
        slot = consent.slots and consent.slots.of(self._journal.document)
        asked, pause = False, FIRST_PAUSE
        with consent.waiting():
            while questions:
                for question in list(questions):
                    decided = self._look(question, over=clock() >= until)
                    if decided is not None:
                        questions.remove(question)
                        yield _confirmation(question, decided)
                if questions and not asked:
                    asked = True
                    if slot:
                        slot.leave()
                    consent.tell(self._journal.document, tuple(questions))
                if questions:
                    await asyncio.sleep(pause)
                    pause = min(pause * 1.1, LONGEST_PAUSE)
        if asked:
            if slot:
                await slot.take()
            consent.tell(self._journal.document, ())

    def _look(self, question: Question, *, over: bool) -> Decided | None:
        approvals = self._consent.approvals
        decided = approvals.decided(question.session, question.call)
        if decided is None and over:
            reason = NOBODY.format(minutes=self._consent.minutes)
            approvals.decide(question.session, question.call, "deny", reason=reason)
            decided = approvals.decided(question.session, question.call)
        return decided

    def _question(self, call: Call) -> Question:
        return Question(
            session=self._journal.session,
            call=call.tool_use_id,
            run=self._run,
            document=self._journal.document,
            server=call.mcp_server_name if isinstance(call, McpToolUse) else "",
            tool=call.name,
            input=call.input,
        )


def _confirmation(question: Question, decided: Decided) -> ToolConfirmation:
    return ToolConfirmation(
        tool_use_id=question.call, result=decided.decision, deny_message=decided.reason
    )
