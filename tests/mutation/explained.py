"""Why a mutant that no test notices may live: one file a module in `explained`, one reason a mutant."""

import json
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tests.mutation.mutants import by_key

FOLDER: Final = Path(__file__).with_name("explained")


def file_of(module: str) -> Path:
    return FOLDER / f"{Path(module).stem}.toml"


def entries(module: str) -> Mapping[str, Mapping[str, str]]:
    """What is said of each mutant, by its key: the lines `was` and `is`, and `why` it may live."""
    path = file_of(module)
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def reasons(module: str) -> Mapping[str, str]:
    return {key: entry["why"] for key, entry in entries(module).items()}


def explain(key: str, why: str) -> None:
    """Keeps a reason, and drops those whose mutant is no longer there."""
    module = key.split(":", maxsplit=1)[0]
    mutants = by_key(module)
    if key not in mutants:
        sys.exit(f"no such mutant: {key}")
    said = {each: dict(entry) for each, entry in entries(module).items() if each in mutants}
    said[key] = {"was": mutants[key].before, "is": mutants[key].after, "why": why}
    FOLDER.mkdir(exist_ok=True)
    blocks = [
        "\n".join([f"[{_quoted(each)}]", *(f"{name} = {_quoted(text)}" for name, text in said[each].items())])
        for each in mutants
        if each in said
    ]
    file_of(module).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
