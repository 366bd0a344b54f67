"""A module of the service and its mutants: each with a key that lasts while its function and its line stay as they are."""

import difflib
import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.operators import Change, Operators

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = ROOT / "watcher"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One change of one module. `before` and `after` are the lines it changes."""

    key: str
    module: str
    change: Change
    before: str
    after: str
    source: str

    @property
    def diff(self) -> str:
        """The change as a patch without its header, two lines around it."""
        was = (PACKAGE / self.module).read_text(encoding="utf-8").splitlines()
        lines = list(difflib.unified_diff(was, self.source.splitlines(), lineterm="", n=2))[2:]
        return "\n".join(lines)


def modules() -> list[str]:
    """What is tested this way, by path inside of the package."""
    core = sorted(path.relative_to(PACKAGE).as_posix() for path in (PACKAGE / "core").glob("*.py"))
    return [*core, "webhooks/guard.py"]


def mutants_of(module: str) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    return mutate(module, (PACKAGE / module).read_text(encoding="utf-8"))


def mutate(module: str, source: str) -> list[Mutant]:
    operators = Operators(source)
    lines = source.splitlines()
    content = source.encode()
    seen: Counter[str] = Counter()
    found = []
    for change in operators.changes():
        mutated = (content[: change.begin] + change.text.encode() + content[change.end :]).decode()
        first, last = operators.line(change.begin), operators.line(change.end)
        kept = len(lines) - last
        now = mutated.splitlines()
        before = "\n".join(line.strip() for line in lines[first - 1 : last])
        after = "\n".join(line.strip() for line in now[first - 1 : len(now) - kept])
        function = change.function or "module"
        told = f"{function}\n{before}\n{after}"
        seen[told] += 1
        digest = hashlib.sha256(f"{told}\n{seen[told]}".encode()).hexdigest()[:8]
        key = f"{module}:{function}:{digest}"
        found.append(Mutant(key=key, module=module, change=change, before=before, after=after, source=mutated))
    return found


def by_key(module: str) -> Mapping[str, Mutant]:
    return {mutant.key: mutant for mutant in mutants_of(module)}
