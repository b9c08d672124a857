"""The package indexes this machine is configured for, as hosts; none is known by heart.

`managers` reads the settings of pip and npm; uv has variables only. Asks no index anything.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from docmill.egress.hosts import HostRule, parse_authority
from docmill.errors import PrerequisiteError
from docmill.managers.npm import npm_indexes
from docmill.managers.pip import pip_indexes
from docmill.managers.settings import origin_of

_UV = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_INDEX")


def index_rules(environ: Mapping[str, str]) -> tuple[HostRule, ...]:
    """The hosts of all indexes that are configured, each on its own port.

    Raises:
        PrerequisiteError: none is.
    """
    rules = tuple(dict.fromkeys(_rules(environ)))
    if not rules:
        raise PrerequisiteError(
            "The environment allows package managers, but no index is configured on this machine.",
            remedy="Configure one: pip config set global.index-url https://...",
        )
    return rules


def rule_for(origin: str) -> HostRule | None:
    """The rule for `scheme://host:port`; None if that is no host the broker could know."""
    try:
        authority = parse_authority(urlsplit(origin).netloc)
    except ValueError:
        return None
    return HostRule(authority.host, (authority.port,))


def _rules(environ: Mapping[str, str]) -> Iterator[HostRule]:
    home = Path(environ.get("HOME") or "/nonexistent")
    urls = [*pip_indexes(environ, home), *npm_indexes(environ, home)]
    for name in _UV:
        # `name=address`, or the address alone
        for word in environ.get(name, "").split():
            before, _, after = word.partition("=")
            urls.append(after if "://" not in before and after else word)
    for url in urls:
        rule = rule_for(origin_of(url))
        if rule is not None:
            yield rule
