"""From an index's own pages to the hosts its files lie on, which then may be reached too.

`links` reads the pages, shut in, with no way but to the index; its answer is no more than a list.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from docmill.managers.settings import ManagerSettings, origin_of
from docmill.sandboxes.building.confined import TOOLS, Confinement, python_inside
from docmill.sandboxes.building.way import Reach, Way

_PROGRAM = Path(__file__).with_name("links.py")
_SECONDS = 300.0
_MOST = 100
"""Hosts the files of one index may be spread over."""


def reach_for(settings: ManagerSettings) -> Reach:
    """What is configured, and nothing else."""
    origins = (origin_of(url) for url in (*settings.indexes, *settings.pages))
    return Reach(settings, frozenset(origin for origin in origins if origin))


def with_files(reach: Reach, way: Way, pages: Iterable[str], bubblewrap: str) -> Reach:
    """What may be reached, with the hosts that these pages of the index link to.

    A page that can't be had adds nothing.

    Raises:
        PrerequisiteError: bubblewrap can't start, or the index is too slow.
    """
    inside = f"{TOOLS}/links.py"
    confinement = Confinement(
        bubblewrap,
        read={inside: _PROGRAM, **reach.settings.files},
        way=way,
    )
    python = python_inside()
    said = confinement.run([*python, inside, *pages], seconds=_SECONDS)
    try:
        told: Mapping[str, Any] = json.loads(said.output)
        found = {page: list(map(str, links)) for page, links in told.items()}
    except (ValueError, AttributeError, TypeError):
        return reach
    named: dict[str, str] = {}
    for page, links in found.items():
        for link in links[:_MOST]:
            origin = origin_of(link)
            if origin and origin not in reach.origins:
                named.setdefault(origin, origin_of(page))
    return replace(reach, named=named)
