"""A receiver of webhooks in this process, whose answers a test chooses by path."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.sockets import Quiet, serving


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is answered at a path."""

    code: int = 204
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Receiver:
    """Where it is, what it answers from now on, and what it got: a path and the headers each."""

    url: str
    says: dict[str, Said] = field(default_factory=dict)
    got: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def ids(self, path: str) -> list[str]:
        """The ids of the events that came at the path, in their order."""
        return [headers["webhook-id"] for at, headers in self.got if at == path]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Up until the end of the context."""
    receiver = Receiver(url="")

    class Handler(Quiet):
        def do_POST(self) -> None:  # noqa: N802 -- as it is called there
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            receiver.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            said = receiver.says.get(self.path, Said())
            body = said.body.encode()
            self.send_response(said.code)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if said.code != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with serving(Handler) as receiver.url:
        yield receiver
