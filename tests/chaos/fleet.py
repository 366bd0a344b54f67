"""Several replicas on one PostgreSQL, with the simulator as CallFire and a receiver, each a process of its own.

What befalls them is the campaigns' business; here is how they are started, how batches come and are followed, and how everything
is gathered in the end.
"""

import contextlib
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http import client as http_client
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from tests.chaos.campaign import SECRET, http, pages
from tests.chaos.database import Database
from tests.chaos.evidence import ACCEPTED, Batch, Evidence, unexpected
from tests.chaos.peers import peers
from tests.chaos.replica import Replica

ENDS: Final = ("ACTIVE", "ACTIVE", "ACTIVE", "ERRORS", "SOURCE_ERROR")
FOREVER: Final = 100_000.0
"""Seconds that a batch validates which is there so that its account always has something to be asked about."""
PATIENCE: Final = 600.0
"""Seconds: an event that is refused three times by chance is tried again after minutes."""
AUDIT: Final = Path(__file__).with_name("audit.sql")

Json = Any


@dataclass(slots=True)
class Fleet:
    """Where everything is. Each account has so many `parts`. `unfollowed` are batches that nobody has said yet are followed;
    `longest` is how long they validate at most, in seconds."""

    folder: Path
    api: str
    control: str
    receiver: str
    database: Database
    name: str
    accounts: Sequence[str]
    rate: float
    parts: int = 1
    replicas: list[Replica] = field(default_factory=list)
    followed: set[Batch] = field(default_factory=set)
    unfollowed: list[Batch] = field(default_factory=list)
    anchors: list[int] = field(default_factory=list)
    audited: bool = False
    longest: float = 15.0
    draw: random.Random = field(default_factory=lambda: random.Random(1))

    def hire(self, count: int, *, database: int | None = None, api: int | None = None) -> list[Replica]:
        """More replicas, started and up. The ports are those of wires to the database and to CallFire, where there are such."""
        place = partial(self.place, database)
        more = []
        for number in range(len(self.replicas), len(self.replicas) + count):
            config = self.folder / f"replica{number}.toml"
            config.write_text(self._settings(api), encoding="utf-8")
            config.chmod(0o600)  # there are passwords in it
            more.append(Replica(number, config, place))
        self.replicas += more
        for replica in more:
            replica.start()
        for replica in more:
            assert replica.url
        return more

    def place(self, port: int | None, user: str) -> str:
        """The URL of the database for a user of its own, so that it can be seen who wrote; by way of that port, if any."""
        make = f"BEGIN CREATE ROLE {user} SUPERUSER LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END"
        self.database.server.say(f"DO $${make}$$")  # users are for all databases of the server
        url = self.database.server.url(self.name).replace("postgres@", f"{user}@")
        return url if port is None else f"postgresql://{user}@127.0.0.1:{port}/{self.name}"

    def _settings(self, api: int | None) -> str:
        """A replica's settings file."""
        upstream = self.api
        if api is not None:
            parts = urlsplit(upstream)
            upstream = parts._replace(netloc=f"127.0.0.1:{api}").geturl()
        accounts = [
            f'[accounts.{name}]\nlogin = "{name}"\npassword = "password"\nrate = {self.rate:g}\nbase_url = "{upstream}"\n'
            f"parts = {self.parts}"
            for name in self.accounts
        ]
        return "\n".join(
            [
                *accounts,
                '[polling]\nmin_interval = "0.2s"\nmax_interval = "1s"\nsave_interval = "0.5s"\nworth = "0.01s"',
                'look_timeout = "3s"\nconnect_timeout = "1s"',
                '[webhooks]\nallow_networks = ["127.0.0.0/8"]\ntimeout = "2s"',
                f'[endpoints.default]\nurl = "{self.receiver}"\nsecret = "{SECRET}"\nordering = "batch"\n',
            ]
        )

    def audit(self) -> None:
        """From now on it is written down who writes without a lease; once, after the first replica made the tables."""
        self.database.server.say(AUDIT.read_text(encoding="utf-8"), self.name)
        self.audited = True

    def add(self, account: str, count: int, **plan: object) -> None:
        """More batches of the account at CallFire, to be followed."""
        ids: list[int] = http(f"{self.control}/batches", {"account": account, "count": count, **plan})["ids"]
        self.unfollowed += [(account, number) for number in ids]

    def anchor(self) -> None:
        """A batch for each account that does not end by itself."""
        for account in self.accounts:
            self.add(account, 1, new_for=0.1, validating_for=FOREVER, end="ACTIVE")
        self.anchors = [number for _, number in self.unfollowed]
        self.follow()

    def weigh(self) -> None:
        """The anchors end."""
        for number in self.anchors:
            http(f"{self.control}/batches/{number}/end", {})

    def some(self, draw: random.Random, count: int, longest: float | None = None) -> None:
        """Batches of any account, with any life up to so many seconds and a fifth of them."""
        longest = self.longest if longest is None else longest
        self.add(
            draw.choice(list(self.accounts)),
            count,
            new_for=draw.uniform(0.0, longest / 5),
            validating_for=draw.uniform(0.1, longest),
            end=draw.choice(ENDS),
        )

    def follow(self, at: Replica | None = None) -> bool:
        """Asks a replica that is there to follow what is not followed yet; whether it said that it does. Asked again, it is
        harmless: a client that does not know would do the same."""
        asked = list(self.unfollowed)
        if not asked:
            return True
        try:
            url = (at or self.present()).url
            http(f"{url}/v1/watches", [{"account": account, "batch_id": number} for account, number in asked])
        except (OSError, http_client.HTTPException):  # it died while we asked, or cannot write
            return False
        self.followed |= set(asked)
        self.unfollowed = self.unfollowed[len(asked) :]
        return True

    def present(self) -> Replica:
        """A replica that is there."""
        there = [replica for replica in self.replicas if replica.there]
        assert there, "no replica is there"
        return self.draw.choice(there)

    def owners(self) -> dict[str, int]:
        """The process that has each account, or each part of one, as the database says: what nobody has is not here."""
        rows = self.database.server.say(
            "SELECT leases.share, replicas.name FROM leases JOIN replicas ON replicas.id = leases.replica "
            "WHERE replicas.held_until > EXTRACT(EPOCH FROM clock_timestamp()) * 1000",
            self.name,
        )
        found = (row.rpartition("|") for row in rows.splitlines())
        return {share: int(name.split()[1]) for share, _, name in found}

    def history(self) -> dict[str, list[tuple[float, int | None]]]:
        """Since when, in Unix seconds, each account, or each part of one, has had which owner; None is nobody. In order."""
        history: dict[str, list[tuple[float, int | None]]] = defaultdict(list)
        rows = self.database.server.say(
            "SELECT account, owner, EXTRACT(EPOCH FROM at) FROM ownership ORDER BY number", self.name
        )
        for row in rows.splitlines():
            share, owner, at = row.split("|")
            history[share].append((float(at), None if owner == "nobody" else int(owner.split()[1])))
        return history

    def epochs(self) -> dict[str, int]:
        """How often each account has changed hands."""
        rows = self.database.server.say("SELECT share, epoch FROM leases", self.name).splitlines()
        return {share: int(epoch) for share, _, epoch in (row.rpartition("|") for row in rows)}

    def requests(self, since: int = 0) -> Json:
        """What CallFire was asked from that index on, and the index to go on from."""
        return http(f"{self.control}/requests?since={since}")

    def settle(self, seconds: float = PATIENCE) -> None:
        """Waits until all that ends has been learnt, and every event was accepted."""
        wait_for(lambda: not self.unfollowed or self.follow(), seconds, "following")
        self.weigh()
        deadline = time.monotonic() + seconds
        while owed := self._owed():
            assert time.monotonic() < deadline, f"still owed after {seconds:g} s: {owed}"
            time.sleep(0.5)

    def _owed(self) -> str:
        try:
            at = self.present()
            unfinished = sum(not watch["final"] for watch in pages(at.url, "/v1/watches?limit=1000", "cursor"))
            events = {event["id"] for event in pages(at.url, "/v1/events?limit=1000", "after")}
        except (OSError, http_client.HTTPException) as error:
            return f"nobody can be asked: {error!r}"
        undelivered = events - {each["id"] for each in self.received() if each["answered"] < ACCEPTED}
        if unfinished or undelivered:
            return f"{unfinished} unfinished, {len(undelivered)} undelivered"
        return ""

    def received(self) -> list[Json]:
        received: list[Json] = http(f"{self.receiver}journal")["received"]
        return received

    def gather(self) -> Evidence:
        """Everything, from whichever replica is there, before they are dismissed."""
        url = self.present().url
        return Evidence(
            rates=dict.fromkeys(self.accounts, self.rate),
            parts=self.parts,
            followed=frozenset(self.followed),
            truth=http(f"{self.control}/truth")["batches"],
            requests=self.requests()["requests"],
            watches=list(pages(url, "/v1/watches?limit=1000", "cursor")),
            events=list(pages(url, "/v1/events?limit=1000", "after")),
            received=self.received(),
            foreign=self.foreign() if self.audited else (),
            errors=[f"{each.number}: {error}" for each in self.replicas for error in unexpected(each.log())],
        )

    def foreign(self) -> list[str]:
        """Writes of a poller by a process that did not have the lease, or that we do not know."""
        pids = {name: pid for replica in self.replicas for name, pid in replica.pids.items()}
        rows = self.database.server.say("SELECT writer, account, owner, at FROM audit ORDER BY at", self.name)
        found = [row.split("|") for row in rows.splitlines()]
        return [
            f"{account} by {writer} (process {pids.get(writer)}), while {owner} had it, {at}"
            for writer, account, owner, at in found
            if f"process {pids.get(writer)} on" not in owner
        ]

    def dismiss(self) -> None:
        """Every replica that is there ends in good order."""
        there = [replica for replica in self.replicas if replica.process is not None]
        for replica in there:
            replica.ask_to_end()
        for replica in there:
            replica.end()

    def logs(self) -> str:
        """The end of what each replica logged, but for what happened to batches."""
        return "\n".join(
            f"--- replica {each.number}, {each.process and each.process.pid}\n"
            + "\n".join([line for line in each.log().splitlines() if '"batch.' not in line][-15:])
            for each in self.replicas
        )


@contextmanager
def fleet(
    folder: Path, database: Database, *, accounts: int, rate: float, parts: int = 1, fail_share: float = 0.02
) -> Iterator[Fleet]:
    """A database of its own, a simulator and a receiver, as long as the context lasts; no replica yet."""
    names = [f"a{number:02}" for number in range(accounts)]
    simulator = {"latency": 0.005, "accounts": {name: (name, "password") for name in names}}
    receiver = {"secret": SECRET, "fail_share": fail_share, "fail_code": 503}
    with peers(("simulator", simulator), ("receiver", receiver)) as (upstream, takes):
        ours = Fleet(
            folder,
            upstream["api"],
            upstream["control"],
            takes["url"],
            database,
            database.server.make(),
            names,
            rate,
            parts,
        )
        try:
            yield ours
        except Exception as error:
            error.add_note(ours.logs())
            raise
        finally:
            for replica in ours.replicas:
                replica.drop()


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """How long it took until it held; an exception of the network counts as not yet."""
    began = time.monotonic()
    while True:
        with contextlib.suppress(OSError, http_client.HTTPException):
            if condition():
                return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)
