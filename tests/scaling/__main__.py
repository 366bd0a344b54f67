"""`python -m tests.scaling --accounts N --batches N …`: what it needs; `--write` writes the tables of deploy/scaling.md."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import MISSING, fields

from tests.scaling.document import DOCUMENT, shown, written
from tests.scaling.sizing import Installation


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.scaling", description=Installation.__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables of deploy/scaling.md")
    for each in fields(Installation):
        needed = each.default is MISSING
        default = None if needed else each.default
        parser.add_argument(
            f"--{each.name}", type=type(default) if isinstance(default, int) else float, default=default
        )
    asked = vars(parser.parse_args(arguments))
    if asked.pop("write"):
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
        return
    if asked["accounts"] is None or asked["batches"] is None:
        parser.error("say at least --accounts and --batches (a day)")
    print(shown(Installation(**asked)))


if __name__ == "__main__":
    main(sys.argv[1:])
