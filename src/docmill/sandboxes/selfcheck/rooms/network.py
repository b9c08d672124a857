"""Attacks over the network and over other sockets. No control sends anything off the machine."""

import asyncio
import socket
from contextlib import suppress

from docmill.sandboxes.base import Sandbox
from docmill.sandboxes.selfcheck.bait import Bait
from docmill.sandboxes.selfcheck.base import Outcome, Room, Stage
from docmill.sandboxes.selfcheck.scripting import control_process, scripted, staged

_CONNECT = """
import socket
def ask(family, kind, address):
    with socket.socket(family, kind) as stream:
        stream.settimeout(2)
        stream.connect(address)
        if kind == socket.SOCK_DGRAM:
            stream.send(b"?")
        if holds(stream.recv(100)):
            reached(f"{address!r} has told the secret")
    stopped("somebody else answers")
"""
_NO_SERVICE = """
if BAIT.get(KIND) is None:
    unclear("the host has no such address to serve on")
"""


def _asking(kind: str, family: str, address: str) -> str:
    """A script that asks one of the bait's services."""
    sort = "SOCK_DGRAM" if kind == "udp" else "SOCK_STREAM"
    missing = _NO_SERVICE.replace("KIND", repr(kind))
    return f"{missing}{_CONNECT}\nask(socket.{family}, socket.{sort}, {address})\n"


LOOPBACK = _asking("tcp", "AF_INET", 'tuple(BAIT["tcp"])')
_ALL_SOCKETS = """
import socket, stat
def paths():
    for top in ("/run", "/var/run", "/tmp", "/var/tmp", "/dev", "/workspace", "/opt", "/srv"):
        for folder, inner, names in os.walk(top):
            if folder.count("/") > 4:
                inner.clear()
            yield from (os.path.join(folder, name) for name in names)
    yield from ("/var/lib/docker.sock", "/host/run/docker.sock")

seen = []
for path in paths() if INSIDE else [BAIT["unix"]]:
    try:
        if stat.S_ISSOCK(os.lstat(path).st_mode):
            with socket.socket(socket.AF_UNIX) as stream:
                stream.settimeout(1)
                stream.connect(path)
                reached(f"connected to {path}")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(f"sockets: {told(seen)}")
"""
_FAMILY = """
import socket
seen = []
for family, kind, protocol in FAMILIES:
    try:
        socket.socket(family, kind, protocol).close()
        reached(f"has a socket of family {family}, kind {kind}")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(told(seen))
"""
_NETLINK = "FAMILIES = [(16, 3, kind) for kind in (0, 4, 9, 12, 15, 16)]\n" + _FAMILY
_RAW = "FAMILIES = [(2, 3, 1), (2, 3, 255), (10, 3, 58)]\n" + _FAMILY
_PACKET = "FAMILIES = [(17, 3, 768), (17, 2, 768), (2, 10, 768)]\n" + _FAMILY
_VSOCK = "FAMILIES = [(40, 1, 0), (40, 2, 0)]\n" + _FAMILY
_RARE = (
    "FAMILIES = [(family, kind, 0) for family in range(3, 46) for kind in (1, 2, 3, 5)\n"
    "    if family not in (10, 16, 17, 40)]\n" + _FAMILY
)
_SOME_RIGHTS = """
if os.geteuid():
    system_call("unshare", 0x50000000)
"""
_INTERFACES = """
lines = open("/proc/self/net/dev").read().splitlines()[2:]
names = [line.partition(":")[0].strip() for line in lines]
others = [name for name in names if name != "lo"]
reached(", ".join(others)) if others else stopped(f"only {', '.join(names)}")
"""
_OWN_NETWORK = """
import fcntl, signal, socket, struct
if system_call("unshare", 0x40000000)[0] < 0 and system_call("unshare", 0x50000000)[0] < 0:
    unclear("no network namespace can be had for the control")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
    fcntl.ioctl(device, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    for number, address in enumerate(("169.254.169.254", "192.0.2.1")):
        packed = struct.pack("HH4s8x", 2, 0, socket.inet_aton(address))
        fcntl.ioctl(device, 0x8916, struct.pack("16s16s8x", b"lo:%d" % (number + 1), packed))

def serve(address, kind):
    server = socket.socket(socket.AF_INET, kind)
    server.bind(address)
    if kind == socket.SOCK_STREAM:
        server.listen()
    if os.fork() == 0:
        signal.alarm(5)
        if kind == socket.SOCK_STREAM:
            server.accept()[0].sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n")
        else:
            data, caller = server.recvfrom(512)
            server.sendto(data[:2] + b"\\x81\\x80" + data[4:], caller)
        os._exit(0)

serve(("169.254.169.254", 80), socket.SOCK_STREAM)
serve(("127.0.0.53", 53), socket.SOCK_DGRAM)
"""
_METADATA = """
import socket
seen = []
for address in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "fd00:ec2::254"):
    try:
        with socket.create_connection((address, 80), 2) as stream:
            stream.sendall(b"GET /latest/meta-data/ HTTP/1.0\\r\\n\\r\\n")
            reached(f"{address} answers {stream.recv(30)!r}")
    except OSError as error:
        seen.append(name_of(error.errno))
stopped(told(seen))
"""
ROUTE = """
import socket
seen = []
for family, address in ((2, "192.0.2.1"), (2, "10.0.0.1"), (2, "172.17.0.1"), (2, "192.168.1.1"),
        (10, "2001:db8::1"), (10, "fe80::1%lo")):
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((address.partition("%")[0], 9))
            reached(f"there is a way to {address}")
        except OSError as error:
            seen.append(name_of(error.errno))
stopped(told(seen))
"""
NAMES = """
import socket, struct
question = struct.pack("!6H", 4711, 256, 1, 0, 0, 0) + b"\\x04leak\\x07example\\0\\0\\1\\0\\1"
servers = {"127.0.0.53", "127.0.0.1", "127.0.0.11", "10.0.2.3", "192.0.2.53", "::1"}
try:
    lines = open("/etc/resolv.conf").read().splitlines()
    servers |= {line.split()[1] for line in lines if line.startswith("nameserver")}
except OSError:
    pass
seen = []
for server in sorted(servers) if INSIDE else ["127.0.0.53"]:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as stream:
        stream.settimeout(0.3)
        try:
            stream.connect((server, 53))
            stream.send(question)
            reached(f"{server} answers with {len(stream.recv(512))} bytes")
        except TimeoutError:
            seen.append("silence")
        except OSError as error:
            seen.append(name_of(error.errno))
if INSIDE:
    try:
        socket.getaddrinfo("leak.example", 80)
        reached("a name was resolved")
    except socket.gaierror as error:
        seen.append("no such name")
stopped(told(seen))
"""
_LISTEN = """
import signal, socket
signal.alarm(5)
with socket.create_server(("0.0.0.0", PORT)) as server:
    print("listening", flush=True)
    server.accept()
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def _answers(port: int) -> bool:
    """Whether a host's client finds somebody there within a second."""
    for _ in range(10):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        await asyncio.sleep(0.1)
    return False


async def _serve_inside(stage: Stage) -> Outcome:
    port = _free_port()
    async with stage.open() as sandbox:
        await _start_listening(sandbox, port)
        if await _answers(port):
            return Outcome(True, f"a client of the host was served on port {port}")
    return Outcome(False, f"it listens on port {port} inside; outside nobody does")


async def _start_listening(sandbox: Sandbox, port: int) -> None:
    await sandbox.put("/workspace/serve.py", _LISTEN.replace("PORT", str(port)).encode())
    command = "python3 serve.py > told & until grep -q listening told; do sleep 0.02; done"
    await sandbox.call("bash", {"command": command}, timeout=10)


async def _serve_outside(bait: Bait) -> Outcome:
    port = _free_port()
    local = _LISTEN.replace("PORT", str(port)).replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    async with control_process(bait, local) as process:
        assert process.stdout
        await process.stdout.readline()
        found = await _answers(port)
    return Outcome(found, f"a client was served on port {port}" if found else "nobody answers")


OWN_NETWORK = "the sandbox's own network namespace, with a loopback device only"
FILTER = "the system-call filter: unix and internet sockets only"

ROOM = Room(
    "network",
    (
        scripted(
            "loopback-tcp",
            tries="Connect to a service on the host's loopback address.",
            script=LOOPBACK,
            held_by=OWN_NETWORK,
            gives="Databases, model servers and Prefect on the host, mostly without a password.",
        ),
        scripted(
            "loopback-udp",
            tries="Send datagrams to a service on the host's loopback address.",
            script=_asking("udp", "AF_INET", 'tuple(BAIT["udp"])'),
            held_by=OWN_NETWORK,
            gives="Name service, logging and metrics of the host.",
        ),
        scripted(
            "loopback-ipv6",
            tries="Connect to a service on the host's IPv6 loopback address.",
            script=_asking("tcp6", "AF_INET6", 'tuple(BAIT["tcp6"])'),
            held_by=OWN_NETWORK,
            gives="The same services where only IPv4 was thought of.",
        ),
        scripted(
            "host-address",
            tries="Connect to the host by its address in the local network.",
            script=_asking("lan", "AF_INET", 'tuple(BAIT["lan"])'),
            held_by=OWN_NETWORK,
            gives="Services of the host and of its neighbours.",
        ),
        scripted(
            "abstract-socket",
            tries="Connect to an abstract unix socket of the host.",
            script=_asking("abstract", "AF_UNIX", '"\\0" + BAIT["abstract"]'),
            held_by=OWN_NETWORK,
            gives="Desktop buses and container shims, which often trust whoever connects.",
        ),
        scripted(
            "unix-socket",
            tries="Connect to a unix socket of the host by its path.",
            script=_asking("unix", "AF_UNIX", 'BAIT["unix"]'),
            held_by="the sandbox's own mount namespace",
            gives="Docker's socket, which is root on the host; D-Bus; databases.",
        ),
        scripted(
            "any-socket",
            tries="Find a socket file anywhere and connect to it.",
            script=_ALL_SOCKETS,
            held_by="the sandbox's own mount namespace",
            gives="Docker's socket, which is root on the host; D-Bus; databases.",
        ),
        scripted(
            "vsock",
            tries="Get a socket to the machine's hypervisor (AF_VSOCK), which no namespace parts.",
            script=_VSOCK,
            held_by=FILTER,
            gives="Services that the hypervisor or its other guests offer this machine.",
        ),
        scripted(
            "netlink",
            tries="Get a socket to the kernel's network, audit and device configuration.",
            script=_NETLINK,
            held_by=FILTER,
            gives="Kernel code for administrators, where many of its holes were.",
        ),
        scripted(
            "raw-socket",
            tries="Get a raw IP socket.",
            guard=_SOME_RIGHTS,
            script=_RAW,
            held_by="no capability",
            gives="Forged packets.",
        ),
        scripted(
            "packet-socket",
            tries="Get a socket to a network device.",
            guard=_SOME_RIGHTS,
            script=_PACKET,
            held_by=FILTER,
            gives="All that passes on the network, and code that had holes.",
        ),
        scripted(
            "rare-sockets",
            tries="Get a socket of any other family: crypto, Bluetooth, CAN, TIPC, RDS, XDP.",
            script=_RARE,
            held_by=FILTER,
            gives="Kernel code that hardly anybody uses; loading it may load a module.",
        ),
        scripted(
            "interfaces",
            tries="See the host's network devices.",
            script=_INTERFACES,
            held_by=OWN_NETWORK,
            gives="The host's addresses; the first step out.",
        ),
        scripted(
            "metadata",
            tries="Ask the metadata service of a cloud (169.254.169.254 and others, IPv6 too).",
            guard=_OWN_NETWORK,
            script=_METADATA,
            held_by=OWN_NETWORK,
            gives="The machine's credentials in its cloud.",
        ),
        scripted(
            "route-out",
            tries="Find a route to any address.",
            guard=_OWN_NETWORK,
            script=ROUTE,
            held_by=OWN_NETWORK,
            gives="A way to carry documents away.",
        ),
        scripted(
            "name-service",
            tries="Have a name resolved by any name server.",
            guard=_OWN_NETWORK,
            script=NAMES,
            held_by=OWN_NETWORK,
            gives="A way to carry documents away, in the names asked for.",
        ),
        staged(
            "serve-on-host",
            tries="Offer a service on a port of the host's loopback address.",
            inside=_serve_inside,
            outside=_serve_outside,
            held_by=OWN_NETWORK,
            gives="What other programs send to a service they take it for.",
        ),
    ),
)
