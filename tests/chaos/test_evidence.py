"""What the campaigns conclude from what they gathered: what adds up has nothing found in it, and each thing that is wrong is."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from tests.chaos.evidence import Evidence, findings, fullest, unexpected
from tests.chaos.failing_over import longest_silence
from tests.chaos.outcome import spread
from tests.chaos.relay import Asked
from tests.chaos.zombies import asked_without_lease

Json = Any

START: Final = 1_764_000_000.0
RATE: Final = 5.0


def instant(seconds: float) -> str:
    return datetime.fromtimestamp(START + seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def event(position: int, batch_id: int, number: int, status: str, previous: str | None, at: float) -> Json:
    return {
        "position": position,
        "id": f"evt_{batch_id}_{number}",
        "type": f"batch.{status.lower()}",
        "timestamp": instant(at),
        "data": {
            "account": "one",
            "batch_id": batch_id,
            "number": number,
            "status": status,
            "previous_status": previous,
            "skipped": [],
            "window": {"after": instant(at - 0.5), "by": instant(at)},
        },
    }


def webhook(of: Json, answered: int = 204) -> Json:
    body = {key: of[key] for key in ("type", "timestamp", "data")}
    return {"id": of["id"], "verified": True, "answered": answered, "body": body}


def batch(number: int) -> Json:
    changes = [("NEW", 0.0), ("VALIDATING", 1.0), ("ACTIVE", 2.0)]
    return {
        "id": number,
        "account": "one",
        "end": "ACTIVE",
        "changes": [{"status": status, "at": (START + at) * 1000, "happened": True} for status, at in changes],
    }


EVENTS: Final = [
    event(1, 7, 1, "NEW", None, 0.4),
    event(2, 8, 1, "NEW", None, 0.4),
    event(3, 7, 2, "VALIDATING", "NEW", 1.4),
    event(4, 8, 2, "VALIDATING", "NEW", 1.4),
    event(5, 7, 3, "ACTIVE", "VALIDATING", 2.4),
    event(6, 8, 3, "ACTIVE", "VALIDATING", 2.4),
]
GOOD: Final = Evidence(
    rates={"one": RATE},
    followed=frozenset({("one", 7), ("one", 8)}),
    truth=[batch(7), batch(8)],
    requests=[{"account": "one", "at": (START + number / RATE) * 1000} for number in range(20)],
    watches=[{"account": "one", "batch_id": number, "status": "ACTIVE"} for number in (7, 8)],
    events=EVENTS,
    received=[webhook(EVENTS[0], 503), *(webhook(each) for each in EVENTS), webhook(EVENTS[2])],
)


def test_evidence_that_adds_up_has_nothing_found_in_it() -> None:
    """Repeated deliveries are no fault, and neither is a request more within a second than the rate: answers are not on time."""
    early = {"account": "one", "at": (START + 1.99 / RATE) * 1000}
    assert findings(GOOD) == []
    assert findings(replace(GOOD, requests=[*GOOD.requests[:2], early, *GOOD.requests[2:-1]])) == []


def test_two_requests_too_many_within_any_second_are_found() -> None:
    """One more is what each window may have, so the seventh of a second at a rate of 5 is the first too many."""
    more = [{"account": "one", "at": (START + 1.01 + early) * 1000} for early in (0.0, 0.01)]
    assert findings(replace(GOOD, requests=[*GOOD.requests, *more])) == [
        "one was asked 7 times within 1 s until 16:00:02.000, at a rate of 5",
        "one was asked 12 times within 2 s until 16:00:03.000, at a rate of 5",
    ]


def test_each_part_of_an_account_may_have_one_request_more_and_no_second_one() -> None:
    more = [{"account": "one", "at": (START + 1.01 + early) * 1000} for early in (0.0, 0.01)]
    assert findings(replace(GOOD, requests=[*GOOD.requests, *more], parts=2)) == []
    more.append({"account": "one", "at": (START + 1.03) * 1000})
    assert findings(replace(GOOD, requests=[*GOOD.requests, *more], parts=2)) == [
        "one was asked 8 times within 1 s until 16:00:02.000, at a rate of 5",
        "one was asked 13 times within 2 s until 16:00:03.000, at a rate of 5",
    ]


def test_a_budget_that_is_slowly_exceeded_is_found_in_the_long_windows() -> None:
    """As by two owners who each keep nearly to it."""
    often = [{"account": "one", "at": (START + number / (RATE * 1.03)) * 1000} for number in range(400)]
    assert findings(replace(GOOD, requests=often)) == [
        "one was asked 52 times within 10 s until 16:01:17.475, at a rate of 5",
        "one was asked 155 times within 30 s until 16:01:17.475, at a rate of 5",
        "one was asked 309 times within 60 s until 16:01:17.475, at a rate of 5",
    ]


def test_requests_without_the_right_login_are_found() -> None:
    stranger = {"account": "?", "at": START * 1000}
    assert findings(replace(GOOD, requests=[stranger])) == ["1 requests came without the right login"]


def test_a_webhook_that_is_missing_is_found() -> None:
    assert findings(replace(GOOD, received=[each for each in GOOD.received if each["id"] != "evt_8_2"])) == [
        "evt_8_2 was never accepted: batch.validating 8"
    ]
    refused = [{**each, "answered": 503} if each["id"] == "evt_8_3" else each for each in GOOD.received]
    assert findings(replace(GOOD, received=refused)) == ["evt_8_3 was never accepted: batch.active 8"]


def test_a_number_that_comes_with_another_id_is_found() -> None:
    """In the log, and where only a webhook got away before its event was undone."""
    again = {**EVENTS[4], "position": 7, "id": "evt_other"}
    assert findings(replace(GOOD, events=[*EVENTS, again], received=[*GOOD.received, webhook(again)])) == [
        "('one', 7): its events have the numbers [1, 2, 3, 3]",
        "('one', 7): told were ['NEW', 'VALIDATING', 'ACTIVE', 'ACTIVE'], and it went through ['NEW', 'VALIDATING', 'ACTIVE']",
        "number ('one', 7, 3) is in the log as evt_7_3 and as evt_other",
        "number ('one', 7, 3) is among the webhooks as evt_7_3 and as evt_other",
    ]
    assert findings(replace(GOOD, received=[*GOOD.received, webhook(again)])) == [
        "evt_other was delivered, and is not in the log",
        "number ('one', 7, 3) is among the webhooks as evt_7_3 and as evt_other",
    ]


def test_an_event_that_is_lost_is_found() -> None:
    lost = [each for each in EVENTS if each["id"] != "evt_7_2"]
    assert findings(replace(GOOD, events=lost)) == [
        "('one', 7): its events have the numbers [1, 3]",
        "('one', 7): an event names another status before than the one that was told",
        "evt_7_2 was delivered, and is not in the log",
    ]


def test_webhooks_of_a_batch_out_of_order_are_found() -> None:
    swapped = [webhook(EVENTS[index]) for index in (0, 1, 4, 2, 3, 5)]
    assert findings(replace(GOOD, received=swapped)) == ["('one', 7): accepted in the order [1, 3, 2]"]


def test_an_endpoint_that_wants_no_order_gets_every_webhook_all_the_same() -> None:
    swapped = [webhook(EVENTS[index]) for index in (0, 1, 4, 2, 3, 5)]
    assert findings(replace(GOOD, received=swapped, ordered=False)) == []
    assert findings(replace(GOOD, others=[swapped])) == []
    assert findings(replace(GOOD, others=[swapped, swapped[1:]])) == ["evt_7_1 was never accepted: batch.new 7"]


def test_a_stream_that_misses_an_event_or_has_one_twice_is_found() -> None:
    log = [(each["position"], each["id"]) for each in EVENTS]
    assert findings(replace(GOOD, streams=[log, log])) == []
    assert findings(replace(GOOD, streams=[[*log[:2], *log[3:]], [*log, log[-1]], log[:4]])) == [
        "a follower of the stream got 5 of 6 events, and the first 2 are right",
        "a follower of the stream got 7 of 6 events, and the first 6 are right",
        "a follower of the stream got 4 of 6 events, and the first 4 are right",
    ]


def test_a_webhook_that_is_badly_signed_or_comes_with_another_body_is_found() -> None:
    wrong = {**webhook(EVENTS[0]), "verified": False, "body": webhook(EVENTS[1])["body"]}
    assert findings(replace(GOOD, received=[*GOOD.received, wrong])) == [
        "evt_7_1 was not well signed",
        "evt_7_1 came with two bodies",
    ]


def test_a_batch_that_is_forgotten_or_shown_with_a_wrong_end_is_found() -> None:
    assert findings(replace(GOOD, watches=GOOD.watches[:1])) == ["('one', 8) is not followed any more"]
    wrong = [GOOD.watches[0], {**GOOD.watches[1], "status": "ERRORS"}]
    assert findings(replace(GOOD, watches=wrong)) == ["('one', 8) ended as ACTIVE and is shown as ERRORS"]


def test_an_event_told_before_it_was_true_or_with_a_window_that_does_not_hold_it_is_found() -> None:
    early = {**EVENTS[0], "data": {**EVENTS[0]["data"], "window": {"after": None, "by": instant(-1.0)}}}
    late = {**EVENTS[4], "data": {**EVENTS[4]["data"], "window": {"after": instant(2.2), "by": instant(2.4)}}}
    events = [early, *EVENTS[1:4], late, EVENTS[5]]
    assert findings(replace(GOOD, events=events, received=[webhook(each) for each in events])) == [
        f"('one', 7): NEW was told before it was true: {early['data']['window']}",
        f"('one', 7): ACTIVE was true before the window that was told: {late['data']['window']}",
    ]


def test_positions_that_do_not_rise_are_found() -> None:
    assert findings(replace(GOOD, events=[*EVENTS[:4], EVENTS[5], EVENTS[4]])) == ["positions of the log do not rise"]


def test_a_write_without_the_lease_is_found() -> None:
    assert findings(replace(GOOD, foreign=["one by replica-1"])) == ["written without the lease: one by replica-1"]


def test_what_a_replica_logs_of_its_own_faults_is_found() -> None:
    """And not that it could not have its database, or had lost a lease."""
    told = [
        {"event": "daemon.started"},
        {"event": "worker.failed", "error": "StoreError: it is away"},
        {"event": "worker.failed", "error": "KeyError: 'a01'"},
        {"event": "request.failed", "error": "LeaseLost: it is another's"},
    ]
    errors = list(unexpected("\n".join([*map(json.dumps, told), "Task was destroyed but it is pending!"])))
    assert errors == ["worker.failed: KeyError: 'a01'", "Task was destroyed but it is pending!"]
    assert findings(replace(GOOD, errors=errors[:1])) == ["logged: worker.failed: KeyError: 'a01'"]


def test_a_window_has_its_end_and_not_its_beginning() -> None:
    assert [fullest(times, 1.0) for times in ((), (1.0,), (1.0, 2.0), (1.0, 1.999), (1.0, 1.5, 2.0, 2.4))] == [
        (0, 0.0),
        (1, 1.0),
        (1, 2.0),
        (2, 1.999),
        (3, 2.4),
    ]


def test_silence_is_the_longest_time_without_a_request_until_the_first_after_the_owner_was_gone() -> None:
    """Requests before the owner began to go do not count, and what it still asked while it went does."""
    assert [
        longest_silence(times, 10.0, 12.0) for times in ((9.0, 13.5, 19.0), (9.0, 10.5, 12.5), (9.0, 11.0, 11.9), ())
    ] == [3.5, 2.0, None, None]


def test_requests_of_a_process_for_an_account_that_it_does_not_have_are_found() -> None:
    """What it asked just before it lost the account may be noted a moment late; before anything was written down all is well."""
    history = {"one": [(10.0, 1), (20.0, 2), (30.0, None), (40.0, 1)]}
    asked = [Asked(at, at, "one") for at in (9.0, 15.0, 20.05, 20.5, 35.0, 45.0)]
    stood_still = [Asked(19.0, 20.5, "one"), Asked(29.0, 34.0, "one")]
    assert asked_without_lease([*asked, *stood_still[:1]], 1, history) == [
        "process 1 asked for one at 20.500, which ['2'] had",
        "process 1 asked for one at 35.000, which ['None'] had",
    ]
    assert asked_without_lease(stood_still, 1, history) == [
        "process 1 asked for one at 34.000, which ['2', 'None'] had",
    ]


def test_times_are_shown_by_their_middle_and_their_longest_and_how_many_never_came() -> None:
    assert spread("away", [2.0, None, 1.0, 9.0]) == [
        ("away: never", "1"),
        ("away: median, s", "2.00"),
        ("away: longest, s", "9.00"),
    ]
    assert spread("away", []) == []
