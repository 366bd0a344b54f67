"""From what is kept to what is shown: answers as JSON, events as items of a list and of a watch."""

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from pydantic import BaseModel

from watcher.core.model import Recorded
from watcher.core.streamrank import StreamRank
from watcher.ports import AccountView, Eta, Length, Lengths
from watcher.web.models import (
    AccountDetails,
    AccountShown,
    EtaShown,
    EventShown,
    LearntShown,
    LengthShown,
    TransitionShown,
)
from watcher.web.streamrank import streamrank_shown


def answer(
    model: BaseModel, *, status: int = 200, headers: Mapping[str, str] | None = None, exclude_none: bool = False
) -> web.Response:
    """The model as a JSON response."""
    body = model.model_dump_json(exclude_none=exclude_none).encode() + b"\n"  # so that a terminal shows it as a line
    return web.Response(status=status, body=body, content_type="application/json", headers=headers)


def event_shown(recorded: Recorded) -> EventShown:
    """The event as it was sent, with its place in the log."""
    body = json.loads(recorded.body)
    return EventShown(
        position=recorded.position,
        id=recorded.id,
        type=body["type"],
        timestamp=body["timestamp"],
        data=body["data"],
    )


def transition_shown(recorded: Recorded) -> TransitionShown:
    """The event as its watch shows it."""
    data: dict[str, Any] = json.loads(recorded.body)["data"]
    return TransitionShown(
        number=recorded.number,
        type=recorded.type,
        timestamp=recorded.at,
        status=data.get("status"),
        previous_status=data.get("previous_status"),
        skipped=data.get("skipped", []),
        window=data.get("window"),
    )


def account_shown(view: AccountView) -> AccountShown:
    """The account as it is now."""
    return AccountShown(
        name=view.name,
        condition=view.condition,
        reason=view.reason,
        until=view.until,
        rate=view.rate,
        effective_rate=view.effective_rate,
        in_flight=view.in_flight,
        open=view.open,
        overdue=view.overdue,
        last_step=view.last_step,
        used=round(view.used, 2),
        looks_per_request=None if view.looks_per_request is None else round(view.looks_per_request, 2),
        change_percentage=view.change_percentage,
    )


def account_details(view: AccountView, learnt: Lengths, rank: StreamRank) -> AccountDetails:
    """The account as it is now, with what it has learnt, and its StreamRank."""
    sizes = [_length_shown(each) for each in learnt.sizes]
    return AccountDetails(
        **dict(account_shown(view)),
        learnt=LearntShown(ends=learnt.ends, sizes=sizes),
        streamrank=streamrank_shown(rank),
    )


def eta_shown(eta: Eta | None) -> EtaShown | None:
    """When a batch will have ended."""
    return None if eta is None else EtaShown(p50=eta.p50, p90=eta.p90)


def _length_shown(length: Length) -> LengthShown:
    return LengthShown(
        smallest=length.smallest,
        largest=length.largest,
        ends=_figures(length.ends),
        p50=None if length.p50 is None else _figures(length.p50),
        p90=None if length.p90 is None else _figures(length.p90),
    )


def _figures(value: float) -> float:
    """To a tenth: more would say more than is known."""
    return round(value, 1)
