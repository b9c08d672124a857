"""From specs to plans: names resolved, everything cross-checked, digests made.

`pipeline` compiles, `batch` adds the documents, `validate` gathers mistakes of a whole workspace.
Starts nothing, spends nothing, asks no model.
"""

from docmill.compile.batch import plan_batch
from docmill.compile.pipeline import check_workspace, compile_pipeline

__all__ = ["check_workspace", "compile_pipeline", "plan_batch"]
