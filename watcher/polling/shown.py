"""What the owner of a share lets the other replicas see of it: an account as it stands, as JSON that the store keeps for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter, ValidationError

from watcher.ports import AccountView

CALM: Final = "ok"
"""The condition of an account that nothing is wrong with; in a sum of parts any other one says more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How a share stood at the moment `at`, by its owner's clock. `coming` is how many of its open watches have an end to wait
    for: those that are not stuck."""

    at: datetime
    view: AccountView
    coming: int = 0


_FORM: Final = TypeAdapter(Shown)


def to_json(shown: Shown) -> str:
    """The form in which the store keeps it."""
    return _FORM.dump_json(shown).decode()


def from_json(text: str) -> Shown | None:
    """What `to_json` gave; None where it is of a version that has another form."""
    try:
        return _FORM.validate_json(text)
    except ValidationError:
        return None


def together(parts: Sequence[Shown]) -> Shown:
    """The account whose parts these are, one at least: budgets and counts are added up, and of what is not the same everywhere
    the worst, or the latest, counts."""
    first = parts[0]
    if len(parts) == 1:
        return first
    views = [part.view for part in parts]
    worst = next((view for view in views if view.condition != CALM), first.view)
    looks = [view.looks_per_request for view in views if view.looks_per_request is not None]
    shares = [view.change_percentage for view in views if view.change_percentage is not None]
    return Shown(
        at=min(part.at for part in parts),
        coming=sum(part.coming for part in parts),
        view=replace(
            worst,
            rate=sum(view.rate for view in views),
            effective_rate=sum(view.effective_rate for view in views),
            in_flight=sum(view.in_flight for view in views),
            open=sum(view.open for view in views),
            overdue=sum(view.overdue for view in views),
            last_step=min((view.last_step for view in views if view.last_step is not None), default=None),
            used=sum(view.used for view in views),
            looks_per_request=sum(looks) / len(looks) if looks else None,
            change_percentage=round(sum(shares) / len(shares), 1) if shares else None,
        ),
    )
