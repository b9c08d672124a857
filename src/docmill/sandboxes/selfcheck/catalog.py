"""The list of attacks, room by room; the one place where rooms are named."""

import difflib

from docmill.errors import PrerequisiteError
from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.rooms import (
    egress,
    files,
    kernel,
    lifetime,
    network,
    outputs,
    privileges,
    processes,
    protocol,
    resources,
)

ROOMS = (
    files.ROOM,
    processes.ROOM,
    privileges.ROOM,
    network.ROOM,
    resources.ROOM,
    lifetime.ROOM,
    outputs.ROOM,
    protocol.ROOM,
    egress.ROOM,
    kernel.ROOM,
)


def chosen(only: str | None) -> tuple[Room, ...]:
    """All rooms; with a name, that room or the one attack of that name.

    Raises:
        PrerequisiteError: there is neither a room nor an attack of that name.
    """
    if only is None:
        return ROOMS
    rooms = tuple(room for room in ROOMS if room.name == only)
    rooms = rooms or tuple(
        Room(room.name, (attack,))
        for room in ROOMS
        for attack in room.attacks
        if attack.name == only
    )
    if not rooms:
        names = [room.name for room in ROOMS]
        names += [attack.name for room in ROOMS for attack in room.attacks]
        near = difflib.get_close_matches(only, names, 3) or names
        raise PrerequisiteError(
            f"There is no attack and no room {only!r}.", remedy=f"Known: {', '.join(near)}"
        )
    return rooms
