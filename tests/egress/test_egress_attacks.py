"""What a hostile program tries on the broker: it harms nobody but itself."""

import asyncio
import random
import time
from contextlib import suppress

import pytest
from tests.egress.egress_scene import Names, Served, Website, host, serving

from docmill.egress.hosts import rules_for
from docmill.egress.policy import Caps, Policy
from docmill.egress.streams import Clock, SocketStream


def allowing(*hosts: str, caps: Caps | None = None) -> Policy:
    """A policy that lists these hosts."""
    return Policy(rules_for(hosts), caps=caps or Caps())


@pytest.mark.parametrize(
    "head",
    [
        "POST {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked",
        "POST {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\nContent-Length: 6",
        "POST {url} HTTP/1.0\r\nHost: {host}\r\nTransfer-Encoding: chunked",
        "POST {url} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked, identity",
        "POST {url} HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding : chunked",
        "POST {url} HTTP/1.1\r\nHost: {host}\r\nContent-Length: +5",
        "GET {url} HTTP/1.1\r\nHost: {host}\r\nHost: b.example",
        "GET {url} HTTP/1.1\r\nHost: b.example",
        "GET {url} HTTP/1.1",
        "GET {url}\x00 HTTP/1.1\r\nHost: {host}",
        "GET http://b.example@{host}/ HTTP/1.1\r\nHost: {host}",
        "GET http://{host}\\@b.example/ HTTP/1.1\r\nHost: {host}",
        "GET http://{host}#@b.example/ HTTP/1.1\r\nHost: {host}",
        "GET http://[::1/ HTTP/1.1\r\nHost: {host}",
        "GET http://[v6.a]/ HTTP/1.1\r\nHost: {host}",
        "GET http:///p HTTP/1.1\r\nHost: {host}",
        "GET / HTTP/1.1\r\nHost: {host}",
        "GET https://{host}/ HTTP/1.1\r\nHost: {host}",
        "GET ftp://{host}/ HTTP/1.1\r\nHost: {host}",
        "TRACE {url} HTTP/1.1\r\nHost: {host}",
        "CONNECT {host} HTTP/1.1\r\nHost: b.example:443",
        "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 3",
        "SSH-2.0-OpenSSH_9.2",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_a_request_two_readers_could_differ_about_is_refused(head: str) -> None:
    """Smuggled lengths, two hosts, hosts in disguise: nothing of it reaches the host."""
    site = Website()
    async with host(site) as port, serving(allowing(f"a.example:{port}")) as served:
        place = f"a.example:{port}"
        raw = head.format(url=f"http://{place}/", host=place) + "\r\n\r\nGET /smuggled HTTP/1.1"
        said = await served.ask(f"{raw}\r\nHost: {place}\r\n\r\n".encode("latin-1"))
    assert " 200" not in said
    assert site.requests == []
    assert {event.verdict for event in served.requests} == {"refused"}


async def test_a_second_request_on_a_connection_is_not_read() -> None:
    """One connection carries one request; what follows is forgotten."""
    site = Website()
    async with host(site) as port, serving(allowing(f"a.example:{port}")) as served:
        place = f"a.example:{port}"
        get = f"GET http://{place}/{{}} HTTP/1.1\r\nHost: {place}\r\n\r\n"
        said = await served.ask(get.format("one") + get.format("two"))
    assert said.count("HTTP/1.1 200") == 1
    assert "connection: close" in said.lower()
    assert len(site.requests) == 1


async def test_a_body_in_no_form_is_refused() -> None:
    """The host sees the request end in the middle, not another one begin."""
    got = bytearray()

    async def reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        got.extend(await reader.read())

    async with host(reading) as port, serving(allowing(f"a.example:{port}")) as served:
        place = f"a.example:{port}"
        head = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nTransfer-Encoding: chunked"
        said = await served.ask(f"{head}\r\n\r\n3\r\nabcGET /smuggled HTTP/1.1\r\n\r\n")
    assert " 400" in said
    assert served.reasons == ["bad_request"]
    assert b"smuggled" not in got


SEEDS = (
    b"GET http://a.example:%d/p?q HTTP/1.1\r\nHost: a.example:%d\r\nX: y\r\n\r\n",
    b"POST http://a.example:%d/ HTTP/1.1\r\nHost: a.example:%d\r\nContent-Length: 2\r\n\r\nhi",
    b"CONNECT a.example:%d HTTP/1.1\r\nHost: a.example:%d\r\n\r\n\x16\x03\x01\0\5\1\0\0\1\0",
)
SCRAPS = (b"\r\n", b"\0", b" ", b":", b"Host: b\r\n", b"[::1]", b"%00", b"\xff", b"@", b"9" * 30)


async def test_no_mangled_request_makes_it_stumble() -> None:
    """Each gets an answer or an end, and a reason in the log that was thought of."""
    chance = random.Random(7)
    caps = Caps(head_seconds=0.3, idle_seconds=0.5)
    async with host(Website()) as port, serving(allowing(f"a.example:{port}", caps=caps)) as served:
        requests: list[bytes] = []
        for number in range(120):
            raw = bytearray(SEEDS[number % 3] % (port, port))
            for _ in range(chance.randint(1, 3)):
                place = chance.randrange(len(raw))
                raw[place : place + chance.choice((0, 0, 3))] = chance.choice(SCRAPS)
            requests.append(bytes(raw))
        await asyncio.gather(*map(served.ask, requests), return_exceptions=True)
        await served.recorded(120)
    assert set(served.reasons) <= {
        *("", "bad_request", "host_header_mismatch", "host_not_allowed", "port_not_allowed"),
        *("not_tls", "sni_mismatch", "timeout", "broken_off"),
    }


async def test_a_huge_head_is_refused() -> None:
    """Before it is all there."""
    async with serving(allowing("a.example")) as served:
        said = await served.ask("GET http://a.example/ HTTP/1.1\r\nX: " + "x" * 200_000)
    assert " 431" in said
    assert served.reasons == ["head_too_large"]


async def test_a_head_that_comes_drop_by_drop_is_given_up() -> None:
    """The head as a whole has its time, however lively it is."""
    caps = Caps(head_seconds=0.2)
    async with serving(allowing("a.example", caps=caps)) as served:
        reader, writer = await served.connect()
        began = time.perf_counter()
        dripping = asyncio.create_task(drip(writer))
        with suppress(ConnectionResetError):  # what still dripped met a closed socket
            await asyncio.wait_for(reader.read(), 5)
        dripping.cancel()
        writer.close()
        await served.recorded(1)
    assert time.perf_counter() - began < 4
    assert served.reasons == ["timeout"]


async def drip(writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    try:
        for byte in b"GET http://a.example/ HTTP/1.1\r\nX-Long: " + b"x" * 10_000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.02)
    except OSError:
        return


async def test_a_host_that_falls_silent_is_given_up() -> None:
    """A connection on which nothing moves ends; so does one that moves for ever."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        await reader.read()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.01)

    caps = Caps(idle_seconds=0.2, seconds=0.5)
    async with host(silent) as one, host(endless) as two:
        hosts = (f"a.example:{one}", f"b.example:{two}")
        async with serving(allowing(*hosts, caps=caps)) as served:
            for place in hosts:
                await served.ask(f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n")
            await served.recorded(2)
    assert served.reasons == ["timeout", "timeout"]
    assert all(event.seconds < 3 for event in served.requests)


async def test_a_hundred_connections_at_once_wait_their_turn() -> None:
    """Those that say nothing hold a slot for as long as a head may take; then the others go."""
    site = Website()
    caps = Caps(at_once=8, head_seconds=0.2)
    async with host(site) as port, serving(allowing(f"a.example:{port}", caps=caps)) as served:
        silent = [await served.connect() for _ in range(60)]
        place = f"a.example:{port}"
        get = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n"
        answers = await asyncio.gather(*(served.ask(get) for _ in range(40)))
        for _, writer in silent:
            writer.close()
        await served.recorded(100)
    assert all(answer.endswith("ok") for answer in answers)
    assert len(site.requests) == 40
    gone = [event for event in served.requests if event.reason in ("timeout", "broken_off")]
    assert len(gone) == 60


async def test_connections_in_all_are_counted() -> None:
    """After the last one nobody is let in any more."""
    async with serving(allowing("a.example", caps=Caps(connections=3))) as served:
        for _ in range(3):
            await served.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await served.ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert len(served.requests) == 3


@pytest.mark.parametrize("way", ["sent", "received"])
async def test_bytes_are_capped_both_ways(way: str) -> None:
    """Of the whole session, not of one connection."""
    size = 60_000
    body = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size
    site = Website(body if way == "received" else b"")
    caps = Caps(sent=150_000) if way == "sent" else Caps(received=150_000)
    async with host(site) as port, serving(allowing(f"a.example:{port}", caps=caps)) as served:
        place = f"a.example:{port}"
        data = "x" * (size if way == "sent" else 1)
        head = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nContent-Length: {len(data)}"
        for _ in range(4):
            await served.ask(f"{head}\r\n\r\n{data}")
        await served.recorded(4)
    verdicts = [event.verdict for event in served.requests]
    assert verdicts == ["allowed", "allowed", "refused", "refused"]
    assert served.reasons[2:] == ["bytes_limit"] * 2


async def test_a_body_in_scraps_leaves_others_their_turn() -> None:
    """Thousands of chunks that come at once are carried one by one, between what others do."""

    async def reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n0\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    async def tick() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    turns, chunks = 0, 3_000
    async with host(reading) as port, serving(allowing(f"a.example:{port}")) as served:
        place = f"a.example:{port}"
        head = f"POST http://{place}/ HTTP/1.1\r\nHost: {place}\r\nTransfer-Encoding: chunked"
        ticking = asyncio.create_task(tick())
        said = await served.ask(head + "\r\n\r\n" + "1\r\nx\r\n" * chunks + "0\r\n\r\n")
        ticking.cancel()
    assert said.endswith("ok")
    assert turns > chunks


async def test_scraps_without_end_are_read_slowly() -> None:
    """A tunnel's bytes that come one by one can't keep this process busy."""

    async def taking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        while await reader.read(1):
            pass

    reader = asyncio.StreamReader()
    async with host(taking) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        stream = SocketStream(reader, writer, Clock(Caps()))
        began = time.perf_counter()
        for _ in range(1_050):
            reader.feed_data(b"x")
            assert await stream.read() == b"x"
        assert time.perf_counter() - began > 50 * 0.005
        stream.close()


async def test_the_log_does_not_grow_without_end() -> None:
    """After a number of requests they are only counted; the summary says how many."""
    async with serving(allowing("a.example", caps=Caps(events=3))) as served:
        for _ in range(5):
            await served.ask("GET http://b.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n")
    *listed, summary = served.events
    assert len(listed) == 3
    assert (summary.refused, summary.unlisted) == (5, 2)  # type: ignore[union-attr]


async def test_what_is_under_way_ends_with_the_session() -> None:
    """Nothing outlives the sandbox; its log says that the request was cut."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        reached.set()
        await reader.read()

    reached = asyncio.Event()
    async with host(silent) as port:
        place = f"a.example:{port}"
        async with serving(allowing(place)) as served:
            asking = asyncio.create_task(
                served.ask(f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n")
            )
            await reached.wait()
        (told,) = await asyncio.gather(asking, return_exceptions=True)
    assert told == "" or isinstance(told, OSError)
    assert served.reasons == ["session_ended"]


async def test_two_sessions_know_nothing_of_each_other() -> None:
    """Each door has its own log, caps and connections."""
    async with serving(allowing("a.example")) as one, serving(allowing("b.example")) as two:
        await one.ask("GET http://c.example/ HTTP/1.1\r\nHost: c.example\r\n\r\n")
    assert (len(one.requests), len(two.events)) == (1, 0)


async def test_a_host_that_is_no_host_is_told_apart() -> None:
    """No such name, nobody there, no HTTP: three reasons, none of them a crash."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")

    async def get(served: Served, place: str) -> str:
        return await served.ask(f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n")

    names = Names(none_example=[])
    async with host(rude) as port:
        places = ("none.example", "a.example:1", f"b.example:{port}")
        async with serving(allowing(*places), names) as served:
            answers = [await get(served, place) for place in places]
    assert all(" 502" in answer for answer in answers)
    assert served.reasons == ["name_not_found", "connect_failed", "bad_response"]
