"""What a person asks of deliveries: what is meant where little is said."""

from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.recovering import USUAL_STATES, DeliveryQuery, Forgotten, Recovery, of_accounts

RECOVERY = Recovery(endpoint_id="e", since=NOON, until=NOON + timedelta(hours=1))


def test_unless_said_otherwise_all_that_was_not_delivered_is_recovered_two_thousand_events_at_a_time() -> None:
    assert frozenset({"dead", "held", "missing"}) == USUAL_STATES
    assert (
        Recovery(
            endpoint_id="e",
            since=NOON,
            until=NOON + timedelta(hours=1),
            states=frozenset({"dead", "held", "missing"}),
            accounts=None,
            after=0,
            most=2000,
        )
        == RECOVERY
    )


def test_unless_said_otherwise_the_newest_hundred_deliveries_are_listed() -> None:
    assert DeliveryQuery() == DeliveryQuery(
        endpoint_id=None, account=None, batch_id=None, states=(), before=None, limit=100
    )


def test_at_first_nothing_was_forgotten() -> None:
    assert Forgotten() == Forgotten(events=0, deliveries=0, broadcasts=0, delivery=0, position=0, ended=False)


@pytest.mark.parametrize(
    ("accounts", "account", "may"),
    [
        (None, "a", True),
        (None, None, True),
        (frozenset({"a"}), "a", True),
        (frozenset({"a"}), "b", False),
        (frozenset({"a"}), None, False),
    ],
)
def test_events_are_recovered_of_the_accounts_that_are_given(
    accounts: frozenset[str] | None, account: str | None, may: bool
) -> None:
    recovery = Recovery(endpoint_id="e", since=NOON, until=NOON, accounts=accounts)
    assert of_accounts(recovery, account) is may
