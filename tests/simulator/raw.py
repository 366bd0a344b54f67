"""A client that shows answers byte by byte, the broken ones too."""

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tests.simulator.house import PATIENCE, House, authorization


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """All that came until the connection was closed, or reset."""

    code: int | None
    headers: dict[str, str]
    body: bytes
    reset: bool


NOTHING_BUT_A_RESET: Final = Bytes(code=None, headers={}, body=b"", reset=True)


async def connect(house: House) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", urlsplit(house.addresses.api).port)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """One request of the default account; an underscore in a header's name stands for a dash."""
    told = {"Host": "here", "Authorization": authorization("default"), "Connection": "close"}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    if body:
        told["Content-Length"] = str(len(body))
    lines = [f"{method} /v2{path} HTTP/1.1", *(f"{name}: {value}" for name, value in told.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


async def heard(house: House, method: str, path: str, body: bytes = b"", **headers: str) -> Bytes:
    """What one request brings, to the last byte."""
    reader, writer = await connect(house)
    writer.write(request(method, path, body, **headers))
    came, reset = b"", False
    try:
        async with asyncio.timeout(PATIENCE):
            while piece := await reader.read(2**16):
                came += piece
    except ConnectionResetError:
        reset = True
    finally:
        writer.close()
    if not came:
        return Bytes(code=None, headers={}, body=b"", reset=reset)
    head, _, rest = came.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    told = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    return Bytes(code=int(first.split(" ")[1]), headers=told, body=rest, reset=reset)
