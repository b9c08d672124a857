"""Credentials on their way: who gets them, who doesn't, and what comes back of them."""

import asyncio
import ssl

import pytest
from tests.egress.egress_scene import Names, Trusted, Website, host, serving

from docmill.egress.addresses import Address, AddressRule
from docmill.egress.credentials import Credential
from docmill.egress.hosts import parse_rule, rules_for
from docmill.egress.policy import Policy

SECRET = "canary-6f1c0a9e44b2"
CRM = "GET http://crm.egress/p HTTP/1.1\r\nHost: crm.egress\r\n{}\r\n"


def holding(*hosts: str, header: str = "Authorization", prefix: str = "") -> Policy:
    """A policy that lists these hosts and has a credential for all of them."""
    credential = Credential("crm", SECRET, tuple(map(parse_rule, hosts)), header, prefix)
    return Policy(rules_for(hosts), credentials=(credential,))


@pytest.mark.parametrize("way", ["by name", "by host"])
async def test_a_request_gets_the_credential_in_its_header(trusted: Trusted, way: str) -> None:
    """In place of what the program says itself, and asking for a response that can be read."""
    site = Website()
    own = "X-Api-Key: mine\r\nx-api-key: mine too\r\nAccept-Encoding: gzip\r\nRange: bytes=0-9\r\n"
    async with host(site, trusted.server) as port:
        place = f"api.example.com:{port}"
        policy = holding(place, header="X-Api-Key", prefix="k=")
        async with serving(policy, trust=trusted.client) as served:
            if way == "by name":
                said = (await served.ask(CRM.format(own))).encode()
            else:
                request = f"GET /p HTTP/1.1\r\nHost: {place}\r\n{own}\r\n"
                said = await served.ask_within_tls(place, request.encode())
    assert said.endswith(b"ok")
    (request,) = site.requests
    head = request.decode()
    assert head.startswith(f"GET /p HTTP/1.1\r\nHost: {place}\r\n")
    assert head.lower().count("x-api-key") == 1
    assert f"X-Api-Key: k={SECRET}\r\n" in head
    assert "Accept-Encoding: identity\r\n" in head
    assert "gzip" not in head
    assert "range" not in head.lower()
    assert served.requests[0].credentials == ("crm",)


async def test_a_host_that_cannot_prove_itself_gets_nothing(trusted: Trusted) -> None:
    """Its certificate is judged on the host, before anything is sent."""
    site, heard = Website(), bytearray()

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example\r\n")
        heard.extend(await reader.read(10_000))

    async with host(site, trusted.server) as port, host(plain) as bare:
        for place, reason in ((port, "certificate"), (bare, "connect_failed")):
            async with serving(holding(f"b.example:{place}"), trust=trusted.client) as served:
                said = await served.ask(CRM.format(""))
            assert " 502" in said
            assert served.reasons == [reason]
    assert site.requests == []
    assert SECRET.encode() not in heard


async def test_an_untrusted_certificate_is_refused(trusted: Trusted) -> None:
    """Nothing but the machine's authorities counts."""
    site = Website()
    async with (
        host(site, trusted.server) as port,
        serving(holding(f"a.example:{port}"), trust=ssl.create_default_context()) as served,
    ):
        said = await served.ask(CRM.format(""))
    assert "certificate" in said
    assert site.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n" + SECRET.encode(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Echo: Bearer " + SECRET.encode() + b"\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: /?k="
        + SECRET.encode()
        + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + SECRET.encode() + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\ncanar\r\n"
        b"e\r\ny-6f1c0a9e44b2\r\n0\r\nX-Trailer: " + SECRET.encode() + b"\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: " + SECRET.encode() + b"\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n" + SECRET.encode().hex().encode(),
    ],
    ids=["body", "header", "redirect", "status", "pieces and trailer", "early", "hexadecimal"],
)
async def test_an_echo_is_blotted_out(trusted: Trusted, answer: bytes) -> None:
    """Wherever it stands in the response."""
    async with host(Website(answer), trusted.server) as port:
        policy = holding(f"a.example:{port}", prefix="Bearer ")
        async with serving(policy, trust=trusted.client) as served:
            said = await served.ask(CRM.format(""))
    assert said.startswith("HTTP/1.1 ")
    assert SECRET not in said
    assert SECRET.encode().hex() not in said
    assert served.requests[0].verdict == "allowed"


async def test_a_compressed_response_is_not_passed_on(trusted: Trusted) -> None:
    """Nobody could see what it holds."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b"
    async with (
        host(Website(answer), trusted.server) as port,
        serving(holding(f"a.example:{port}"), trust=trusted.client) as served,
    ):
        said = await served.ask(CRM.format(""))
    assert served.reasons == ["encoded_response"]
    assert "\x1f\x8b" not in said


async def test_the_host_within_tls_is_the_tunnels(trusted: Trusted) -> None:
    """A front that serves many hosts isn't asked for another one in the credential's name."""
    site = Website()
    async with host(site, trusted.server) as port:
        place = f"a.example:{port}"
        async with serving(holding(place), trust=trusted.client) as served:
            for line in (b"GET / HTTP/1.1\r\nHost: b.example", b"GET http://b.example/ HTTP/1.1"):
                said = await served.ask_within_tls(place, line + b"\r\n\r\n")
                assert b" 200" not in said
            with pytest.raises((OSError, asyncio.IncompleteReadError)):
                await served.ask_within_tls(place, b"", name="b.example")
            await served.recorded(3)
    assert site.requests == []
    assert served.reasons == ["host_header_mismatch", "bad_request", "sni_mismatch"]


async def test_a_name_that_is_none_says_which_there_are() -> None:
    """Also a credential whose hosts are all wildcards has no home."""
    wild = Credential("wild", SECRET, (parse_rule("*.b.example"),))
    policy = Policy(
        rules_for(["*.b.example"]), credentials=(wild, *holding("a.example").credentials)
    )
    async with serving(policy) as served:
        for name in ("other", "wild"):
            said = await served.ask(
                f"GET http://{name}.egress/ HTTP/1.1\r\nHost: {name}.egress\r\n\r\n"
            )
            assert "there is: crm.egress" in said
        said = await served.ask("CONNECT crm.egress:443 HTTP/1.1\r\nHost: crm.egress:443\r\n\r\n")
        assert "http://crm.egress/" in said
    assert served.reasons == ["no_credential"] * 3


async def test_a_service_of_this_very_machine_is_refused() -> None:
    """Even where its address is public; unless the operator has named it."""

    class Anything(AddressRule):
        def allows(self, address: Address) -> bool:
            return True

    site = Website()
    async with host(site) as port:
        place = f"a.example:{port}"
        policy = Policy(rules_for([place]))
        async with serving(policy, Names(), addresses=Anything()) as served:
            said = await served.ask(f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n")
    assert "own_machine" in said
    assert site.requests == []


async def test_bodies_go_both_ways_in_pieces() -> None:
    """Chunks, an expectation, an answer that comes before the question has ended."""
    got = bytearray()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        got.extend(await reader.readuntil(b"0\r\n\r\n"))
        writer.write(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        )

    async def hasty(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")

    async with host(echo) as one, host(hasty) as two:
        policy = Policy(rules_for([f"a.example:{one}", f"b.example:{two}"]))
        async with serving(policy) as served:
            head = "POST http://{0}/ HTTP/1.1\r\nHost: {0}\r\n".format(f"a.example:{one}")
            chunks = "Transfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\nTrailer: t\r\n\r\n"
            said = await served.ask(f"{head}Expect: 100-continue\r\n{chunks}")
            head = "POST http://{0}/ HTTP/1.1\r\nHost: {0}\r\n".format(f"b.example:{two}")
            early = await served.ask(f"{head}Content-Length: 900000\r\n\r\n{'x' * 100_000}")
    assert bytes(got) == b"3\r\nxyz\r\n0\r\n\r\n"
    assert said.endswith("\r\n0\r\n\r\n")
    assert "ab" in said
    assert early.startswith("HTTP/1.1 413")
    assert early.endswith("no!")


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
async def test_responses_without_a_body_end(method: str) -> None:
    """HEAD tells a length that doesn't come; 204 has none."""
    status = b"200 OK\r\nContent-Length: 5" if method == "HEAD" else b"204 No Content"
    async with host(Website(b"HTTP/1.1 " + status + b"\r\n\r\n")) as port:
        place = f"a.example:{port}"
        async with serving(Policy(rules_for([place]))) as served:
            said = await served.ask(f"{method} http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n")
    assert said.endswith("\r\n\r\n")
    assert served.requests[0].verdict == "allowed"
