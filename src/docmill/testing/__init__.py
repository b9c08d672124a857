"""For tests of workspaces and of docmill itself: models that say exactly what they are told to.

`ScriptedModel` answers in the process, `ScriptedServer` over HTTP as the Messages API does; both
take a list of steps and fail on a call too many and on steps left over. docs/testing.md shows how.
"""

from docmill.testing.model import ScriptedModel
from docmill.testing.policies import flaky, outage, reader, records
from docmill.testing.process import ServerProcess
from docmill.testing.script import (
    Answer,
    Cut,
    Failure,
    Policy,
    Reset,
    Step,
    Unprocessed,
    text,
    thinking,
    tool_use,
)
from docmill.testing.serving import ScriptedServer

__all__ = [
    "Answer",
    "Cut",
    "Failure",
    "Policy",
    "Reset",
    "ScriptedModel",
    "ScriptedServer",
    "ServerProcess",
    "Step",
    "Unprocessed",
    "flaky",
    "outage",
    "reader",
    "records",
    "text",
    "thinking",
    "tool_use",
]
