"""Mistakes in the packages an environment asks for: everything that isn't the name of one."""

from collections.abc import Callable, Iterator

from docmill.errors import KeyProblem
from docmill.sandboxes.building.names import Mistake, apt_mistake, npm_mistake, pip_mistake
from docmill.spec.environment import Environment

_CHECKS: tuple[tuple[str, Callable[[str], Mistake | None]], ...] = (
    ("pip", pip_mistake),
    ("apt", apt_mistake),
    ("npm", npm_mistake),
)


def package_problems(environment: Environment) -> Iterator[KeyProblem]:
    """Mistakes, each at its entry; paths count from the environment's root."""
    for manager, check in _CHECKS:
        entries: tuple[str, ...] = getattr(environment.config.packages, manager)
        for index, text in enumerate(entries):
            mistake = check(text)
            if mistake is not None:
                path = ("config", "packages", manager, index)
                yield KeyProblem(path, mistake.message, mistake.remedy)
