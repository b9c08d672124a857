"""How many sessions a run has at once where nobody says, and how long each of them may wait."""

import os
import resource
from pathlib import Path

from docmill.plan import CompiledPipeline
from docmill.settings import Settings
from docmill.spec.pipeline import Pipeline

MOST_WAITING = 500
"""Sessions that wait for message batches."""
MOST_ASKING = 50
"""Sessions that wait for a person beside those that work."""
SESSION_MEGABYTES = 16
"""Memory of one that waits: 6 MB of its sandbox's program, its files, and what it has read."""
SESSION_FILES = 6
"""Open files of one: pipes to its sandbox."""
LONGEST_BATCH = 86_400.0
"""Seconds after which every call of a message batch is answered or has expired."""
OTHER_FILES = 200
"""Of the store, the report and connections."""


def sessions_at_once(pipeline: Pipeline, settings: Settings) -> int:
    """`concurrency` of the pipeline, DOCMILL_CONCURRENCY, or what suits the machine.

    Live, that is two per processor. A session that waits for a message batch takes no processor,
    and the more of them there are, the fewer batches a run takes: as many as half of the free
    memory and the limit of open files hold.
    """
    told = pipeline.concurrency or settings.concurrency
    if told is not None:
        return told
    few = 2 * (os.cpu_count() or 1)
    if pipeline.mode == "live":
        return few
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    by_files = (files - OTHER_FILES) // SESSION_FILES
    by_memory = free_megabytes() // 2 // SESSION_MEGABYTES
    return max(few, min(MOST_WAITING, by_files, by_memory))


def places_at_once(compiled: CompiledPipeline, settings: Settings) -> int:
    """How many documents may be under way: more than work, where agents wait for people."""
    number = sessions_at_once(compiled.pipeline, settings)
    if not compiled.agent.asks:
        return number
    return number + min(MOST_ASKING, free_megabytes() // 4 // SESSION_MEGABYTES)


def waiting_seconds(pipeline: Pipeline) -> float:
    """Longest that a session may wait for its models, beside the time it works.

    Its sandbox has to outlive that: a message batch takes a day at most, for each turn; live, an
    endpoint may be down.
    """
    if pipeline.mode == "batch":
        return LONGEST_BATCH * pipeline.limits.turns
    return pipeline.retries.outage_minutes * 60


def free_megabytes(meminfo: Path = Path("/proc/meminfo")) -> int:
    """Memory that is to be had without swapping; 0 if the machine doesn't say."""
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return 0
    kilobytes = next((line.split()[1] for line in lines if line.startswith("MemAvailable:")), "0")
    return int(kilobytes) // 1024
