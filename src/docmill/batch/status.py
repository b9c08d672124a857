"""How a document ended, computed from its findings and verdicts; never set by hand."""

from collections.abc import Sequence

from docmill.records.checked import CheckedRecord
from docmill.records.flags import Flag
from docmill.records.results import DocumentStatus, Verdict


def status_of(
    record: CheckedRecord | None, verdicts: Sequence[Verdict], flags: Sequence[Flag] = ()
) -> DocumentStatus:
    """`invalid` without a record, `flagged` where a person has to look, else `ok`.

    A person has to look where a value is unverified or ambiguous, a required one is missing, a
    check that isn't merely informative says anything but `pass`, or the document is hostile.
    """
    if record is None:
        return "invalid"
    for value in record.values:
        if value.status in ("unverified", "ambiguous"):
            return "flagged"
        if value.status == "missing" and value.required:
            return "flagged"
    if any(entry.verdict != "pass" and not entry.informative for entry in verdicts):
        return "flagged"
    if any(flag.severity == "warning" for flag in flags):
        return "flagged"
    return "ok"
