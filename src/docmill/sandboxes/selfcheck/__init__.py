"""Our own attacks against a sandbox backend, each with a control that proves that it works.

`catalog` lists them, `judging` runs them, `docs/security.md` explains them. Runs on the protocol
of `sandboxes.base`, so every backend is judged alike.
"""

from docmill.sandboxes.selfcheck.base import Result, Verdict
from docmill.sandboxes.selfcheck.catalog import ROOMS, chosen
from docmill.sandboxes.selfcheck.judging import check

__all__ = ["ROOMS", "Result", "Verdict", "check", "chosen"]
