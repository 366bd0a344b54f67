"""What can be wrong with settings, said so that the reader knows where and what to do. Never quotes a secret."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_core import PydanticCustomError


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: `place` is `FILE:key` or an environment variable, `remedy` what to do about it."""

    place: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.remedy}"


class BadSettings(Exception):
    """The settings cannot be used. Holds every problem, not only the first; str() has one a line."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def refusal(what: str, remedy: str, *, key: str = "") -> PydanticCustomError:
    """What a validator raises. `key` names the field where the validator is that of its whole section."""
    return PydanticCustomError("refused", "{what}", {"what": what, "remedy": remedy, "key": key})
