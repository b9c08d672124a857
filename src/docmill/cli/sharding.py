"""`docmill shard`: a part of a run, on a worker. Runs start it themselves."""

from docmill.batch.sharding import carry_out_shard
from docmill.batch.state import open_state
from docmill.cli.console import talk
from docmill.cli.reading import number_of
from docmill.cli.workspace import here, overridden


def shard(run: str, name: str) -> None:
    """Carry out what the run deals to this shard, and end with it."""
    loaded, settings = here()
    with open_state(loaded) as state:
        info = state.runs.info(number_of(state, run))
        own = overridden(loaded, info.pipeline, list(info.settings))
        talk(carry_out_shard(own, settings, state, info=info, shard=name))
