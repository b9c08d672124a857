"""Messages by a mail server, over the wire, with credentials as Prefect keeps them."""

import asyncio
import contextlib
import smtplib
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import pytest

from docmill.flow.errands import BlockMessage, Reply

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@dataclass
class Mailbox:
    """A mail server on loopback that takes what comes, and the credentials for it."""

    username: str = "docmill@firm.example"
    port: int = 0
    got: list[str] = field(default_factory=list[str])

    @contextlib.contextmanager
    def get_server(self) -> Generator[smtplib.SMTP]:
        """A connection, as the block `EmailServerCredentials` gives it."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as server:
            yield server

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """As little SMTP as a client needs."""
        writer.write(b"220 here\r\n")
        while line := (await reader.readline()).decode().upper():
            if line.startswith("DATA"):
                writer.write(b"354 go on\r\n")
                self.got.append((await reader.readuntil(b"\r\n.\r\n")).decode())
            writer.write(b"221 bye\r\n" if line.startswith("QUIT") else b"250 fine\r\n")
        writer.close()
        await writer.wait_closed()


@pytest.mark.usefixtures("prefect_server")
def test_a_mail_goes_to_everybody_it_is_for() -> None:
    """From whom the credentials are; without anybody to send to it says so."""
    from docmill.flow.sending import sent_by

    async def send(box: Mailbox, *messages: BlockMessage) -> list[Any]:
        server = await asyncio.start_server(box.answer, "127.0.0.1", 0)
        async with server:
            box.port = server.sockets[0].getsockname()[1]
            return [await sent_by(box, message) for message in messages]

    box = Mailbox()
    text = ("email-server-credentials/x", "docmill: run-0007 failed", "1 fäiled")
    replies = asyncio.run(
        send(box, BlockMessage(*text, to=("a@b.example", "c@d.example")), BlockMessage(*text))
    )
    assert replies == [Reply("found"), Reply("failed", "a mail server needs `to`")]
    (mail,) = box.got
    assert "Subject: docmill: run-0007 failed" in mail
    assert "From: docmill@firm.example" in mail
    assert "To: a@b.example, c@d.example" in mail


@pytest.mark.usefixtures("prefect_server")
def test_what_is_no_messenger_sends_nothing() -> None:
    """Nor does one that fails end anything."""
    from docmill.flow.sending import sent_by

    class Broken:
        """A mail server that is away."""

        username = "docmill@firm.example"

        def get_server(self) -> None:
            """Fail."""
            raise ConnectionRefusedError

    message = BlockMessage("a/b", "subject", "body", to=("a@b.example",))
    assert asyncio.run(sent_by(object(), message)) == Reply("other_type", "object")
    assert asyncio.run(sent_by(Broken(), message)) == Reply("failed", "ConnectionRefusedError")
