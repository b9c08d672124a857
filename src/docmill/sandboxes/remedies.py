"""Why limits for all processes of a sandbox together can't be had here, and what mends it.

Looks at the machine only; `delegation` has tried before. `programs` does the same for bubblewrap.
"""

import pwd
from collections.abc import Sequence

from docmill.sandboxes.base import Enforced, Lack
from docmill.sandboxes.cgroups import CONTROLLERS, GIVEN, find_mounts
from docmill.sandboxes.delegation import NEEDED, Obtained, Surroundings, complete, in_service

_DROP_IN = "/etc/systemd/system/user@.service.d/docmill.conf"
_ALL = " ".join(CONTROLLERS)


def lack_of(around: Surroundings, obtained: Obtained, enforced: Sequence[Enforced]) -> Lack | None:
    """Which limits don't hold for a sandbox as a whole, and why; None if all do."""
    loose = tuple(entry.limit for entry in enforced if not entry.together)
    return Lack(loose, *_explain(around, obtained)) if loose else None


def _explain(around: Surroundings, obtained: Obtained) -> tuple[str, str]:
    """Cause and remedy; root's own troubles first, then the ordinary user's on his machine."""
    mounts = list(find_mounts(around.mounts))
    if not mounts:
        return "No control groups are mounted.", "mount -t cgroup2 none /sys/fs/cgroup (as root)"
    if all(mount.read_only for mount in mounts):
        return (
            "Control groups are read-only here, as in most containers.",
            "Start the container with --privileged --cgroupns=private, or run docmill outside",
        )
    if around.unified() is None:
        given = {
            f"{mount.point}/{GIVEN}" for mount in mounts if set(mount.controllers) & {*CONTROLLERS}
        }
        return "Control groups of version 1 belong to root.", _given(sorted(given), _user(around))
    if around.booted.is_dir():
        return _by_systemd(around, obtained)
    return "Control groups belong to root, and there is no systemd to ask.", _by_hand(around)


def _by_systemd(around: Surroundings, obtained: Obtained) -> tuple[str, str]:
    """What keeps systemd from handing a group over."""
    group = around.unified()
    service = in_service(group.folder) if group else ""
    if service and not complete(obtained.places):
        return (
            f"The service {service} keeps its control groups to itself.",
            (
                f"systemctl edit {service}, write: [Service] Delegate={_ALL} "
                f"(each on a line of its own), then: systemctl restart {service}"
            ),
        )
    if not around.bus.parent.is_dir():
        name = _user(around)
        return (
            f"No systemd of {name}'s own runs, as under su, sudo -u and cron.",
            f"sudo loginctl enable-linger {name}",
        )
    if not around.bus.exists():
        return (
            f"{_user(around)}'s systemd can't be asked: there is no {around.bus}.",
            "sudo apt-get install dbus-user-session, then log in again",
        )
    if obtained.refusal:
        return (
            f"systemd makes no control group for docmill: {obtained.refusal}.",
            "Start it this way: systemd-run --user --scope -p Delegate=yes docmill ...",
        )
    return (
        "systemd hands only some controllers over to users.",
        (
            f"sudo mkdir -p {_DROP_IN.rpartition('/')[0]} && "
            f"printf '[Service]\\nDelegate={_ALL}\\n' | sudo tee {_DROP_IN} && "
            "sudo systemctl daemon-reload, then log in again"
        ),
    )


def _given(folders: Sequence[str], name: str) -> str:
    words = " ".join(folders)
    return f"sudo mkdir -p {words} && sudo chown -R {name} {words}"


def _by_hand(around: Surroundings) -> str:
    """A group for the shell that starts docmill; what it starts is in it too."""
    group = around.unified()
    root = group.point if group else "/sys/fs/cgroup"
    wanted = " ".join(f"+{name}" for name in CONTROLLERS if name in NEEDED)
    return (
        f"In the shell that starts docmill: sudo sh -c 'mkdir -p {root}/{GIVEN}/runner && "
        f'echo "{wanted}" > {root}/cgroup.subtree_control && chown -R {_user(around)} '
        f"{root}/{GIVEN} && echo '$$' > {root}/{GIVEN}/runner/cgroup.procs'"
    )


def _user(around: Surroundings) -> str:
    try:
        return pwd.getpwuid(around.uid).pw_name
    except KeyError:
        return str(around.uid)
