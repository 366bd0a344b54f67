"""Scripted faults: which requests are answered wrongly, and how. Every row of what a client must survive can be had.

A fault is given as JSON over the control address, see `Fault`.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Operation = Literal["batch", "page", "submit", "enable"]

FaultKind = Literal[
    "code",  # an error answer: `code`, with `body` as asked
    "not_json",
    "no_status",
    "other_id",  # about another batch, or a page about another broadcast
    "unknown_status",  # a status that nobody knows: `word`
    "huge",  # a body of over 1 MiB
    "bomb",  # a small body that is over 1 MiB when unpacked
    "bad_gzip",  # a body that is not gzip, though it says so
    "empty",  # the right code and nothing
    "redirect",
    "slow",  # the right answer after `seconds`
    "hang",  # no answer at all
    "reset",  # the connection is reset before any byte
    "cut",  # the connection is closed in the middle of the body
    "wrong_length",  # Content-Length says less than there is
    "lost",  # what was asked is done, and the answer is lost: `code`, or a reset where it is 0
]

INSTEAD: Final[frozenset[FaultKind]] = frozenset({"code", "redirect", "hang", "reset"})
"""These come instead of what was asked for, whoever asked; the others befall the right answer, after what was asked was done."""


class Fault(BaseModel):
    """One rule. It applies to the requests that all of its conditions fit, with the chance `share`, at most `count` times.

    Where an answer comes at all, `retry_after` adds that header: seconds, or for "date" an HTTP date two seconds ahead.
    What makes no sense, or another, of a page does so for as many of its first `rows`, for all of them where none are named.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    kind: FaultKind
    code: Annotated[int, Field(ge=0, le=599)] = 503
    retry_after: Annotated[float, Field(ge=0.0)] | Literal["date"] | None = None
    body: Literal["json", "html", "empty"] = "json"
    word: Annotated[str, Field(min_length=1)] = "PONDERING"
    seconds: Annotated[float, Field(ge=0.0)] = 1.0
    share: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    count: Annotated[int, Field(ge=1)] | None = None
    rows: Annotated[int, Field(ge=1)] | None = None
    batch_ids: Sequence[int] | None = None
    broadcast_ids: Sequence[int] | None = None
    account: str | None = None
    operation: Operation | None = None
    lasts: Annotated[float, Field(gt=0.0)] | None = None  # seconds from now

    @model_validator(mode="after")
    def _has_a_code_that_ends_an_answer(self) -> Self:
        if self.code < 200 and not (self.kind == "lost" and self.code == 0):
            raise ValueError("a code is 200 to 599, or 0 for a lost answer that ends with a reset")
        return self


class Mixed(BaseModel):
    """Strikes that share of all requests with one of MIXED."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    mixed: Annotated[float, Field(ge=0.0, le=1.0)]


MIXED: Final[Sequence[tuple[float, Fault]]] = (
    (3, Fault(kind="code", code=500)),
    (3, Fault(kind="code", code=502, body="html")),
    (2, Fault(kind="code", code=503, body="empty")),
    (2, Fault(kind="code", code=504)),
    (2, Fault(kind="code", code=408)),
    (1, Fault(kind="code", code=425)),
    (1, Fault(kind="code", code=429, retry_after=1)),
    (4, Fault(kind="reset")),
    (3, Fault(kind="cut")),
    (2, Fault(kind="not_json")),
    (1, Fault(kind="no_status")),
    (1, Fault(kind="other_id")),
    (1, Fault(kind="huge")),
    (1, Fault(kind="empty")),
    (1, Fault(kind="wrong_length")),
    (3, Fault(kind="slow", seconds=0.3)),
)
"""By weight: what a right client survives without concluding anything that is not so."""

MIXED_SUBMIT: Final[Sequence[tuple[float, Fault]]] = (
    *((weight, fault) for weight, fault in MIXED if fault.kind != "other_id"),
    (5, Fault(kind="lost", code=0)),
    (3, Fault(kind="lost", code=502, body="html")),
    (2, Fault(kind="lost", code=504)),
)
"""The same for a batch that is added, with answers that are lost after it was. None could tell that it got another batch's id."""


class _Rule:
    """A fault in force."""

    def __init__(self, fault: Fault, now: float) -> None:
        self.fault = fault
        self.left = fault.count
        self.until = None if fault.lasts is None else now + fault.lasts

    def fits(
        self, account: str, operation: Operation | None, batch_id: int | None, now: float, broadcast_id: int | None
    ) -> bool:
        fault = self.fault
        return (
            (self.until is None or now < self.until)
            and (self.left is None or self.left > 0)
            and (fault.account is None or fault.account == account)
            and (fault.operation is None or fault.operation == operation)
            and (fault.batch_ids is None or batch_id in fault.batch_ids)
            and (fault.broadcast_ids is None or broadcast_id in fault.broadcast_ids)
        )


class Faults:
    """The rules in force, in the order in which they were given; the first that strikes decides."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._rules: dict[int, _Rule] = {}
        self._mixed = 0.0
        self._last = 0

    def add(self, fault: Fault, now: float) -> int:
        """Puts a fault in force; the number by which it can be taken back."""
        self._last += 1
        self._rules[self._last] = _Rule(fault, now)
        return self._last

    def mix(self, share: float) -> None:
        """Strikes that share of all requests with one of MIXED."""
        self._mixed = share

    def remove(self, number: int) -> bool:
        """Takes one back; whether there was one."""
        return self._rules.pop(number, None) is not None

    def clear(self) -> None:
        """Takes all of them back."""
        self._rules.clear()
        self._mixed = 0.0

    def strike(
        self,
        account: str,
        operation: Operation | None,
        batch_id: int | None,
        now: float,
        broadcast_id: int | None = None,
    ) -> Fault | None:
        """What befalls this request; None where it is answered as it should be."""
        for rule in self._rules.values():
            if rule.fits(account, operation, batch_id, now, broadcast_id) and self._chance() < rule.fault.share:
                if rule.left is not None:
                    rule.left -= 1
                return rule.fault
        if self._mixed and self._chance() < self._mixed:
            return self._one_of(MIXED_SUBMIT if operation == "submit" else MIXED)
        return None

    def _one_of(self, mixed: Sequence[tuple[float, Fault]]) -> Fault:
        at = self._chance() * sum(weight for weight, _ in mixed)
        passed = 0.0
        for weight, fault in mixed[:-1]:
            passed += weight
            if at < passed:
                return fault
        return mixed[-1][1]
