"""What became of the mutants of a module so far, in `build/mutation`, so that a run goes on where the last one ended.

A mutant that was killed stays so while its key is there. One that survived is tried again when a test was changed, or with more
time for its tests.
"""

import json
import math
from collections import Counter
from collections.abc import Collection
from typing import Any

from tests.mutation.covering import EVERYTHING, Scope
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.trial import Verdict

LIVING = ("survived", "uncovered")


class Kept:
    def __init__(self, module: str, scope: Scope = EVERYTHING, *, afresh: bool = False) -> None:
        self._path = scope.folder / f"{module.replace('/', '.')}.json"
        kept: dict[str, Any] = json.loads(self._path.read_text()) if self._path.exists() and not afresh else {}
        self._mutants = mutants_of(module)
        keys = {mutant.key for mutant in self._mutants}
        self._verdicts: dict[str, Any] = {key: said for key, said in kept.get("verdicts", {}).items() if key in keys}
        self.seconds: float = kept.get("seconds", 0.0)
        self._tests = scope.digest()

    def open(self, budget: float, told: Collection[str] = ()) -> list[Mutant]:
        """The mutants that have to be tried, those of which nothing is known first, without the living that are `told` of."""
        unknown = [mutant for mutant in self._mutants if mutant.key not in self._verdicts]
        known = [mutant for mutant in self._mutants if mutant.key in self._verdicts and mutant.key not in told]
        return unknown + [mutant for mutant in known if self._again(mutant.key, budget)]

    def _again(self, key: str, budget: float) -> bool:
        said = self._verdicts[key]
        return said["outcome"] in LIVING and (said["tests"] != self._tests or _number(said["budget"]) < budget)

    def note(self, mutant: Mutant, verdict: Verdict, budget: float) -> None:
        self._verdicts[mutant.key] = {
            "outcome": verdict.outcome,
            "test": verdict.test,
            "tests": self._tests,
            "budget": None if math.isinf(budget) else budget,
        }

    def save(self, seconds: float) -> None:
        self.seconds += seconds
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({"verdicts": self._verdicts, "seconds": round(self.seconds, 1)}, indent=0))

    def outcome(self, key: str) -> str:
        return str(self._verdicts.get(key, {}).get("outcome", "not tried"))

    def test(self, key: str) -> str:
        return str(self._verdicts.get(key, {}).get("test", ""))

    def lives(self, key: str) -> bool:
        return self.outcome(key) in LIVING

    def counts(self) -> Counter[str]:
        return Counter(said["outcome"] for said in self._verdicts.values())


def _number(budget: float | None) -> float:
    return math.inf if budget is None else budget
