"""What becomes of a message request: its mistake, or the script's step.

Neighbours: `checking` finds mistakes, `script` has the policies; `application` and `batching` act
on what is decided.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from docmill.testing.checking import mistake
from docmill.testing.log import Outcome
from docmill.testing.script import Failure, NotInScriptError, Policy, Step
from docmill.testing.turns import Memory


class Decision(NamedTuple):
    """What to do, and how the log calls it if that is a failure."""

    step: Step
    outcome: Outcome = "failed"


class Judge:
    """Decides; keeps why the test has to fail."""

    def __init__(self, policy: Policy, memory: Memory, models: Sequence[str]) -> None:
        self._policy = policy
        self._memory = memory
        self._models = tuple(models)
        self.trouble: list[str] = []

    def decide(self, body: dict[str, Any] | None) -> Decision:
        """On a request for a message."""
        problem = mistake(body, self._memory)
        if problem or body is None:
            return Decision(Failure(400, problem), "refused")
        if unknown := self.unknown(body["model"]):
            return unknown
        try:
            return Decision(self._policy(body))
        except NotInScriptError as error:
            self.trouble.append(str(error))
            return Decision(Failure(400, str(error)), "not_in_script")

    def refuse(self, body: Mapping[str, Any] | None) -> Decision | None:
        """What is wrong with a request to count tokens, if anything."""
        problem = mistake(body, self._memory, counting=True)
        if problem or body is None:
            return Decision(Failure(400, problem), "refused")
        return self.unknown(body["model"])

    def unknown(self, model: str) -> Decision | None:
        """Refuses a model that doesn't exist."""
        if not self._models or model in self._models:
            return None
        return Decision(Failure(404, f"model: {model}"), "refused")
