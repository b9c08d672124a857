"""From inside a real sandbox: what programs reach, what they don't, and what they never see."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.egress.egress_scene import LOOPBACK, Names, Trusted, Website, host

from docmill.egress.broker import Broker
from docmill.egress.credentials import Credential
from docmill.egress.hosts import parse_rule, rules_for
from docmill.egress.policy import Policy
from docmill.records.egress import Egress, EgressSummary
from docmill.sandboxes.base import SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend, BubblewrapSandbox
from docmill.sandboxes.toolbox.door import CERTIFICATES

MIB = 1024 * 1024
LIMITS = SandboxLimits(memory=512 * MIB, cpus=1, pids=64, disk=32 * MIB, seconds=50, output=20_000)
SECRET = "canary-6f1c0a9e44b2"  # of a test
GET = """python3 - <<'END'
import urllib.error, urllib.request
try:
    answer = urllib.request.urlopen(urllib.request.Request({url!r}, headers={headers!r}), timeout=8)
    print(answer.status, answer.read().decode())
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
except OSError as error:
    print(error)
END"""


class Inside:
    """A sandbox with a broker."""

    def __init__(self, sandbox: BubblewrapSandbox) -> None:
        self._sandbox = sandbox
        self.events: list[Egress | EgressSummary] = []

    @property
    def verdicts(self) -> list[tuple[str, str, str]]:
        """Host, verdict and reason of each request."""
        found = [event for event in self.events if isinstance(event, Egress)]
        return [(event.host, event.verdict, event.reason) for event in found]

    async def bash(self, command: str) -> str:
        """What a command prints."""
        return str((await self._sandbox.call("bash", {"command": command}, timeout=30))["output"])

    async def get(self, url: str, **headers: str) -> str:
        """What Python's own client gets."""
        return await self.bash(GET.format(url=url, headers=headers))


@asynccontextmanager
async def inside(policy: Policy, trusted: Trusted, names: Names) -> AsyncGenerator[Inside]:
    """A sandbox whose door leads to a broker with this policy."""
    broker = Broker(policy, resolver=names, addresses=LOOPBACK, trust=trusted.client)
    async with BubblewrapBackend().open(SandboxSpec(LIMITS, door=True)) as sandbox:
        await sandbox.put(CERTIFICATES, broker.certificates)
        opened = Inside(sandbox)
        async with broker.serve(sandbox.door(), opened.events.append):
            yield opened


def vault(port: int, *hosts: str) -> Policy:
    """A policy with one credential, for `api.example.com`."""
    texts = (f"api.example.com:{port}", *hosts)
    rule = parse_rule(texts[0])
    return Policy(
        rules_for(texts), credentials=(Credential("crm", SECRET, (rule,), prefix="Bearer "),)
    )


async def test_programs_reach_listed_hosts_and_no_others(trusted: Trusted) -> None:
    """By HTTP and by HTTPS, with the usual libraries and no set-up of their own."""
    async with host(Website()) as plain, host(Website(), trusted.server) as secure:
        policy = Policy(rules_for([f"b.example:{plain}", f"a.example:{secure}"]))
        async with inside(policy, trusted, Names()) as sandbox:
            assert await sandbox.get(f"http://b.example:{plain}/") == "200 ok\n"
            assert await sandbox.get(f"https://a.example:{secure}/") == "200 ok\n"
            assert "host_not_allowed" in await sandbox.get("http://c.example/")
            assert "403 host_not_allowed" in await sandbox.get("https://c.example/")
            direct = await sandbox.bash(f": < /dev/tcp/127.0.0.1/{plain}")
    assert "refused" in direct
    assert [verdict for _, verdict, _ in sandbox.verdicts] == ["allowed"] * 2 + ["refused"] * 2


async def test_a_redirect_leads_to_no_metadata(trusted: Trusted) -> None:
    """The client follows it, and is refused like anybody who asks for an address."""
    place = "http://169.254.169.254/latest/meta-data/"
    answer = f"HTTP/1.1 302 Found\r\nLocation: {place}\r\nContent-Length: 0\r\n\r\n"
    async with host(Website(answer.encode())) as port:
        policy = Policy(rules_for([f"a.example:{port}"]))
        async with inside(policy, trusted, Names()) as sandbox:
            said = await sandbox.get(f"http://a.example:{port}/")
    assert "ip_literal" in said
    assert sandbox.verdicts[1] == ("169.254.169.254", "refused", "ip_literal")


async def test_a_credential_is_put_into_requests_to_its_host(trusted: Trusted) -> None:
    """By its name over plain HTTP, or over HTTPS; whatever the program itself sends there."""
    site = Website()
    async with (
        host(site, trusted.server) as port,
        inside(vault(port), trusted, Names()) as sandbox,
    ):
        assert await sandbox.get("http://crm.egress/a") == "200 ok\n"
        given = {"Authorization": "Bearer of my own"}
        assert await sandbox.get(f"https://api.example.com:{port}/b", **given) == "200 ok\n"
    paths = [request.split()[1] for request in site.requests]
    sent = [
        request.lower().count(b"authorization: bearer " + SECRET.encode())
        for request in site.requests
    ]
    assert (paths, sent) == ([b"/a", b"/b"], [1, 1])
    assert all(b"of my own" not in request for request in site.requests)
    events = [event for event in sandbox.events if isinstance(event, Egress)]
    assert [(event.path, event.credentials, event.status) for event in events] == [
        ("/a", ("crm",), 200),
        ("/b", ("crm",), 200),
    ]


async def test_no_other_host_gets_it(trusted: Trusted) -> None:
    """Nor does the same host on another port, or without TLS."""
    plain, other = Website(), Website()
    async with host(plain) as port, host(other, trusted.server) as tls:
        policy = vault(1, f"api.example.com:{port}", f"a.example:{tls}", f"api.example.com:{tls}")
        async with inside(policy, trusted, Names()) as sandbox:
            assert await sandbox.get(f"http://api.example.com:{port}/") == "200 ok\n"
            assert await sandbox.get(f"https://a.example:{tls}/") == "200 ok\n"
            assert await sandbox.get(f"https://api.example.com:{tls}/") == "200 ok\n"
    requests = plain.requests + other.requests
    assert len(requests) == 3
    assert all(SECRET.encode() not in request for request in requests)


async def test_a_host_that_echoes_the_secret_gives_nothing_away(trusted: Trusted) -> None:
    """Its length and the rest of the response stay as they are."""
    async with (
        host(Website(echo=True), trusted.server) as port,
        inside(vault(port), trusted, Names()) as sandbox,
    ):
        said = await sandbox.get("http://crm.egress/")
    assert "Authorization: Bearer *******************\r\n" in said
    assert SECRET not in said


async def test_nothing_inside_holds_the_secret(trusted: Trusted) -> None:
    """Neither files nor environments nor command lines; the search finds what is there."""
    half = len(SECRET) // 2
    search = (
        f"cat /proc/*/environ /proc/*/cmdline > /tmp/seen 2> /dev/null; "
        f"grep -rlaF {SECRET[:half]}''{SECRET[half:]} /workspace /opt/docmill /etc | wc -l"
    )
    async with (
        host(Website(echo=True), trusted.server) as port,
        inside(vault(port), trusted, Names()) as sandbox,
    ):
        asked = GET.format(url="http://crm.egress/", headers={})
        assert await sandbox.bash(f"({asked}\n) > /tmp/answer; wc -l < /tmp/answer") != "0\n"
        found = await sandbox.bash(search)
        await sandbox.bash(f"echo {SECRET} > /tmp/planted")
        control = await sandbox.bash(search)
    assert (found, control) == ("0\n", "1\n")


async def test_the_runs_authority_speaks_for_the_vault_only(trusted: Trusted) -> None:
    """It can't be used for another host, and no other host's certificate is replaced."""
    async with (
        host(Website(), trusted.server) as port,
        inside(vault(port, f"a.example:{port}"), trusted, Names()) as sandbox,
    ):
        shown = [
            await sandbox.bash(
                "python3 - <<'END'\n"
                "import socket, ssl\n"
                "s = socket.create_connection(('127.0.0.1', 3128))\n"
                f"s.sendall(b'CONNECT {name}:{port} HTTP/1.1\\r\\nHost: {name}\\r\\n\\r\\n')\n"
                "s.recv(1000)\n"
                f"t = ssl.create_default_context().wrap_socket(s, server_hostname='{name}')\n"
                "print(t.getpeercert()['issuer'])\n"
                "END"
            )
            for name in ("api.example.com", "a.example")
        ]
    assert "docmill run authority" in shown[0]
    assert "'test'" in shown[1]
