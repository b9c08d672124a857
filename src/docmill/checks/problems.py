"""Mistakes in checks and reference standards, gathered and raised at once.

`compile` turns the paths into file, line and column. Not for anything a document holds.
"""

from collections.abc import Sequence

from docmill.errors import DocmillError, KeyProblem


class CheckSpecError(DocmillError):
    """Checks or a reference standard that can't be used; `problems` holds every mistake.

    Paths are relative to the pipeline: `("checks", 2, "field")`, `("reference", "path")`.
    """

    def __init__(self, problems: Sequence[KeyProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problem.message for problem in self.problems))
