"""Which events somebody who listens wants, and may have."""

from collections.abc import Mapping

import pytest

from tests.fakes import NOON
from watcher.core.interest import Interest, Opened, among, wanted
from watcher.core.message import body_of
from watcher.core.model import Event, Recorded

ABOUT = {"account": "west", "batch_id": 13, "broadcast_id": 14, "labels": {"team": "north", "city": "Oslo"}}


def recorded(
    kind: str = "batch.active",
    data: Mapping[str, object] = ABOUT,
    account: str = "west",
    batch_id: int | None = 13,
    endpoint: str | None = None,
) -> Recorded:
    event = Event(type=kind, at=NOON, account=account, batch_id=batch_id, number=1, data=data, endpoint=endpoint)
    return Recorded(
        position=5,
        id="evt_1",
        type=kind,
        at=NOON,
        account=account,
        batch_id=batch_id,
        number=1,
        body=body_of(event),
        endpoint=endpoint,
    )


OF_ENDPOINT = recorded("endpoint.failing", {"endpoint": "billing"}, account="", batch_id=None, endpoint="billing")


@pytest.mark.parametrize(
    "interest",
    [
        Interest(),
        Interest(types=frozenset({"batch.new", "batch.active"})),
        Interest(seen=frozenset({"west"})),
        Interest(account="west"),
        Interest(batch_id=13),
        Interest(broadcast_id=14),
        Interest(labels=frozenset({("team", "north"), ("city", "Oslo")})),
    ],
)
def test_an_event_is_wanted_where_everything_applies(interest: Interest) -> None:
    assert wanted(interest, Opened(recorded()))


@pytest.mark.parametrize(
    "interest",
    [
        Interest(types=frozenset({"batch.new"})),
        Interest(seen=frozenset({"east"})),
        Interest(seen=frozenset()),
        Interest(account="east"),
        Interest(batch_id=14),
        Interest(broadcast_id=13),
        Interest(labels=frozenset({("team", "north"), ("city", "Bergen")})),
    ],
)
def test_an_event_is_not_wanted_where_one_thing_does_not_apply(interest: Interest) -> None:
    assert not wanted(interest, Opened(recorded()))


@pytest.mark.parametrize(
    ("interest", "is_wanted"),
    [
        (Interest(), True),
        (Interest(types=frozenset({"endpoint.failing"})), True),
        (Interest(seen=frozenset({"", "west"})), False),
        (Interest(account=""), False),
        (Interest(batch_id=13), False),
        (Interest(broadcast_id=14), False),
        (Interest(labels=frozenset({("team", "north")})), False),
    ],
)
def test_what_is_of_no_account_is_only_for_those_who_see_all(interest: Interest, *, is_wanted: bool) -> None:
    assert wanted(interest, Opened(OF_ENDPOINT)) is is_wanted


def test_several_are_gone_through_in_their_order() -> None:
    first, second = recorded("batch.new"), recorded("batch.active")
    assert among(Interest(account="west"), [Opened(first), Opened(OF_ENDPOINT), Opened(second)]) == [first, second]


def test_a_body_is_read_once_however_many_want_to_know() -> None:
    opened = Opened(recorded())
    assert wanted(Interest(broadcast_id=14), opened)
    assert not wanted(Interest(broadcast_id=15), opened)
    assert opened.subject is opened.subject
