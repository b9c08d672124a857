"""The broker's parts by themselves: names of hosts, addresses, first messages of TLS, secrets."""

import base64
import socket
import ssl
from functools import cache
from ipaddress import IPv6Address, ip_address, ip_network
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.egress.addresses import AddressRule, SystemResolver, is_public
from docmill.egress.credentials import Credential, Redactor
from docmill.egress.hello import read_hello
from docmill.egress.hosts import Authority, HostRule, parse_authority, parse_rule, plain_host
from docmill.egress.policy import Policy, RefusedError

QUICK = settings(deadline=None, max_examples=60)
SECRET = "s3cr3t/Va+lue=42"


@cache
def client_hello(name: str | None) -> bytes:
    """What OpenSSL sends first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("api.example.com", HostRule("api.example.com")),
        ("API.Example.com.", HostRule("api.example.com")),
        ("*.example.com", HostRule("example.com", wildcard=True)),
        ("api.example.com:8443", HostRule("api.example.com", (8443,))),
        ("192.0.2.1", HostRule("192.0.2.1")),
        ("[2001:DB8::1]:8080", HostRule("2001:db8::1", (8080,))),
    ],
)
def test_hosts_have_one_spelling(text: str, rule: HostRule) -> None:
    """And a rule written out is read as the same rule."""
    assert parse_rule(text) == rule
    assert parse_rule(str(rule)) == rule


def test_a_wildcard_is_about_all_below_a_host_but_not_itself() -> None:
    """Nor about hosts whose names merely end alike."""
    rule = parse_rule("*.example.com")
    hosts = ("a.example.com", "b.a.example.com", "example.com", "badexample.com")
    assert [rule.matches(host) for host in hosts] == [True, True, False, False]


@QUICK
@given(st.text(st.sampled_from("aZ07x.-_:*[]/\\@?#% \0\r\né"), max_size=30))
def test_whatever_is_no_host_is_refused(text: str) -> None:
    """A name that is taken is taken unchanged the second time, and can't hold a second one."""
    try:
        host = plain_host(text)
    except ValueError:
        return
    assert plain_host(host) == host
    assert not set(host) & set(" /\\@?#%\r\n\0[]")
    assert parse_authority(str(Authority(host, 443))) == Authority(host, 443)


@pytest.mark.parametrize(
    "text",
    [
        *("127.0.0.1", "10.0.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "100.100.100.200", "192.0.0.192", "198.18.0.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "168.63.129.16", "192.88.99.1", "203.0.113.5"),
        *("::", "::1", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::808:808", "64:ff9b:1::1"),
        *("2002:808:808::", "2001::1", "2001:db8::1", "fc00::1", "fd00:ec2::254", "fe80::1"),
        *("fec0::1", "ff02::1", "100::1", "3fff::1", "5f00::1"),
    ],
)
def test_these_addresses_are_not_public(text: str) -> None:
    """Of this machine, of its networks, of clouds, and those that wrap another one."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.216.34", "172.32.0.1", "2606:4700::1111"])
def test_these_are(text: str) -> None:
    """The Internet."""
    assert is_public(ip_address(text))


@QUICK
@given(st.integers(0, 2**32 - 1))
def test_no_wrapped_address_is_public(number: int) -> None:
    """Whatever IPv4 address is inside."""
    for prefix in ("::ffff:0:0", "::", "64:ff9b::"):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) + number))
    assert not is_public(IPv6Address(int(IPv6Address("2002::")) + (number << 80)))


def test_the_operator_may_allow_networks_but_never_metadata() -> None:
    """Not even by allowing everything."""
    rule = AddressRule((ip_network("10.1.0.0/16"),))
    assert rule.allows(ip_address("10.1.2.3"))
    assert not rule.allows(ip_address("10.2.0.1"))
    everything = AddressRule((ip_network("0.0.0.0/0"), ip_network("::/0")))
    for text in ("169.254.169.254", "fd00:ec2::254", "168.63.129.16", "100.100.100.200"):
        assert not everything.allows(ip_address(text))


async def test_the_machine_resolves_names() -> None:
    """A name that can't exist has no address."""
    resolver = SystemResolver()
    assert ip_address("127.0.0.1") in await resolver.resolve("localhost")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket, "getaddrinfo", _nothing)
        assert await resolver.resolve("none.example") == ()


def _nothing(*_: object, **__: object) -> list[object]:
    raise socket.gaierror(socket.EAI_NONAME, "no such name")


@pytest.mark.parametrize("name", ["a.example", "B.Example", None])
def test_the_first_message_tells_the_host(name: str | None) -> None:
    """As the client wrote it; some have none."""
    hello = read_hello(client_hello(name))
    assert hello is not None
    assert (hello.name or "").lower() == (name or "").lower()
    assert not hello.hides_name


def test_a_first_message_may_come_in_many_pieces() -> None:
    """Of the stream, and of TLS's own records."""
    data = client_hello("a.example")
    assert all(read_hello(data[:end]) is None for end in range(len(data)))
    message = data[5:]
    records = b"".join(
        b"\x16\x03\x01" + len(message[at : at + 50]).to_bytes(2, "big") + message[at : at + 50]
        for at in range(0, len(message), 50)
    )
    hello = read_hello(records)
    assert hello is not None
    assert hello.name == "a.example"


def test_a_hidden_name_is_noticed() -> None:
    """An encrypted first message inside the first message."""
    data = bytearray(client_hello("a.example"))
    extra = b"\xfe\x0d\x00\x01\x00"
    body = bytearray(data[9:])
    at = 34 + 1 + body[34]
    at += 2 + int.from_bytes(body[at : at + 2], "big")
    at += 1 + body[at]
    length = int.from_bytes(body[at : at + 2], "big") + len(extra)
    body[at : at + 2] = length.to_bytes(2, "big")
    body += extra
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    hello = read_hello(b"\x16\x03\x01" + len(message).to_bytes(2, "big") + message)
    assert hello is not None
    assert hello.hides_name


@QUICK
@given(st.binary(max_size=400), st.integers(0, 500))
def test_a_broken_first_message_is_refused_or_waited_for(noise: bytes, at: int) -> None:
    """Nothing else happens, and nothing is read beyond the end."""
    data = bytearray(client_hello("a.example"))
    data[at : at + len(noise)] = noise
    for candidate in (noise, bytes(data)):
        try:
            hello = read_hello(candidate)
        except ValueError:
            continue
        assert hello is None or hello.name is None or hello.name.isascii()


def test_an_endless_first_message_is_refused() -> None:
    """It has to fit its size."""
    record = b"\x16\x03\x01\x40\x00" + b"\x01\xff\xff\xff" + bytes(16380)
    with pytest.raises(ValueError, match="too long"):
        read_hello(record + record[:5] + bytes(1 << 14) + record[:5])


@QUICK
@given(
    st.binary(max_size=30),
    st.sampled_from(["raw", "base64", "hex", "quoted"]),
    st.binary(max_size=30),
    st.integers(1, 9),
)
def test_a_secret_is_blotted_out_in_any_form_and_pieces(
    before: bytes, form: str, after: bytes, size: int
) -> None:
    """The stream keeps its length."""
    raw = SECRET.encode()
    forms = {"raw": raw, "hex": raw.hex().encode(), "quoted": quote(SECRET, safe="").encode()}
    if form == "base64":
        stream = base64.b64encode(before + raw + after)
    else:
        stream = before + forms[form] + after
    redactor = Redactor([SECRET])
    pieces = [redactor.feed(stream[at : at + size]) for at in range(0, len(stream), size)]
    clean = b"".join(pieces) + redactor.end()
    assert len(clean) == len(stream)
    assert redactor.found
    assert all(form not in clean for form in forms.values())
    if form == "base64":
        assert raw not in base64.b64decode(clean.replace(b"*", b"A"))


@QUICK
@given(st.binary(max_size=200), st.integers(1, 50))
def test_other_text_passes_unchanged(data: bytes, size: int) -> None:
    """Whatever its pieces."""
    redactor = Redactor([SECRET])
    pieces = [redactor.feed(data[at : at + size]) for at in range(0, len(data), size)]
    assert b"".join(pieces) + redactor.end() == data
    assert not redactor.found


def test_a_credential_does_not_show_its_secret() -> None:
    """Not in its representation, nor in that of what holds it."""
    credential = Credential("crm", SECRET, (parse_rule("a.example", ports=(443,)),))
    assert SECRET not in repr(credential) + repr(Policy(credentials=(credential,)))


def test_unrestricted_is_every_public_name_on_the_webs_ports() -> None:
    """Addresses and the ports of mail and shells stay closed."""
    policy = Policy(unrestricted=True)
    for allowed in (("a.example", 443), ("b.example", 80), ("c.example", 8443)):
        policy.check(Authority(*allowed))
    for refused in (("a.example", 22), ("a.example", 25), ("8.8.8.8", 443)):
        with pytest.raises(RefusedError):
            policy.check(Authority(*refused))
