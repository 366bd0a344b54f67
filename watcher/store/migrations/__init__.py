"""The numbered migrations: which there are, what each says, and which of them a start may take.

Where several processes have one database, old and new versions of the program run side by side. So what a new version needs is
added first (a step that expands), and what only old ones need is taken away when none of them is there any more (a step that
contracts). `NNNN_contract_name.sql` contracts; it may be taken after steps of higher numbers. `NNNN_aside_name.postgres.sql`,
beside `NNNN_aside_name.sql` for SQLite, expands outside of a transaction, as CREATE INDEX CONCURRENTLY wants it: statements that
may be begun again where they were broken off, and that the program can do without. All others expand.
"""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent
CONTRACT: Final = "contract_"
ASIDE: Final = "aside_"
FIRST: Final = 6
"""The version of the first program that knows of this: older ones refuse by themselves what is newer than they are."""


class Migration(NamedTuple):
    """One step from a version of the tables to the next: `number` is the version it leads to."""

    number: int
    name: str
    text: str

    @property
    def contracts(self) -> bool:
        """Whether it takes away what versions of the program before it need."""
        return self.name[5:].startswith(CONTRACT)

    @property
    def aside(self) -> bool:
        """Whether it is taken outside of a transaction."""
        return self.name[5:].startswith(ASIDE)


class Schema(NamedTuple):
    """How the tables of a database stand: their version (0: there are none); the oldest version of the program that can use them;
    and the steps up to it that were not taken yet."""

    version: int = 0
    compatible: int = 0
    waiting: frozenset[int] = frozenset()

    @classmethod
    def read(cls, version: str, compatible: str | None, waiting: str | None) -> "Schema":
        """As `meta` keeps it."""
        numbers = frozenset(map(int, (waiting or "").split()))
        return cls(int(version), int(version) if compatible is None else int(compatible), numbers)

    def text(self) -> dict[str, str]:
        """What `meta` is to keep, by its names there."""
        waiting = " ".join(map(str, sorted(self.waiting)))
        return {"schema": str(self.version), "compatible": str(self.compatible), "waiting": waiting}

    def usable(self, newest: int) -> bool:
        """Whether a program can use the tables that knows the versions up to the newest."""
        return self.compatible <= newest or self.version <= newest


class Plan(NamedTuple):
    """The steps to take now in a transaction, those to take aside after it, and those that wait until older processes end."""

    now: list[Migration]
    aside: list[Migration]
    later: list[Migration]
    after: Schema


def plan(steps: Sequence[Migration], found: Schema, live: Collection[int] = ()) -> Plan:
    """What a start does about the tables. `live` are the versions that the other processes know that have the database."""
    due = [step for step in steps if step.number > found.version or step.number in found.waiting]
    later = [step for step in due if step.contracts and any(version < step.number for version in live)]
    now = [step for step in due if step not in later and not step.aside]
    aside = [step for step in due if step.aside]
    taken = {step.number for step in due} - {step.number for step in (*later, *aside)}
    after = Schema(
        version=max(found.version, steps[-1].number),
        compatible=max([found.compatible, FIRST, *(step.number for step in now if step.contracts)]),
        waiting=(found.waiting - taken) | {step.number for step in (*later, *aside)},
    )
    return Plan(now, aside, later, after)


def too_new(place: str, found: Schema, newest: int) -> str | None:
    """Why this program, which knows the versions up to the newest, cannot use the tables; None where it can."""
    if found.usable(newest):
        return None
    return (
        f"{place} was made by a newer version of this program (its tables are version {found.version}, this one knows "
        f"{newest}): install that one, or restore a backup from before. Nothing was changed"
    )


def names(steps: Iterable[Migration]) -> tuple[str, ...]:
    """What the steps are called, in their order."""
    return tuple(step.name for step in steps)


def migrations(dialect: str, folder: Path = FOLDER) -> list[Migration]:
    """All of them in order. `NNNN_name.<dialect>.sql` stands in for `NNNN_name.sql` where there is one; where there is none of
    that name, it stands for all that come up to it."""
    plain = {path.stem: path for path in folder.glob("[0-9][0-9][0-9][0-9]_*.sql") if not path.stem.count(".")}
    special = {path.stem.partition(".")[0]: path for path in folder.glob(f"[0-9][0-9][0-9][0-9]_*.{dialect}.sql")}
    start = max((_number(name) for name in special if name not in plain), default=0)
    return [
        Migration(_number(name), name, path.read_text(encoding="utf-8"))
        for name, path in sorted((plain | special).items())
        if _number(name) > start or (_number(name) == start and name not in plain)
    ]


def _number(name: str) -> int:
    return int(name[:4])
