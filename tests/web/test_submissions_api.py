"""Batches sent to CallFire over the interface: checked before, sent once for each key, told as they stand, and switched."""

import asyncio
import gc
import io
import json
import re
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from math import inf
from typing import Any, Final

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, FakeClock, StillClock
from tests.web.house import House, open_house
from watcher.core.answers import Kind, SwitchAnswer
from watcher.core.model import Batch
from watcher.core.submissions import SubmissionState
from watcher.ports import Switched
from watcher.web.auth import LOOPBACK
from watcher.web.submissions import new_tag

PATH = "/v1/accounts/default/broadcasts/14/batches"
ALL = "/v1/accounts/default/submissions"
ENABLED = "/v1/accounts/default/batches/13/enabled"
BODY: dict[str, Any] = {"name": "Autumn, north", "recipients": [{"phone_number": "+1 (213) 555-1122"}]}
TAKEN = {"state": SubmissionState.ACCEPTED, "batch_id": 13, "tries": 1, "settled": NOON, "sent": NOON}
AT_ONCE = {"Prefer": "wait=0"}
ROUNDS: Final = 20
"""At most: what one turn took may be another's, on a machine that has other things to do, but not each time."""


async def test_a_batch_that_callfire_takes_is_answered_with_its_id(house: House) -> None:
    house.submitting.becomes = TAKEN
    labels = {"labels": {"team": "north"}, "correlation_id": "c-1", "kind": "call", "expires_in": "2h"}
    answer = await house.ask("POST", PATH, json=BODY | labels)
    shown = answer.json
    tag = shown["id"].removeprefix("sub_")
    assert answer.status == 201
    assert answer.headers["Location"] == f"{ALL}/{shown['id']}"
    assert shown == {
        "id": f"sub_{tag}",
        "account": "default",
        "broadcast_id": 14,
        "kind": "call",
        "name": f"Autumn, north [{tag}]",
        "state": "accepted",
        "batch_id": 13,
        "recipients": 1,
        "tries": 1,
        "created": "2026-11-23T12:00:00.000Z",
        "sent": "2026-11-23T12:00:00.000Z",
        "settled": "2026-11-23T12:00:00.000Z",
        "labels": {"team": "north"},
        "correlation_id": "c-1",
        "detail": "",
    }
    assert (await house.ask("GET", answer.headers["Location"])).json == shown


async def test_what_is_written_down_is_what_is_to_be_sent(house: House) -> None:
    more = {"strict_validation": True, "scrub_duplicates": True, "expires_in": 7200}
    recipients = [{"phone_number": "1-213-555-1122", "attributes": {"first": "Ada"}}, {"contact_id": 7}]
    await house.ask("POST", PATH, json=BODY | more | {"recipients": recipients}, headers=AT_ONCE)
    [kept] = await house.store.unsettled("default")
    assert kept.request == (
        b'{"recipients":[{"phone_number":"12135551122","attributes":{"first":"Ada"}},{"contact_id":7}],'
        b'"contact_list_id":null,"scrub_duplicates":true}'
    )
    assert (kept.strict, kept.recipients, kept.kind, kept.holder) == (True, 2, None, "loopback")
    assert kept.expires_in == timedelta(hours=2)


async def test_a_contact_list_can_be_sent_to(house: House) -> None:
    await house.ask("POST", PATH, json={"name": "All", "contact_list_id": 7}, headers=AT_ONCE)
    [kept] = await house.store.unsettled("default")
    assert kept.request == b'{"recipients":null,"contact_list_id":7,"scrub_duplicates":false}'
    assert kept.recipients is None


async def test_what_is_not_certain_in_time_is_answered_with_where_to_ask(house: House) -> None:
    answer = await house.ask("POST", PATH, json=BODY, headers={"Prefer": "wait=3"})
    assert (answer.status, answer.json["state"], answer.json["batch_id"]) == (202, "intended", None)
    assert answer.headers["Preference-Applied"] == "wait=3"
    assert house.clock.slept == [1.0, 1.0, 1.0]
    assert (await house.ask("GET", answer.headers["Location"])).json == answer.json


async def test_without_a_wish_it_is_waited_for_twenty_seconds(house: House) -> None:
    assert (await house.ask("POST", PATH, json=BODY)).status == 202
    assert sum(house.clock.slept) == 20.0


async def test_a_client_that_waits_hears_as_soon_as_it_is_settled() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        answer = group.create_task(house.ask("POST", PATH, json=BODY, headers={"Prefer": "wait=60"}))
        await house.submitting.handed_in.wait()
        [kept] = await house.store.unsettled("default")
        await house.submitting.become(kept.id, **TAKEN)
        assert (await answer).status == 201


async def test_all_who_wait_for_the_same_batch_hear_as_soon_as_it_is_settled() -> None:
    key = {"Prefer": "wait=60", "Idempotency-Key": "order-77"}
    async with asyncio.timeout(60), open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        answers = [group.create_task(house.ask("POST", PATH, json=BODY, headers=key)) for _ in range(3)]
        while house.waiters.count < 3:  # noqa: ASYNC110 # the other end of a socket is waited for
            await asyncio.sleep(0)
        [kept] = await house.store.unsettled("default")
        await house.submitting.become(kept.id, **TAKEN)
        assert [(await each).status for each in answers] == [201] * 3


async def test_what_callfire_refuses_is_told_in_its_words(house: House) -> None:
    house.submitting.becomes = {
        "state": SubmissionState.REFUSED,
        "settled": NOON,
        "detail": "CallFire answered 400: 3 numbers did not pass validation",
    }
    answer = await house.ask("POST", PATH, json=BODY)
    assert answer.status == 422
    assert answer.json["type"] == "/problems/submission-refused"
    assert answer.json["detail"] == "CallFire answered 400: 3 numbers did not pass validation."
    assert (answer.json["submission"]["state"], answer.json["submission"]["batch_id"]) == ("refused", None)


async def test_what_is_written_down_is_never_answered_as_undone_where_too_many_wait() -> None:
    async with open_house(clock=StillClock()) as house:
        with ExitStack() as others:
            for _ in range(3):
                others.enter_context(house.waiters.waiting(LOOPBACK, None))
            answer = await house.ask("POST", PATH, json=BODY)
        assert (answer.status, answer.json["state"]) == (202, "intended")


async def test_what_is_written_down_is_never_answered_as_undone_where_the_store_fails_then() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        store.meanwhile["intend"] = partial(_fail, store)
        answer = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
        assert (answer.status, answer.json["state"]) == (202, "intended")
        assert len(store.kept_submissions) == 1


async def _fail(store: FakeStore) -> None:
    store.failing.add("submission")


async def test_what_could_not_be_written_down_is_not_done() -> None:
    store = FakeStore(FakeClock())
    store.failing.add("intend")
    async with open_house(store=store) as house:
        answer = await house.ask("POST", PATH, json=BODY)
        assert (answer.status, answer.json["type"]) == (503, "/problems/store-unavailable")
        assert store.kept_submissions == {}


async def longest_turn(house: House, body: bytes) -> float:
    """The share in the work of the process that the longest turn of the loop has while such a batch is taken."""
    asked = asyncio.ensure_future(
        house.ask("POST", PATH, data=io.BytesIO(body), headers=AT_ONCE | {"Content-Type": "application/json"})
    )
    # The work of this thread between two turns of the loop, however busy the machine is, beside that of the process. What the
    # tests before it left behind is not collected in one of these turns.
    turns, begun = [time.thread_time()], time.process_time()
    gc.disable()
    try:
        while not asked.done():
            await asyncio.sleep(0)
            turns.append(time.thread_time())
    finally:
        gc.enable()
    whole = time.process_time() - begun
    assert (await asked).status == 202
    return max(later - earlier for earlier, later in pairwise(turns)) / whole


async def test_a_very_large_batch_does_not_hold_up_others(house: House) -> None:
    recipients = [{"phone_number": f"1213{number}", "attributes": {"n": "x"}} for number in range(5_550_000, 5_580_000)]
    body = json.dumps({"name": "x", "recipients": recipients}).encode()
    least = inf
    for _ in range(ROUNDS):
        least = min(least, await longest_turn(house, body))
        if least < 1 / 3:
            break
    assert least < 1 / 3


# Once for each key.


async def test_the_same_request_with_its_key_is_about_the_same_batch(house: House) -> None:
    key = {"Idempotency-Key": "order-77", **AT_ONCE}
    first = await house.ask("POST", PATH, json=BODY, headers=key)
    await house.submitting.become(first.json["id"], **TAKEN)
    again = await house.ask("POST", PATH, json=BODY, headers=key)
    assert (first.status, again.status, again.json["id"]) == (202, 201, first.json["id"])
    assert len((await house.ask("GET", ALL)).json["items"]) == 1


@pytest.mark.parametrize("change", [{"name": "Other"}, {"recipients": [{"contact_id": 1}]}, {"labels": {"a": "b"}}])
async def test_another_request_with_the_same_key_is_refused(house: House, change: dict[str, Any]) -> None:
    key = {"Idempotency-Key": "order-77", **AT_ONCE}
    await house.ask("POST", PATH, json=BODY, headers=key)
    answer = await house.ask("POST", PATH, json=BODY | change, headers=key)
    assert (answer.status, answer.json["type"]) == (422, "/problems/idempotency-key-reused")
    elsewhere = await house.ask("POST", PATH.replace("14", "15"), json=BODY, headers=key)
    assert elsewhere.status == 422
    assert len((await house.ask("GET", ALL)).json["items"]) == 1


async def test_without_a_key_each_request_is_a_new_batch(house: House) -> None:
    first = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
    second = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
    assert first.json["name"] != second.json["name"]
    assert len((await house.ask("GET", ALL)).json["items"]) == 2


async def test_a_key_that_is_none_is_refused(house: House) -> None:
    answer = await house.ask("POST", PATH, json=BODY, headers={"Idempotency-Key": "with a blank"})
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-idempotency-key")
    assert (await house.ask("GET", ALL)).json["items"] == []


# Checked before.


async def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_done(house: House) -> None:
    answer = await house.ask(
        "POST",
        PATH,
        json={
            "name": " x",
            "recipients": [
                {"phone_number": "213"},
                {"phone_number": "12135551122"},
                {"phone_number": "+12135551122"},
                {"phone_number": "12135551123", "contact_id": 3},
                {"contact_id": 0},
                {"who": 1},
            ],
            "kind": "fax",
        },
    )
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    pointers = [each["pointer"] for each in answer.json["errors"]]
    assert sorted(set(pointers)) == [
        "/kind",
        "/name",
        "/recipients/0/phone_number",
        "/recipients/2/phone_number",
        "/recipients/3",
        "/recipients/4/contact_id",
        "/recipients/5",
        "/recipients/5/who",
    ]
    assert (await house.ask("GET", ALL)).json["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"name": "x", "recipients": [{"contact_id": 1}], "contact_list_id": 7},
        {"name": "x", "recipients": []},
    ],
)
async def test_a_batch_is_for_recipients_or_for_a_contact_list(house: House, body: dict[str, Any]) -> None:
    answer = await house.ask("POST", PATH, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")


async def test_of_very_many_faults_the_first_are_told_and_how_many_more(house: House) -> None:
    answer = await house.ask("POST", PATH, json={"name": "x", "recipients": [{"phone_number": "1"}] * 150})
    assert len(answer.json["errors"]) == 101
    assert answer.json["errors"][-1] == {"pointer": "", "message": "and 50 more"}


@pytest.mark.parametrize(
    ("how", "status", "kind"),
    [
        ({"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "bad-json"),
        ({"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "bad-media-type"),
        ({"data": b"[]", "headers": {"Content-Type": "application/json"}}, 422, "bad-body"),
        ({"data": b"", "headers": {"Content-Type": "application/json"}}, 400, "bad-json"),
    ],
)
async def test_what_is_no_batch_is_refused(house: House, how: Any, status: int, kind: str) -> None:
    answer = await house.ask("POST", PATH, **how)
    assert (answer.status, answer.json["type"]) == (status, f"/problems/{kind}")


async def test_an_account_or_a_broadcast_that_cannot_be_is_refused(house: House) -> None:
    assert (await house.ask("POST", PATH.replace("default", "x"), json=BODY)).json[
        "type"
    ] == "/problems/unknown-account"
    assert (await house.ask("POST", PATH.replace("14", "0"), json=BODY)).json["type"] == "/problems/bad-broadcast-id"


# What became of it.


async def test_submissions_are_listed_newest_first_page_by_page(house: House) -> None:
    ids = []
    for seconds in (0.25, 0.0, 1.0):
        house.clock.turn(seconds=seconds)
        ids.append((await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)).json["id"])
    ids[:2] = sorted(ids[:2])  # of one moment
    first = await house.ask("GET", f"{ALL}?limit=2")
    second = await house.ask("GET", f"{ALL}?limit=2&cursor={first.json['next']}")
    assert [each["id"] for each in first.json["items"] + second.json["items"]] == ids[::-1]
    assert f"cursor={first.json['next']}" in first.headers["Link"]
    assert second.json["next"] is None


async def test_those_that_are_not_settled_can_be_listed_alone(house: House) -> None:
    open_one = (await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)).json["id"]
    house.submitting.becomes = TAKEN
    await house.ask("POST", PATH, json=BODY)
    assert [each["id"] for each in (await house.ask("GET", f"{ALL}?settled=false")).json["items"]] == [open_one]


@pytest.mark.parametrize("cursor", ["x", "W1siIiwgMV0", "WyJ4IiwgWzFlOTk5LCAiYSJdXQ"])
async def test_a_cursor_that_was_not_given_is_refused(house: House, cursor: str) -> None:
    assert (await house.ask("GET", f"{ALL}?cursor={cursor}")).json["type"] == "/problems/bad-cursor"


async def test_a_submission_of_another_account_is_not_there() -> None:
    async with open_house(accounts=("default", "other")) as house:
        made = (await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)).json["id"]
        theirs = await house.ask("GET", f"/v1/accounts/other/submissions/{made}")
        assert (theirs.status, theirs.json["type"]) == (404, "/problems/unknown-submission")
        nowhere = await house.ask("GET", f"{ALL}/sub_x")
        assert (nowhere.status, nowhere.json["type"]) == (404, "/problems/unknown-submission")


async def test_what_was_read_before_is_not_sent_again(house: House) -> None:
    made = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
    read = await house.ask("GET", made.headers["Location"])
    same = await house.ask("GET", made.headers["Location"], headers={"If-None-Match": read.headers["ETag"]})
    assert same.status == 304


async def test_what_is_not_settled_can_be_withdrawn(house: House) -> None:
    made = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
    for _ in range(2):
        withdrawn = await house.ask("DELETE", made.headers["Location"])
        assert (withdrawn.status, withdrawn.json["state"]) == (200, "withdrawn")


async def test_what_is_settled_or_under_way_cannot_be_withdrawn(house: House) -> None:
    house.submitting.busy = True
    made = await house.ask("POST", PATH, json=BODY, headers=AT_ONCE)
    answer = await house.ask("DELETE", made.headers["Location"])
    assert (answer.status, answer.json["type"]) == (409, "/problems/not-to-be-withdrawn")
    assert answer.json["detail"] == "It is intended: a request is under way. Ask again in a moment."
    await house.submitting.become(made.json["id"], **TAKEN)
    assert (await house.ask("DELETE", made.headers["Location"])).json["detail"] == "It is accepted."


# Switched.


SEEN = Batch(id=13, status="ACTIVE", name="Autumn", broadcast_id=14, size=2, remaining=1, enabled=False)
TOLD = SwitchAnswer(batch_id=13, asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="200", done=True)


async def test_a_batch_that_is_switched_is_shown_as_callfire_shows_it(house: House) -> None:
    house.submitting.switched = Switched(answer=TOLD, batch=SEEN)
    answer = await house.ask("PUT", ENABLED, json={"enabled": False}, headers={"Prefer": "wait=5"})
    assert (answer.status, answer.headers["Preference-Applied"]) == (200, "wait=5")
    assert answer.json == {
        "account": "default",
        "batch_id": 13,
        "broadcast_id": 14,
        "name": "Autumn",
        "status": "ACTIVE",
        "size": 2,
        "remaining": 1,
        "enabled": False,
    }
    await house.ask("PUT", ENABLED, json={"enabled": False})
    assert house.submitting.switches == [("default", 13, False, 5.0), ("default", 13, False, 20.0)]


@pytest.mark.parametrize(
    ("switched", "status", "kind"),
    [
        (Switched(), 503, "callfire-silent"),
        (Switched(answer=TOLD), 503, "callfire-silent"),
        (Switched(answer=TOLD, batch=replace(SEEN, enabled=True)), 503, "callfire-silent"),
        (Switched(answer=replace(TOLD, done=False, outcome="timeout")), 503, "callfire-silent"),
        (Switched(answer=replace(TOLD, done=False, outcome="404")), 404, "unknown-batch"),
        (Switched(answer=replace(TOLD, done=False, outcome="400", detail="no")), 422, "callfire-refuses"),
    ],
)
async def test_what_was_not_switched_is_said_with_the_reason(
    house: House, switched: Switched, status: int, kind: str
) -> None:
    house.submitting.switched = switched
    answer = await house.ask("PUT", ENABLED, json={"enabled": False})
    assert (answer.status, answer.json["type"]) == (status, f"/problems/{kind}")


async def test_what_an_unclear_answer_did_is_told_by_what_callfire_then_shows(house: House) -> None:
    house.submitting.switched = Switched(answer=replace(TOLD, done=False, outcome="timeout"), batch=SEEN)
    assert (await house.ask("PUT", ENABLED, json={"enabled": False})).status == 200


@pytest.mark.parametrize("body", [{}, {"enabled": "yes"}, {"enabled": True, "name": "x"}])
async def test_only_on_and_off_can_be_said(house: House, body: Any) -> None:
    assert (await house.ask("PUT", ENABLED, json=body)).json["type"] == "/problems/bad-body"


def test_a_tag_is_twelve_signs_that_cannot_be_mistaken() -> None:
    assert re.fullmatch("[0-9a-hjkmnp-tv-z]{12}", new_tag())
    assert new_tag() != new_tag()
