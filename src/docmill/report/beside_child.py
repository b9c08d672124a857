"""The program of `beside`: writes one report.xlsx from a report.json, whose paths it is told."""

import sys
from pathlib import Path

from docmill.report.schema import JsonRun
from docmill.report.xlsx import write_xlsx


def main() -> None:
    """Wait for the two paths, a line each; without them there is nothing to do."""
    source, target = sys.stdin.readline().rstrip("\n"), sys.stdin.readline().rstrip("\n")
    if target:
        run = JsonRun(Path(source))
        write_xlsx(run, title=run.title, summary=run.summary, path=Path(target))


if __name__ == "__main__":
    main()
