"""YAML syntax errors of ruamel.yaml in plain words; used by `yamlfile` only."""

from typing import Any, NamedTuple

from ruamel.yaml.error import MarkedYAMLError


class SyntaxFinding(NamedTuple):
    """Where the syntax breaks and what to do; line and column count from 1."""

    line: int
    column: int
    message: str
    remedy: str


_KNOWN = (
    ("'\\t'", "a tab can't indent YAML", "use spaces"),
    (
        "mapping values are not allowed",
        "a `:` stands where no key can be",
        "quote the value if it contains `: `, or mend the indentation of the lines above",
    ),
    ("could not find expected ':'", "a key has no `:`", "write `key: value`"),
    (
        "expected <block end>",
        "the indentation doesn't fit the lines above",
        "indent keys of one mapping by the same number of spaces",
    ),
    (
        "found another document",
        "the file holds more than one document",
        "remove the second `---`",
    ),
    ("found unexpected end of stream", "a quote or bracket is never closed", "close it"),
    ("found undefined alias", "an alias has no anchor", "write `&name` before the value it means"),
    ("undefined alias", "an alias has no anchor", "write `&name` before the value it means"),
    (
        "that cannot start any token",
        "a value can't begin with this character",
        "put the value in quotes",
    ),
    ("expected ',' or", "a `[` or `{` is never closed, or a comma is missing", "close it"),
    ("unknown escape character", "an unknown `\\` escape in double quotes", "use single quotes"),
)


def explain_syntax(error: MarkedYAMLError) -> SyntaxFinding:
    """The first syntax error of a file; YAML can't be read beyond it."""
    details: Any = error
    mark = details.problem_mark or details.context_mark
    line, column = (int(mark.line) + 1, int(mark.column) + 1) if mark is not None else (1, 1)
    text = str(details.problem or details.context or "the syntax is broken")
    for fragment, message, remedy in _KNOWN:
        if fragment in text:
            return SyntaxFinding(line, column, message, remedy)
    return SyntaxFinding(line, column, f"is not valid YAML: {text}", "mend the syntax")
