"""What a run can have behind it before its documents are known; a watcher has it while they settle.

`start` does it all again when they are: by then every library is imported and the sandbox proven,
and Great Expectations, the slowest of all, waits in its own process. Claims and spends nothing.
"""

from collections.abc import Generator
from contextlib import contextmanager

from docmill.batch.equipment import equipped
from docmill.batch.start import survey
from docmill.batch.state import open_state
from docmill.batch.workbench import open_models
from docmill.checks.expectations_process import LibraryProcess
from docmill.checks.judge import compile_judge
from docmill.checks.reference import load_reference
from docmill.compile import compile_pipeline
from docmill.report.templates import compile_ahead
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace


@contextmanager
def rehearsed(
    loaded: LoadedWorkspace, name: str, settings: Settings
) -> Generator[LibraryProcess | None]:
    """Get ready for a run of a pipeline; gives the process for its expectations, if it has any.

    Raises:
        SpecError, PrerequisiteError: what the run would be refused for.
    """
    pipeline = loaded.workspace.pipelines.get(name)
    # It takes longest, so it begins first.
    library = LibraryProcess() if pipeline and pipeline.expectations else None
    try:
        compiled = equipped(compile_pipeline(loaded, name), settings)
        with open_state(loaded) as state:
            open_models(survey(loaded, compiled, settings, state))
        reference = compiled.pipeline.reference
        table = load_reference(reference, compiled.root) if reference else None
        compile_judge(compiled.pipeline, compiled.fields, table)
        compile_ahead(loaded.root / "reports/templates")
        yield library
    finally:
        if library is not None:
            library.close()
