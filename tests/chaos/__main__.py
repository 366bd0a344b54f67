"""Runs the long campaigns and writes what came of them to RESULTS.md: `python -m tests.chaos [NAME …]`.

Ends with 1 where something was found that is wrong. Times are figures, not findings: they move with the machine, and with what
else it has to do.
"""

import random
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from tests.bench.results import circumstances, section, sections_of, table
from tests.chaos.breaking import break_in_turn
from tests.chaos.database import Database, serving
from tests.chaos.failing_over import fail_over
from tests.chaos.faults.disk import run_out_of_disk
from tests.chaos.faults.facing import face
from tests.chaos.faults.files import run_out_of_files
from tests.chaos.faults.memory import run_out_of_memory
from tests.chaos.faults.names import lose_names
from tests.chaos.faults.refused import refuse_all
from tests.chaos.fleet import fleet
from tests.chaos.news import tell
from tests.chaos.outages import outages
from tests.chaos.outcome import CannotBe, Outcome
from tests.chaos.relay import address, relays
from tests.chaos.rounds import kill_anywhere
from tests.chaos.sharing import share
from tests.chaos.soak.soak import CAMPAIGN, soaked
from tests.chaos.zombies import zombies

SEED: Final = 8
RESULTS: Final = Path(__file__).with_name("RESULTS.md")
HEAD: Final = """# What it went through

`make chaos`, `make chaos-faults`, `make chaos-replicas` and `make soak` write this file; `python -m tests.chaos NAME` one section
of it. In the end everything is held against what CallFire (the simulator) truly had and was asked, and against what the receiver
of webhooks got. Where there are replicas, each is a process, started as its users start it, on one PostgreSQL. Times move with
the machine, and with what else it has to do. Each section says when it was run, at which commit (with a `+` where the tree was
not that commit's) and on which machine; one that has no more than a date is from before that was noted.
"""


def kills(database: Database, folder: Path) -> Outcome:
    """One daemon on SQLite, and one on PostgreSQL: 200 times each it kills itself at a point by name, 200 times each it is killed
    at a random moment up to 1.2 s after its start, and started again at once, while batches come, are followed and are submitted.
    One request in twenty to CallFire fails (one in a hundred where there is much to do), one answer in ten to a submission is
    lost, webhooks are refused at times, and one endpoint never answers. Client and sender are the real ones, over loopback, and
    each peer is a process of its own.

    Rounds of 40 runs. In three of five there is little to do: a few batches a run, two endpoints, and a point is reached at its
    first to third call, so that a run is over soon; where these are killed at random moments, CallFire does not fail, and the
    account's rate is so low, 8 a second, that all of it is spent. In the other two there is much to do: every third run begins
    with 150 batches, in broadcasts of 200, that all end together; of four endpoints three are sent 32 webhooks at once; CallFire
    takes 0.1 s, and may be asked 60 times a second, where the check allows a tenth more, for the simulator may be late in noting
    a request; a point is reached at any of its first calls, up to the 250th, and two clients follow the stream of events. Told is
    how much there was in a run, and, of runs that ended at a point, how much was cut off.

    Each round begins with a calm in which nothing is killed: beside the endpoint that does not answer webhooks come in time.
    `build/kills` keeps the rounds that are done, so that a campaign that was ended goes on from there. What a lease of the dead
    has left is not waited for on PostgreSQL: that is the subject of `killed`."""
    return kill_anywhere(database.server, folder)


def broken(database: Database, folder: Path) -> Outcome:
    """The checks of `kills`, tried on builds that are broken on purpose: each rule of those that always hold in turn, by a patch
    in `tests/chaos/broken`, on either store. Each build goes through two things. One is a script that brings out what is broken:
    half of CallFire's answers are late, the first webhooks are refused, batches come in calm, then between eight kills; there
    each must be caught by the check of that very rule. The other is a round of `kills` itself, of eight runs, on a tight budget,
    which any of its checks may catch. Told is what was found first, or why nothing can be."""
    return break_in_turn(database.server, folder)


def faults(database: Database, folder: Path) -> Outcome:
    """The service in one process, in time that is turned: 17 faults of CallFire x 8 of the store x 12 of receivers x 5 of the
    clock (back 1 h, forward 1 d, 5 % fast and slow), 15 s of each set of four, 8 sets in a row; before that each fault of
    CallFire and of receivers by itself, those of receivers for 30 s. Every two faults come together on either store, or the
    campaign fails; all four at once on SQLite as often as there is time for, which is a part of all that there are. They befall
    one of two accounts and two of three endpoints.

    Real are polling, schedule, delivery, workers, settings, the store with its SQLite or PostgreSQL, and the reading of what
    CallFire answers. Not real are the client of CallFire, the sender of webhooks, and the throttle that keeps the budget: in
    their place are fakes without a network, and the budget that is checked here is that of the fake's own throttle. The real ones
    are gone through in `kills` and in the campaigns with replicas, over sockets; what odd answers do to them, in `tests/callfire`
    and `tests/webhooks`.

    After each second everything is checked: what is recorded against what is true, numbers and order, who is owed what, what was
    sent and accepted, budgets, pauses that were asked for, and that nobody is late whom nothing befell. In the end all is well
    again: then every event must be told and accepted by each endpoint, and 40 s after a restart, with batches in the middle of
    their lives, nothing was told. Whatever goes wrong is shown with its seed and as few faults as bring it about. PostgreSQL's
    clock goes with the service's here."""
    return face(database.server, seconds=450, seed=SEED)


def files(database: Database, folder: Path) -> Outcome:
    """The daemon may have 96 files open, and 120 clients come: first such as say nothing, then such as listen to streams. Those
    that are not used make room for others; where all are used, new ones are answered on /livez, /readyz and /metrics only."""
    return run_out_of_files(folder)


def disk(database: Database, folder: Path) -> Outcome:
    """The daemon on SQLite can write nothing more (RLIMIT_FSIZE, with which a write fails as on a full disk) for 10 s, twice,
    while 50 batches end and 50 others are asked for. Nothing counts as seen that was not written down; then it goes on by
    itself."""
    return run_out_of_disk(folder)


def memory(database: Database, folder: Path) -> Outcome:
    """The daemon gets less memory than it asks for (RLIMIT_DATA, which the system refuses by an error: the interpreter has its
    MemoryError, and compiled code may end the process). Ten rounds, in which ever more is asked of it; then one without a limit.
    It ends with exit code 1 where whatever supervises its workers has no memory left to tell what failed: a MemoryError ends the
    process. Where it runs on and does not answer, it is waited up to 90 s for what would end it: a liveness probe that asks as
    that of the chart does, every 10 s, at the third time in a row that /livez says 503 or nothing within 5 s, and systemd's
    watchdog, after 30 s without a sign of life. A limit of a container ends the process by SIGKILL instead, which is what `kills`
    does."""
    return run_out_of_memory(folder)


def refused(database: Database, folder: Path) -> Outcome:
    """1,000 accounts, each with a batch: CallFire refuses every login, then takes all of them again, and an operator has each
    asked for. By itself the daemon asks again after a quarter of an hour, so that no login is locked by trying."""
    return refuse_all(folder, accounts=1000)


def names(database: Database, folder: Path) -> Outcome:
    """The names of CallFire and of the receiver cannot be looked up: of one daemon nobody is at the name server's address, of
    another somebody who says nothing; 5 s more after both have noticed. The system's own resolver asks it, in a mount namespace
    where /etc/resolv.conf is ours: that needs root and port 53, and is skipped where they cannot be had. Connections that stand
    need no name: only new ones are in trouble."""
    return lose_names(folder)


def killed(database: Database, folder: Path) -> Outcome:
    """3 replicas, 20 accounts, 2,000 batches in 5 minutes; every 15 s one of them is killed, and started again 3 to 6 s later.

    How long nobody asked CallFire about an account is counted from the moment when its owner was killed."""
    with fleet(folder, database, accounts=20, rate=3) as ours:
        return fail_over(ours, "killed", replicas=3, seconds=300, every=15, batches=2000, draw=random.Random(SEED))


def ended(database: Database, folder: Path) -> Outcome:
    """3 replicas, 20 accounts, 500 batches in 75 s; every 12 s one of them is asked to end (SIGTERM), and started again 3 to 6 s
    later. How long nobody asked CallFire about an account is counted from the moment when its owner was asked to."""
    with fleet(folder, database, accounts=20, rate=3) as ours:
        return fail_over(ours, "ended", replicas=3, seconds=75, every=12, batches=500, draw=random.Random(SEED))


def parted(database: Database, folder: Path) -> Outcome:
    """3 replicas, 2 accounts of 3 parts each, 500 batches in 75 s; every 15 s one of them is killed, and started again 3 to 6 s
    later. The parts of an account together keep to its budget, each with one request more."""
    with fleet(folder, database, accounts=2, rate=9, parts=3) as ours:
        return fail_over(ours, "killed", replicas=3, seconds=75, every=15, batches=500, draw=random.Random(SEED))


def frozen(database: Database, folder: Path) -> Outcome:
    """3 replicas, 9 accounts; three times one of them is stopped (SIGSTOP) for 12 s, twice its lease, and goes on (SIGCONT).

    Each write of a poller is noted with who had the lease then, and each request to CallFire with whose it was."""
    with fleet(folder, database, accounts=9, rate=3) as ours, relays([address(ours.api)] * 3) as wires:
        return zombies(ours, wires, frozen=12.0, times=3, draw=random.Random(SEED))


def failing(database: Database, folder: Path) -> Outcome:
    """3 replicas, 6 accounts, and a database that restarts, ends sessions, commits without saying so, may not be written, is
    silent for 30 s, and is away for 30 s, while batches come and end. Told is what /readyz says of it."""
    with fleet(folder, database, accounts=6, rate=3) as ours, relays([database.socket] * 3) as wires:
        return outages(ours, wires, lasting=30.0, calm=2.0, draw=random.Random(SEED))


def shared(database: Database, folder: Path) -> Outcome:
    """1, 2 and 4 replicas on the same 20 accounts, 10 s each, and 3 that are left of them."""
    with fleet(folder, database, accounts=20, rate=3) as ours:
        return share(ours, counts=(1, 2, 4), seconds=10, draw=random.Random(SEED))


def elsewhere(database: Database, folder: Path) -> Outcome:
    """2 replicas; each is asked about accounts that the other one polls. In the end the streams of both have told everything."""
    with fleet(folder, database, accounts=4, rate=3) as ours:
        return tell(ours)


def soak(database: Database, folder: Path) -> Outcome:
    """One daemon on SQLite with 50,000 watches, for 4 minutes of warm-up and 16 that are measured, while every second 4 batches
    come, are followed, end and are removed, 2 watches are removed and followed again, 2 streams opened, and 4 pages read; every
    few seconds an endpoint and a token are made and removed; every 10 s an account and an endpoint come or go with the settings,
    which are read again (SIGHUP). Events and deliveries are kept for a minute.

    Of each figure the median of each minute is taken (of the write-ahead log the most, of Python's blocks the least: what is
    under way is no leak): its level, and its slope by Theil and Sen with the interval in which it is with 99.9 %. Nor is garbage
    a leak, which waits for Python's next full collection for longer than a soak lasts: blocks are counted after one, in a copy
    of the process that is made for it, so that the daemon itself goes on with its garbage. While it is measured it may grow by a
    hundredth of the memory (1 MiB at least), a twentieth of Python's blocks, ten files or tasks (one for each tenth reload), no
    thread; by a twentieth of the write-ahead log and of the database without watches (0.25 MiB at least), and a fiftieth of the
    bytes a watch; and come later by a fifth, or 0.02 s by the median and 0.1 s by what 19 of 20 are below. It is flat where the
    whole interval is below that, and grew where all of it is above; in between nobody can say. Both others are wrong: who cannot
    say has nothing else run on the machine, and runs it again, or for longer. Watches stay in the database for good, so that the
    room they take, with what finds them by their words, is told by the watch. Delays of webhooks are from the answer of CallFire
    that showed a change to the arrival at the receiver."""
    return soaked(CAMPAIGN, folder)


CAMPAIGNS: Final[Mapping[str, Callable[[Database, Path], Outcome]]] = {
    "kills": kills,
    "broken": broken,
    "faults": faults,
    "files": files,
    "disk": disk,
    "memory": memory,
    "refused": refused,
    "names": names,
    "killed": killed,
    "ended": ended,
    "parted": parted,
    "frozen": frozen,
    "failing": failing,
    "shared": shared,
    "elsewhere": elsewhere,
    "soak": soak,
}


def main(names: list[str]) -> None:
    """Runs the campaigns named, all by default; those not run keep their section of RESULTS.md."""
    unknown = set(names) - set(CAMPAIGNS)
    if unknown:
        sys.exit(f"no such campaign: {', '.join(sorted(unknown))}. There are: {', '.join(CAMPAIGNS)}")
    wrong: list[str] = []
    for name in names or CAMPAIGNS:
        campaign = CAMPAIGNS[name]
        print(f"{name}: {(campaign.__doc__ or '').splitlines()[0]}", flush=True)
        with serving() as database, tempfile.TemporaryDirectory(prefix="watcher-chaos-") as folder:
            measured = circumstances(postgres=database.server.say("SHOW server_version"))
            try:
                outcome = campaign(database, Path(folder))
            except CannotBe as here:
                print(f"{name} is skipped, and its section stays as it is: {here}", flush=True)
                continue
        wrong += [f"{name}: {each}" for each in outcome.wrong]
        write(RESULTS, name, outcome, measured)
    if wrong:
        sys.exit("\n".join(wrong))


def write(file: Path, name: str, outcome: Outcome, measured: str) -> None:
    """The section of a campaign that is over, among those of the others as they are."""
    verdict = "\n".join(f"- WRONG: {each}" for each in outcome.wrong) or outcome.verdict
    text = f"{table(outcome.columns, outcome.figures)}\n\n{verdict}"
    print(text, flush=True)
    sections = sections_of(file.read_text(encoding="utf-8") if file.exists() else "")
    sections[name] = section(name, _doc(CAMPAIGNS[name]), f"python -m tests.chaos {name}", text, measured)
    file.write_text("\n".join([HEAD, *(sections[each] for each in CAMPAIGNS if each in sections)]), encoding="utf-8")


def _doc(campaign: Callable[..., Outcome]) -> str:
    return "\n".join(line.strip() for line in (campaign.__doc__ or "").splitlines())


if __name__ == "__main__":
    main(sys.argv[1:])
