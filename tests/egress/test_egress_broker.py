"""The broker as a program inside meets it: plain HTTP and tunnels to listed hosts, nothing else."""

import asyncio

import pytest
from tests.egress.egress_scene import Names, Trusted, Website, host, serving

from docmill.egress.addresses import AddressRule
from docmill.egress.hosts import rules_for
from docmill.egress.policy import Caps, Policy
from docmill.records.egress import Egress, EgressSummary

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def allowing(*hosts: str, **caps: float) -> Policy:
    """A policy that lists these hosts."""
    return Policy(rules_for(hosts), caps=Caps(**caps))  # pyright: ignore[reportArgumentType]


async def test_a_listed_host_answers() -> None:
    """Plain HTTP: the request is written anew, without what is meant for the proxy."""
    site = Website()
    async with host(site) as port, serving(allowing(f"a.example:{port}")) as served:
        said = await served.ask(
            f"GET http://a.example:{port}/p?q=1 HTTP/1.1\r\nHost: a.example:{port}\r\n"
            "Proxy-Authorization: Basic eA==\r\nProxy-Connection: close\r\nX-Own: 1\r\n\r\n"
        )
    assert said.startswith("HTTP/1.1 200")
    assert said.endswith("\r\n\r\nok")
    (request,) = site.requests
    assert request.startswith(b"GET /p?q=1 HTTP/1.1\r\nHost: a.example:%d\r\n" % port)
    assert b"proxy" not in request.lower()
    assert b"x-own: 1" in request.lower()


async def test_every_request_is_recorded_and_summed_up() -> None:
    """With host, verdict, bytes and seconds; not with its query."""
    site = Website()
    async with host(site) as port, serving(allowing(f"a.example:{port}")) as served:
        get = "GET http://{}/p?q=1 HTTP/1.1\r\nHost: {}\r\n\r\n"
        await served.ask(get.format(f"a.example:{port}", f"a.example:{port}"))
        await served.ask(get.format("b.example", "b.example"))
    allowed, refused, summary = served.events
    assert isinstance(allowed, Egress)
    assert (allowed.method, allowed.host, allowed.port) == ("GET", "a.example", port)
    assert (allowed.path, allowed.verdict, allowed.status) == ("/p", "allowed", 200)
    assert allowed.sent == len(site.requests[0])
    assert allowed.received == len(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert isinstance(refused, Egress)
    assert (refused.host, refused.verdict, refused.reason) == (
        "b.example",
        "refused",
        "host_not_allowed",
    )
    assert summary == EgressSummary(
        allowed=1, refused=1, sent=allowed.sent, received=allowed.received
    )


async def test_who_asked_for_nothing_leaves_no_word() -> None:
    """A session that had a door and didn't use it has no event of it."""
    async with serving(allowing("a.example")) as served:
        pass
    assert served.events == []


async def test_a_tunnel_is_carried_untouched(trusted: Trusted) -> None:
    """The host's own certificate is what the client sees."""
    async with (
        host(Website(), trusted.server) as port,
        serving(allowing(f"*.a.example:{port}"), trust=trusted.client) as served,
    ):
        said = await served.ask_within_tls(f"c.a.example:{port}", GET, name="c.a.example")
        await served.recorded(1)
    assert said.endswith(b"ok")
    (request,) = served.requests
    assert (request.method, request.verdict) == ("CONNECT", "allowed")
    assert min(request.sent, request.received) > 200


async def test_tls_has_to_ask_for_the_tunnels_host(trusted: Trusted) -> None:
    """Else a listed host would be a way to any other behind the same front."""
    async with (
        host(Website(), trusted.server) as port,
        serving(allowing(f"a.example:{port}")) as served,
    ):
        with pytest.raises((OSError, asyncio.IncompleteReadError)):
            await served.ask_within_tls(f"a.example:{port}", GET, name="b.example")
        await served.recorded(1)
    assert served.reasons == ["sni_mismatch"]
    assert served.requests[0].sent == 0


async def test_only_tls_goes_through_a_tunnel() -> None:
    """No mail, no shell, no database, whatever the port."""
    site = Website()
    async with host(site) as port, serving(allowing(f"a.example:{port}")) as served:
        said = await served.ask(
            f"CONNECT a.example:{port} HTTP/1.1\r\nHost: a.example\r\n\r\n" + "EHLO x\r\n\r\n"
        )
    assert "200" in said
    assert served.reasons == ["not_tls"]
    assert site.requests == []


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("b.example:443", "host_not_allowed"),
        ("a.example:22", "port_not_allowed"),
        ("169.254.169.254:80", "ip_literal"),
        ("127.0.0.1:443", "ip_literal"),
        ("[::1]:443", "ip_literal"),
        ("2130706433:443", "bad_request"),
        ("0x7f.1:443", "bad_request"),
        ("a.example", "bad_request"),
        ("a.example:0", "bad_request"),
        ("a.example.evil.example:443", "host_not_allowed"),
        ("sub.a.example:443", "host_not_allowed"),
    ],
)
async def test_what_is_not_listed_is_refused(target: str, reason: str) -> None:
    """Before any name is resolved; the answer says why."""
    names = Names()
    async with serving(allowing("a.example"), names) as served:
        said = await served.ask(
            f"CONNECT {target} HTTP/1.1\r\nHost: a.example\r\n\r\n".replace(
                "Host: a.example", f"Host: {target}"
            )
        )
    assert reason in said
    assert served.reasons == [reason]
    assert names.asked == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["100.64.0.1"],
        ["93.184.216.34", "192.168.0.1"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["2002:7f00:1::"],
        ["fd00:ec2::254"],
        ["fe80::1"],
        ["0.0.0.0"],
    ],
)
async def test_a_listed_name_leads_nowhere_private(addresses: list[str]) -> None:
    """One such address among others is enough to refuse the name."""
    names = Names(a_example=addresses)
    async with serving(allowing("a.example"), names, addresses=AddressRule()) as served:
        said = await served.ask("GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\n\r\n")
    assert "403" in said
    assert served.reasons == ["address_not_public"]


async def test_a_name_is_resolved_once_and_that_address_is_used() -> None:
    """A name server that answers differently the second time changes nothing."""

    class Rebinding(Names):
        async def resolve(self, host: str) -> list[object]:  # type: ignore[override]
            found = await super().resolve(host)
            self.known[host] = ["10.0.0.1"]
            return list(found)

    names = Rebinding()
    async with host(Website()) as port, serving(allowing(f"a.example:{port}"), names) as served:
        get = f"GET http://a.example:{port}/ HTTP/1.1\r\nHost: a.example:{port}\r\n\r\n"
        assert "200" in await served.ask(get)
        assert names.asked == ["a.example"]
        assert "address_not_public" in await served.ask(get)
