"""The codes of errors are stable: every one is documented, and nothing else is."""

import re
from pathlib import Path

import docmill.output

SOURCE = Path(docmill.output.__file__).parent
WITNESS = SOURCE.parent / "session" / "witness.py"
"""Looks at the page again, where `output` can't."""
PAGE = Path(__file__).parents[2] / "docs" / "records.md"
RAISED = re.compile(
    r'(?:Refused\(|ClaimError\(|code=|"code": |>= 2 else |\.error\(\s*[^,"]*,\s*)'
    r'"([a-z]+_?[a-z_]*)"',
    re.DOTALL,
)


def test_every_code_is_documented_and_used() -> None:
    """`docs/records.md` lists the codes of the source, no more and no less."""
    used = {
        code
        for file in (*SOURCE.glob("*.py"), WITNESS)
        for code in RAISED.findall(file.read_text("utf-8"))
    }
    section = PAGE.read_text("utf-8").partition("## Codes")[2]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    documented = {code for row in rows for code in re.findall(r"`([a-z_]+)`", row)}
    assert documented == used
