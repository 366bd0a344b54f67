"""A mail server on a real socket that says what it is told to, and keeps what it accepts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default


@dataclass(slots=True)
class Mailbox:
    """The server's port, the mails it accepted, and whether it accepts any at present."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    accepts: bool = True
    came: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, password: str = "word", more: str = "") -> str:
        """Apprise's URL of a mailbox there."""
        query = "smtp=127.0.0.1&from=watcher@example.org&to=oncall@example.org&mode=insecure"
        return f"mailto://anna:{password}@example.org:{self.port}?{query}{more}"


@asynccontextmanager
async def mailbox() -> AsyncIterator[Mailbox]:
    """Serves as much of SMTP as a mail takes."""
    box = Mailbox()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org\r\n")
        while line := (await reader.readline()).upper():
            if line.startswith(b"EHLO"):
                writer.write(b"250-mail.example.org\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH"):
                writer.write(b"235 welcome\r\n")
            elif line.startswith(b"RCPT") and not box.accepts:
                writer.write(b"451 try again\r\n")
            elif line.startswith(b"DATA"):
                writer.write(b"354 go on\r\n")
                text = await reader.readuntil(b"\r\n.\r\n")
                box.mails.append(message_from_bytes(text[:-3], policy=default))
                box.came.set()
                writer.write(b"250 accepted\r\n")
            elif line.startswith(b"QUIT"):
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 well\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        box.port = server.sockets[0].getsockname()[1]
        yield box
