"""`docmill approve`: tool calls that wait for a person, and what the person says."""

import json as text_of
from collections.abc import Sequence
from typing import NamedTuple

from docmill.batch.state import State, open_state
from docmill.cli.console import inert, put, put_json, talk
from docmill.cli.reading import number_of
from docmill.cli.tables import put_table
from docmill.cli.workspace import here
from docmill.errors import RunError
from docmill.report.display import count
from docmill.store.approvals import Decision, Question, Waiting
from docmill.store.runs import run_id


def list_waiting(*, json: bool) -> None:
    """Every tool call that waits, of all runs."""
    loaded, _ = here()
    with open_state(loaded) as state:
        found = state.approvals.waiting()
        dead = [run for run in {one.run for one in found} if not state.runs.is_live(run)]
    if json:
        put_json([one.model_dump(mode="json") | {"run": run_id(one.run)} for one in found])
        return
    _list(found)
    for run in sorted(dead):
        name = run_id(run)
        talk(f"{name} isn't at work; what you say counts when it goes on: docmill resume {name}")


class Say(NamedTuple):
    """What a person says, and to which of the calls that wait."""

    decision: Decision
    reason: str = ""
    """Why not."""
    call: str | None = None
    """Only to this one."""
    every: bool = False
    """To all of them."""


def approve(run: str, document: str | None, say: Say, *, json: bool) -> None:
    """Allow or deny what a run, or one document of it, waits for.

    Raises:
        RunNotFoundError: there is no such run.
        RunError: nothing waits, or several calls do and it isn't said which.
    """
    loaded, _ = here()
    with open_state(loaded) as state:
        number = number_of(state, run)
        chosen = _chosen(state, number, document, say)
        reason = _sentence(say.reason)
        decided = [
            one
            for one in chosen
            if state.approvals.decide(one.session, one.call, say.decision, reason=reason)
        ]
    if json:
        put_json(
            [{"call": one.call, "document": one.document, "tool": one.tool} for one in decided]
        )
        return
    for one in decided:
        put(
            f"{'allowed' if say.decision == 'allow' else 'denied'}: {inert(one.name)} {_shown(one)}"
        )
    if len(decided) < len(chosen):
        talk(f"{count(len(chosen) - len(decided), 'call')} had been decided on before.")


def question_text(question: Question) -> str:
    """A call as it is put to a person, whole: which tool, and with what."""
    server = f"{question.server}: " if question.server else ""
    given = ", ".join(
        f"{key}={text_of.dumps(value, ensure_ascii=False)}" for key, value in question.input.items()
    )
    return f"{server}{question.tool}({given})"


def _chosen(state: State, number: int, document: str | None, say: Say) -> list[Waiting]:
    waiting = state.approvals.waiting(run=number)
    if document is not None:
        waiting = [one for one in waiting if document in (one.document, one.name)]
    if say.call is not None:
        waiting = [one for one in waiting if one.call == say.call]
    if not waiting:
        raise RunError(
            f"{run_id(number)} waits for nobody{f' with {document}' if document else ''}.",
            remedy="See what waits: docmill approve",
        )
    if len(waiting) > 1 and not say.every:
        _list(waiting)
        raise RunError(
            f"{count(len(waiting), 'call')} wait; nothing was decided.",
            remedy="Name one with --call, or decide on all of them: --all",
        )
    return waiting


def _list(found: Sequence[Waiting]) -> None:
    if not found:
        talk("Nothing waits for a person.")
        return
    put_table(
        ["document", "run", "call", "denied at (UTC)", "asks to call"],
        [
            [one.name, run_id(one.run), one.call, f"{one.until:%H:%M:%S}", _shown(one)]
            for one in found
        ],
    )
    first = found[0]
    command = f"docmill approve {run_id(first.run)} {first.document}"
    talk(f"\nAllow: {command} --call {first.call}    Refuse: add --deny --reason TEXT")


def _shown(question: Question) -> str:
    return inert(question_text(question))


def _sentence(given: str) -> str:
    """A reason as the model is told it."""
    said = given.strip()
    return said if not said or said[-1] in ".!?" else f"{said}."
