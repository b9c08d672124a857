"""A notice in words, for mail and chat: a subject and a body of plain text."""

from docmill.notify.payload import NamedDocument, Reason, RunNotice
from docmill.report.display import count, duration_text, usd_text, visible

SHOWN = 20
"""Documents that are listed; a chat cuts longer messages."""


def subject(notice: RunNotice) -> str:
    """One line: what happened to which run."""
    gravest = next(
        (each for each in ("cancelled", "failed", "limit", "flagged") if each in notice.events),
        "finished",
    )
    words = {"limit": "met a limit", "flagged": "needs a look"}
    return f"docmill: {notice.pipeline} {notice.run} {words.get(gravest, gravest)}"


def body(notice: RunNotice) -> str:
    """What is told, a line each."""
    lines = [notice.headline]
    counts = [f"{number:,} {status}" for status, number in notice.documents.items() if number]
    lines.append(f"Documents: {', '.join(counts) or 'none'}")
    cost = usd_text(notice.cost.usd, notice.cost.unpriced_calls)
    took = f", {duration_text(notice.seconds)}" if notice.seconds is not None else ""
    lines.append(f"Cost: {cost}, {count(notice.cost.model_calls, 'model call')}{took}")
    if notice.attention:
        lines += ["", "Needs a look:", *map(_line, notice.attention[:SHOWN])]
        more = len(notice.attention) + notice.more_documents - SHOWN
        if more > 0:
            lines.append(f"and {count(more, 'more document')}")
    lines.append("")
    if notice.report.folder:
        lines.append(f"Report: {notice.report.folder}")
    for each in notice.results:
        lines += [f"Results: {place}" for place in each.places]
        if each.state == "failed":
            lines.append(f"Results were not handed over to {each.target}: {each.detail}")
    if notice.prefect_url:
        lines.append(f"Prefect: {notice.prefect_url}")
    return "\n".join(lines).strip()


def _line(document: NamedDocument) -> str:
    reasons = ", ".join(map(_words, document.reasons))
    more = f" and {document.more_reasons} more" if document.more_reasons else ""
    tail = f": {reasons}{more}" if reasons else ""
    return f"- {visible(document.name)} ({document.status}){tail}"


def _words(reason: Reason) -> str:
    subject = reason.field or reason.code
    words = f"{subject} {reason.kind.replace('_', ' ')}".strip()
    return f"{words} ({visible(reason.text)})" if reason.text else words
