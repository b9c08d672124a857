"""What a session may reach, and how much of it; decides, connects nothing.

`compile` makes a policy from an environment and a pipeline, `exchange` asks it.
"""

from dataclasses import dataclass

from docmill.egress.credentials import Credential
from docmill.egress.hosts import Authority, HostRule, literal

VAULT_SUFFIX = ".egress"
"""`http://NAME.egress/` is the host of the credential NAME, over TLS."""
_FIRST_UNPRIVILEGED = 1024
MIB = 1024 * 1024


class RefusedError(Exception):
    """A request that isn't carried out, or not to its end.

    `reason` is a stable code for the log, the message is for whoever asked, `status` the HTTP
    status they get if they can still be told.
    """

    def __init__(self, reason: str, message: str, *, status: int = 403) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.status = status


@dataclass(frozen=True, slots=True)
class Caps:
    """How much one session may ask for."""

    at_once: int = 16
    """Connections at the same time; more wait outside."""
    connections: int = 5_000
    """Connections in all."""
    head: int = 64 * 1024
    """Bytes of a request's or response's head."""
    sent: int = 64 * MIB
    """Bytes that leave, all connections together."""
    received: int = 1024 * MIB
    """Bytes that come back, all connections together."""
    head_seconds: float = 10.0
    """Until a request's head, or the first message of TLS, has to be there."""
    connect_seconds: float = 10.0
    """For a name's resolution, and for each address to answer."""
    idle_seconds: float = 60.0
    """Without a byte in either direction."""
    seconds: float = 900.0
    """Of one connection."""
    events: int = 200
    """Requests that stand in the session's log one by one; the rest are only counted."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The hosts of one run's sessions."""

    rules: tuple[HostRule, ...] = ()
    unrestricted: bool = False
    """Every host by name, on the web's ports and those above 1023."""
    credentials: tuple[Credential, ...] = ()
    caps: Caps = Caps()

    def check(self, authority: Authority) -> None:
        """Refuse what isn't listed.

        Raises:
            RefusedError: `host_not_allowed`, `port_not_allowed` or `ip_literal`.
        """
        about = [rule for rule in self.rules if rule.matches(authority.host)]
        if any(authority.port in rule.ports for rule in about):
            return
        if about:
            known = sorted({port for rule in about for port in rule.ports})
            raise RefusedError(
                "port_not_allowed",
                f"Port {authority.port} of {authority.host} is not allowed; "
                f"allowed: {', '.join(map(str, known))}.",
            )
        if literal(authority.host):
            raise RefusedError(
                "ip_literal", f"{authority.host} is an address; ask for hosts by their names."
            )
        if not self.unrestricted:
            raise RefusedError(
                "host_not_allowed",
                f"{authority.host} is not among the hosts this environment allows: "
                f"{', '.join(map(str, self.rules)) or 'none'}.",
            )
        if authority.port not in (80, 443) and authority.port < _FIRST_UNPRIVILEGED:
            raise RefusedError("port_not_allowed", f"Port {authority.port} is not allowed.")

    def credentials_for(self, authority: Authority) -> tuple[Credential, ...]:
        """The credentials that requests to a host get."""
        return tuple(credential for credential in self.credentials if credential.is_for(authority))

    def named(self, host: str) -> Credential:
        """The credential of `NAME.egress`.

        Raises:
            RefusedError: there is none of that name, or it has no single host.
        """
        name = host.removesuffix(VAULT_SUFFIX)
        for credential in self.credentials:
            if credential.name == name and credential.home is not None:
                return credential
        known = [f"{each.name}{VAULT_SUFFIX}" for each in self.credentials if each.home is not None]
        raise RefusedError(
            "no_credential", f"There is no {host}; there is: {', '.join(known) or 'none'}."
        )
