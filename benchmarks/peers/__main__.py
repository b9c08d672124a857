"""docmill beside a bare loop, DocETL, inspect_ai and pydantic-ai: the same documents and answers.

Usage: `python -m benchmarks.peers [--documents N] [--repeat N] [--only NAME]`. Every run has a
scripted Messages API server of its own, 200 ms away; rows take turns, figures are medians. The
peers get the documents' text in the prompt and hand in plain values: only docmill parses the files
(in sandboxes), proves each value on its page, judges it, keeps a journal and writes a report.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.peers.batch import Batch, prepare_batch
from benchmarks.peers.installing import PEERS, SkippedError, install
from benchmarks.peers.rows import (
    DocmillRow,
    FailedError,
    Figures,
    Row,
    ScriptRow,
    run_row,
    stop_server,
)
from benchmarks.peers.table import (
    COLUMNS,
    Bar,
    Middle,
    line,
    many_turns_bars,
    middle,
    one_call_bars,
    parts,
    show_bars,
)

TURNS = 4
NOTE = """\
window: seconds from the first request to the last response, at the server. CPU s and MiB (PSS):
the runner from its start to its end, then all processes; for docmill its sandboxes and Prefect's
warm server too. ms/doc: CPU of the runner, start and end included.
The peers get plain text in the prompt: they parse no files, prove nothing and keep no journal."""


def main() -> int:
    """Print the tables; ends with 1 if docmill's row could not be made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each row")
    parser.add_argument("--only", default="", help="of the peers, those whose name has this in it")
    parser.add_argument("--turns", type=int, choices=(1, TURNS), help="only this table")
    given = parser.parse_args()
    bare, docmill = bare_row(), DocmillRow()
    tables: dict[int, list[Row]] = {
        1: [bare, bare_row(stream=True), *peer_rows(given.only), docmill],
        TURNS: [bare, docmill],
    }
    complete = True
    with tempfile.TemporaryDirectory(prefix="docmill-peers-") as folder:
        batch = prepare_batch(Path(folder) / "workspace", given.documents)
        try:
            for turns, rows in tables.items():
                if given.turns in (None, turns):
                    print(f"{given.documents} documents, calls each: {turns}, at once: 20")
                    found = run_table(rows, batch, turns=turns, repeat=given.repeat)
                    complete = complete and docmill.label in found
                    show_bars(bars(found, bare, docmill, turns=turns, batch=batch))
        finally:
            stop_server(batch)
    print(NOTE)
    return 0 if complete else 1


def bare_row(*, stream: bool = False) -> ScriptRow:
    """The bare loop, in docmill's own environment."""
    label = "bare loop, streamed" if stream else "bare loop"
    return ScriptRow(label, "bare_loop.py", python=Path(sys.executable), stream=stream)


def peer_rows(only: str) -> list[Row]:
    """The peers that can be installed; the others are named with the reason."""
    rows: list[Row] = []
    for peer in PEERS:
        if only.lower() not in peer.label.lower():
            continue
        try:
            rows.append(ScriptRow.of_peer(peer, install(peer)))
        except SkippedError as reason:
            print(f"{peer.label}: skipped, {reason}")
    return rows


def run_table(rows: Sequence[Row], batch: Batch, *, turns: int, repeat: int) -> dict[str, Middle]:
    """Run the rows in turn, print them; those that failed are named and left out."""
    runs: dict[str, list[Figures]] = {row.label: [] for row in rows}
    for _ in range(repeat):
        for row in rows:
            with tempfile.TemporaryDirectory(prefix="docmill-peer-") as folder:
                try:
                    figures = run_row(row, batch, turns=turns, folder=Path(folder))
                except FailedError as reason:
                    print(f"{row.label}: left out, {reason}", flush=True)
                    continue
                runs[row.label].append(figures)
    found = {label: middle(figures) for label, figures in runs.items() if figures}
    print(f"{'':<24}{COLUMNS}")
    if rows[0].label not in found:
        raise SystemExit("Without the bare loop there is nothing to compare with.")
    bare = found[rows[0].label]
    for label, row in found.items():
        print(line(label, row, bare, documents=len(batch.texts)), flush=True)
    return found


def bars(
    found: dict[str, Middle], bare: Row, docmill: Row, *, turns: int, batch: Batch
) -> list[Bar]:
    """The bars of a table; none if docmill's row is missing."""
    if docmill.label not in found:
        return []
    row, base = found[docmill.label], found[bare.label]
    print(parts(row))
    if turns == 1:
        return one_call_bars(row, base, documents=len(batch.texts))
    return many_turns_bars(row, base)


if __name__ == "__main__":
    sys.exit(main())
