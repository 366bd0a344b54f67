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
    """All of them in order. `NNNN_name.<dialect>.sql` stands in for `NNNN_name.sql` where there is one."""
    found = []
    for path in sorted(folder.glob("[0-9][0-9][0-9][0-9]_*.sql")):
        if path.stem.count("."):
            continue
        special = path.with_suffix(f".{dialect}.sql")
        text = (special if special.exists() else path).read_text(encoding="utf-8")
        found.append(Migration(int(path.stem[:4]), path.stem, text))
    return found
