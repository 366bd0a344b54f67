"""One piece of every kind of news."""

import typing
from datetime import timedelta

from tests.fakes import NOON
from watcher.core import news as told
from watcher.core.news import News
from watcher.core.streamrank import StreamRank


def changed(kind: str = "batch.active", status: str | None = "ACTIVE", **more: typing.Any) -> told.Changed:
    what: dict[str, typing.Any] = {
        "account": "a",
        "batch_id": 7,
        "number": 2,
        "position": 9,
        "previous": "VALIDATING",
        "at": NOON,
    } | more
    return told.Changed(type=kind, status=status, **what)


def attempted(outcome: typing.Any = "done", endpoint: str = "e", **more: typing.Any) -> told.Attempted:
    what: dict[str, typing.Any] = {"code": 200, "error": None, "took": 0.2, "delay": None} | more
    return told.Attempted(endpoint=endpoint, delivery=1, event_id="evt_1", outcome=outcome, attempts=1, **what)


EVERYTHING: tuple[News, ...] = (
    told.Answered(account="a", operation="batch", outcome="200", took=0.3),
    told.Looked(account="a", by="single", result="unchanged"),
    changed(window=2.0, validation=40.0),
    told.UnknownStatus(account="a", batch_id=7, status="ODD"),
    told.SetAside(account="a", batch_id=7, outcome="400", detail="fields is not known"),
    told.Following(account="a", batch_id=7, what="stopped"),
    told.Submitted(
        account="a",
        broadcast_id=14,
        submission="sub_1",
        state="unclear",
        batch_id=None,
        tries=1,
        detail="CallFire answered 503",
    ),
    told.Tally(account="a", by_status={"new": 3}, overdue=1, oldest_look_age=4.5, stuck=2, expected_wait=0.5),
    told.StreamRanked(account="a", rank=StreamRank(change_percentage=25.0)),
    told.ConditionChanged(account="a", condition="down", previous="ok", reason="5 failures", until=NOON),
    told.AccountTold(account="a", type="account.refused", position=3, deliveries=1),
    told.Throttled(account="a", until=NOON),
    told.BudgetUsed(account="a", configured=5.0, effective=2.5, used=1.0),
    told.RateLearnt(account="a", rate=2.5, previous=5.0, configured=5.0, reason="lowered"),
    told.Stepped(account="a", at=NOON),
    attempted(delay=0.02),
    told.Backlog(endpoint="e", pending=4, oldest_age=12.0, state="active"),
    told.EndpointChanged(endpoint="e", state="disabled", reason="410"),
    told.EndpointTold(endpoint="e", type="endpoint.failing", position=4, deliveries=1),
    told.DividedOtherwise(account="a", shares=("a@1/2",)),
    told.LeasesMoved(taken=("a", "b@1/2"), given_back=("c",), lost=("d",)),
    told.LeasesSeen(held=2, replicas=3, skew=-0.25, unpolled={"a": 0, "b": 1}),
    told.SharesNamed(shares=("a", "b@1/2", "b@2/2", "c", "d")),
    told.MigrationsWait(steps=("0012_contract_more",)),
    told.SecretsExposed(endpoints=2),
    told.Swept(events=3, deliveries=2, broadcasts=1, took=0.5),
    told.WriteFenced(operation="commit"),
    told.WorkerFailed(worker="poller a", error="ValueError: no", pause=0.5, trace="…"),
    told.WorkerRecovered(worker="poller a"),
    told.RequestFailed(method="GET", route="/v1/events", error="ValueError: no", trace="…", request_id="r-1"),
    told.AuthFailed(reason="unknown", address="10.0.0.7"),
    told.AuthCalm(failed=3),
    told.StreamOpened(stream="events"),
    told.StreamClosed(stream="events", reason="slow"),
    told.LoopLag(seconds=0.004),
    told.FilesFew(limit=1024),
    told.FilesPlenty(limit=1024),
    told.StoreTook(operation="commit", took=0.002),
    told.StoreFailed(operation="commit", error="disk full"),
    told.StoreRecovered(operation="commit"),
    told.SpansLost(spans=3),
    told.TracesFailed(error="no connection"),
    told.TracesRecovered(),
    told.Started(version="1", listen="http://127.0.0.1:8080", accounts=1, watches=3),
    told.Stopping(reason="SIGTERM"),
    told.Reloaded(at=NOON + timedelta(hours=1), error=None),
)
