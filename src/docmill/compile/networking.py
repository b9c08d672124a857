"""What an environment and a pipeline say about the network, checked, and as the broker's policy.

Mistakes come back as `KeyProblem`s of the file they stand in. Reads no secret.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from urllib.parse import urlsplit

from docmill.egress.credentials import Credential
from docmill.egress.hosts import HostRule, literal, parse_authority, parse_rule
from docmill.egress.policy import Policy
from docmill.errors import KeyProblem
from docmill.plan import CompiledPipeline
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment, LimitedNetworking, UnrestrictedNetworking
from docmill.spec.pipeline import Pipeline
from docmill.spec.vault import SecretSource, VaultEntry

KeyPath = tuple[str | int, ...]

_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BLOCK = re.compile(r"[a-z0-9][a-z0-9-]{0,254}")
_RESERVED = frozenset(
    (
        *("accept-encoding", "connection", "content-length", "content-type", "expect", "host"),
        *("keep-alive", "proxy-authorization", "range", "te", "trailer", "transfer-encoding"),
        "upgrade",
    )
)
"""Headers that decide how a message is read."""
_LISTED = ("config", "networking", "allowed_hosts")


def networking_problems(environment: Environment) -> Iterator[KeyProblem]:
    """Mistakes in the hosts an environment allows."""
    networking = environment.config.networking
    if isinstance(networking, LimitedNetworking):
        yield from _host_problems(networking.allowed_hosts, _LISTED)


def vault_problems(
    pipeline: Pipeline, environment: Environment, agent: Agent
) -> Iterator[KeyProblem]:
    """Mistakes in a pipeline's vault, given the hosts its environment allows."""
    for name, entry in pipeline.vault.items():
        path = ("vault", name)
        if not _NAME.fullmatch(name):
            yield KeyProblem(
                path,
                f"`{name}` can't be a part of a host's name",
                "use lower-case letters, digits and `-`, 32 at most",
            )
        yield from source_problems(entry, path)
        yield from _header_problems(entry, path)
        problems = list(_host_problems(entry.hosts, (*path, "hosts"), ports=(443,)))
        yield from problems
        if not problems:
            yield from _unreachable(entry, environment, agent, path)
    yield from _rivals(pipeline.vault.items())


def _host_problems(
    texts: Sequence[str], path: KeyPath, *, ports: tuple[int, ...] = (80, 443)
) -> Iterator[KeyProblem]:
    for index, text in enumerate(texts):
        try:
            parse_rule(text, ports=ports)
        except ValueError as error:
            message, _, remedy = str(error).partition("; ")
            yield KeyProblem((*path, index), message, remedy)


def source_problems(entry: SecretSource, path: KeyPath) -> Iterator[KeyProblem]:
    """Mistakes in where a secret is found."""
    if len(entry.sources) != 1:
        found = " and ".join(entry.sources) or "none"
        yield KeyProblem(
            path, f"needs one source, has {found}", "give env, file, keyring or prefect_secret"
        )
    if entry.env is not None and not _VARIABLE.fullmatch(entry.env):
        yield KeyProblem(
            (*path, "env"),
            # what stands there may be the secret itself
            "this is no name of an environment variable",
            "write the variable's name, not the secret",
        )
    if entry.keyring is not None and not all(entry.keyring.rpartition("/")):
        yield KeyProblem((*path, "keyring"), "is not SERVICE/USER", "write `keyring: crm/docmill`")
    if entry.prefect_secret is not None and not _BLOCK.fullmatch(entry.prefect_secret):
        yield KeyProblem(
            (*path, "prefect_secret"),
            "this is no name of a Secret block",
            "write the block's name, in lower-case letters, digits and `-`; not the secret",
        )


def _header_problems(entry: VaultEntry, path: KeyPath) -> Iterator[KeyProblem]:
    if not _HEADER.fullmatch(entry.header):
        yield KeyProblem(
            (*path, "header"),
            f"`{entry.header}` is no name of a header",
            "write a name such as Authorization or X-Api-Key",
        )
    elif entry.header.lower() in _RESERVED:
        yield KeyProblem(
            (*path, "header"),
            f"`{entry.header}` decides how a request is read",
            "write a header that carries a secret",
        )
    prefix = entry.prefix
    if not (prefix.isascii() and prefix.isprintable()) or prefix != prefix.lstrip():
        yield KeyProblem((*path, "prefix"), "can't begin a header", 'write `prefix: "Bearer "`')


def _unreachable(
    entry: VaultEntry, environment: Environment, agent: Agent, path: KeyPath
) -> Iterator[KeyProblem]:
    """Hosts of a credential that no sandbox and no MCP server of the pipeline is about."""
    servers = tuple(_mcp_rules(agent))  # their requests come from the host, not from a sandbox
    if isinstance(environment.config.networking, UnrestrictedNetworking):
        named = [parse_rule(text, ports=(443,)) for text in entry.hosts]
        for index, rule in enumerate(named):
            if literal(rule.host) and not any(_covers(each, rule) for each in servers):
                yield KeyProblem((*path, "hosts", index), f"`{rule}` is an address", "use its name")
        return
    allowed = (*host_rules(environment, agent), *servers)
    for index, text in enumerate(entry.hosts):
        rule = parse_rule(text, ports=(443,))
        if not any(_covers(each, rule) for each in allowed):
            yield KeyProblem(
                (*path, "hosts", index),
                f"`{text}` is not among the hosts that environment `{environment.name}` allows",
                f"add it to config.networking.allowed_hosts of sandbox/{environment.name}.yaml",
            )


def _covers(allowed: HostRule, rule: HostRule) -> bool:
    if not set(rule.ports) <= set(allowed.ports):
        return False
    if rule.wildcard:
        return allowed.wildcard and (rule.host == allowed.host or allowed.matches(rule.host))
    return allowed.matches(rule.host)


def _rivals(entries: Iterable[tuple[str, VaultEntry]]) -> Iterator[KeyProblem]:
    """Two credentials that a request to the same host would get in the same header."""
    seen: dict[tuple[str, str], str] = {}
    for name, entry in entries:
        for index, text in enumerate(entry.hosts):
            key = (text.lower(), entry.header.lower())
            if key in seen:
                yield KeyProblem(
                    ("vault", name, "hosts", index),
                    f"`{text}` gets `{seen[key]}` in the same header already",
                    "remove one of the two",
                )
            seen.setdefault(key, name)


def host_rules(environment: Environment, agent: Agent) -> tuple[HostRule, ...]:
    """The hosts that an environment lists, and the agent's MCP servers if it allows those."""
    networking = environment.config.networking
    if isinstance(networking, UnrestrictedNetworking):
        return ()
    rules = [parse_rule(text) for text in networking.allowed_hosts]
    if networking.allow_mcp_servers:
        rules += _mcp_rules(agent)
    return tuple(dict.fromkeys(rules))


def _mcp_rules(agent: Agent) -> Iterator[HostRule]:
    for server in agent.mcp_servers:
        url = getattr(server, "url", None)
        if isinstance(url, str):
            with suppress(ValueError):  # an address that is none is said where it stands
                parts = urlsplit(url)
                authority = parse_authority(parts.netloc, 80 if parts.scheme == "http" else 443)
                yield HostRule(authority.host, (authority.port,))


def reachable(environment: Environment, agent: Agent) -> tuple[str, ...]:
    """Whom sandboxes of an environment may talk to, in words; empty: nobody."""
    networking = environment.config.networking
    if isinstance(networking, UnrestrictedNetworking):
        return ("any public host",)
    indexes = ("this machine's package indexes",) * networking.allow_package_managers
    return (*map(str, host_rules(environment, agent)), *indexes)


def network_note(environment: Environment, agent: Agent, pipeline: Pipeline) -> str:
    """What the agent is told of its way out; empty if there is none."""
    hosts = reachable(environment, agent)
    if not hosts:
        return ""
    lines = [
        "# Network",
        "Programs in the sandbox reach these hosts by HTTP and HTTPS, through the proxy that their",
        f"environment names, and no others: {', '.join(hosts)}.",
    ]
    for name, entry in pipeline.vault.items():
        home = next((text for text in entry.hosts if not text.startswith("*")), None)
        if home is not None:
            lines.append(f"`http://{name}.egress/` is `https://{home}/`, with a credential added.")
    if pipeline.vault:
        lines.append("Credentials are added on the way; there is none to be found or asked for.")
    return "\n".join(lines)


def egress_policy(
    compiled: CompiledPipeline,
    credentials: Sequence[Credential] = (),
    *,
    indexes: Sequence[HostRule] = (),
) -> Policy | None:
    """What the sessions of a pipeline may reach; None: nothing, so they need no door.

    `indexes`: hosts of the machine's package indexes, if the environment allows those.
    """
    environment = compiled.environment
    unrestricted = isinstance(environment.config.networking, UnrestrictedNetworking)
    rules = (*host_rules(environment, compiled.agent), *indexes)
    if not rules and not unrestricted:
        return None
    return Policy(rules, unrestricted=unrestricted, credentials=tuple(credentials))
