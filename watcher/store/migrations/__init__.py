"""The numbered migrations: which there are, and what each says."""

from pathlib import Path
from typing import Final, NamedTuple

FOLDER: Final = Path(__file__).parent


class Migration(NamedTuple):
    """One step from a version of the tables to the next: `number` is the version it leads to."""

    number: int
    name: str
    text: str


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
