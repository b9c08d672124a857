"""`docmill notify` and `docmill results`: a stored run told of and handed over once more."""

import sys
from collections.abc import Callable

from docmill.batch.aftermath import Aftermath
from docmill.batch.blocks import SecretBlocks, block_names
from docmill.batch.start import reports_folder
from docmill.batch.state import State, open_state, server_settings
from docmill.cli.console import put_json, talk
from docmill.cli.delivering import put_deliveries
from docmill.cli.reading import number_of
from docmill.cli.workspace import here
from docmill.compile import compile_pipeline
from docmill.errors import EXIT_UNFINISHED, RunError
from docmill.records.deliveries import Delivery
from docmill.records.reader import RunReader
from docmill.settings import Settings
from docmill.spec.load import LoadedWorkspace


def notify(run: str, *, json: bool) -> None:
    """Tell those whom the pipeline names now of a stored run; exits with 1 if one isn't reached."""
    _again(run, Aftermath.tell, "Nobody is to hear of a run that ended so.", json=json)


def results(run: str, *, json: bool) -> None:
    """Hand a stored run over as the pipeline says now; exits with 1 if that failed somewhere."""
    _again(run, Aftermath.hand_over, "The pipeline has no `results`.", json=json)


def _again(
    run: str,
    work: Callable[[Aftermath, RunReader], tuple[Delivery, ...]],
    nothing: str,
    *,
    json: bool,
) -> None:
    loaded, settings = here()
    with open_state(loaded) as state:
        reader = state.reader(number_of(state, run))
        if reader.info.status == "running":
            raise RunError(
                f"{reader.info.id} has not ended.", remedy=f"Look: docmill runs show {run}"
            )
        aftermath = _aftermath(loaded, settings, state, reader.info.pipeline)
        aftermath.check()
        done = work(aftermath, reader)
    if json:
        put_json({"run": reader.info.id, "deliveries": [d.model_dump(mode="json") for d in done]})
    elif not done:
        talk(nothing)
    else:
        put_deliveries(done)
    if any(each.state != "done" for each in done):
        sys.exit(EXIT_UNFINISHED)


def _aftermath(
    loaded: LoadedWorkspace, settings: Settings, state: State, pipeline: str
) -> Aftermath:
    compiled = compile_pipeline(loaded, pipeline)
    server = server_settings(loaded, settings)
    return Aftermath(
        compiled=compiled,
        settings=settings,
        engine=state.engine,
        reports=reports_folder(loaded, pipeline),
        server=server,
        blocks=SecretBlocks(server, block_names(compiled.pipeline)),
    )
