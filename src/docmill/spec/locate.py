"""From a path of keys to file, line and column; the nearest known place where the path has none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from docmill.errors import KeyProblem, Problem
from docmill.spec.yamlfile import KeyPath, Mark

# The models see the long form of an environment; the author may have written the short one.
_SHORT_FORMS: tuple[tuple[KeyPath, KeyPath], ...] = (
    (("config", "packages", "pip"), ("packages",)),
    (("config", "packages"), ("packages",)),
    (("config", "networking", "type"), ("network_access",)),
    (("config", "networking"), ("network_access",)),
    (("docmill", "runtime"), ("runtime",)),
)


@dataclass(frozen=True, slots=True)
class Locator:
    """Places of one file's keys and values."""

    file: str
    """Relative to the workspace."""
    marks: Mapping[KeyPath, Mark] = field(default_factory=dict[KeyPath, Mark])

    def place(self, problem: KeyProblem, *, at_key: bool = False) -> Problem:
        """The problem at the nearest place: its value, or its key if `at_key` or if the value is a
        list, a mapping or empty."""
        path = self._as_written(problem.path)
        known = path
        while known and known not in self.marks:
            known = known[:-1]
        mark = self.marks.get(known)
        line, column = 0, 0
        if mark is not None:
            scalar = known == path and not at_key and mark.raw not in (None, "")
            line, column = mark.value if scalar else mark.key
        return Problem(self.file, line, column, key_text(path), problem.message, problem.remedy)

    def _as_written(self, path: KeyPath) -> KeyPath:
        if path in self.marks:
            return path
        for long, short in _SHORT_FORMS:
            if path[: len(long)] == long and short in self.marks:
                return short + path[len(long) :]
        return path


def key_text(path: KeyPath) -> str:
    """`checks[1].guard_band`."""
    text = ""
    for key in path:
        if isinstance(key, int):
            text += f"[{key}]"
        else:
            text += f".{key}" if text else key
    return text
