"""What is said to CallFire, and what its answers mean: every row of the table, and whatever else could come back."""

import base64
import gzip
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.callfire.bodies import MAX_BODY
from watcher.callfire.wire import FIELDS, Request, access, batch_request, decipher, no_answer
from watcher.core.answers import Answer, Kind
from watcher.core.model import MAX_BATCH_ID, Batch

ASKED = NOON
ANSWERED = NOON + timedelta(milliseconds=120)

SAMPLE = {
    "id": 1,
    "name": "CF2 Campaign Sample",
    "status": "ACTIVE",
    "broadcastId": 1,
    "created": 1297474980000,
    "size": 6198,
    "remaining": 0,
    "enabled": True,
}
SAMPLE_BATCH = Batch(
    id=1,
    name="CF2 Campaign Sample",
    status="ACTIVE",
    broadcast_id=1,
    created=datetime(2011, 2, 12, 1, 43, tzinfo=UTC),
    size=6198,
    remaining=0,
    enabled=True,
)


def told(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    batch_id: int = 1,
    truncated: bool = False,
) -> Answer:
    return decipher(batch_id, status, headers or {}, body, asked=ASKED, answered=ANSWERED, truncated=truncated)


def sent(**changes: object) -> bytes:
    """The sample's body with some fields changed."""
    return json.dumps(SAMPLE | changes).encode()


# Requests.


@pytest.mark.parametrize("base", ["https://api.callfire.com/v2", "https://api.callfire.com/v2/"])
def test_a_batch_is_asked_for_with_the_fields_that_are_needed(base: str) -> None:
    account = access(base, "login", "password")
    assert batch_request(account, 13) == Request(
        method="GET",
        target="/v2/campaigns/batches/13?fields=id,status,size,remaining,enabled,broadcastId,name,created",
    )
    assert str(account.batches.origin()) == "https://api.callfire.com"
    assert account.headers == {
        "Authorization": "Basic " + base64.b64encode(b"login:password").decode(),
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
    }


def test_without_partial_answers_the_whole_batch_is_asked_for() -> None:
    request = batch_request(access("http://www.callfire.com/v2", "login", "password", partial=False), 2**63 - 1)
    assert request.target == "/v2/campaigns/batches/9223372036854775807"


def test_the_fields_asked_for_are_those_of_a_batch() -> None:
    assert set(FIELDS.split(",")) == set(SAMPLE)


def test_no_repr_shows_the_credentials() -> None:
    account = access("https://api.callfire.com/v2", "login", "secret")
    shown = repr(account) + repr(batch_request(account, 1))
    assert "Basic" not in shown
    assert "headers" not in shown


def test_a_login_with_a_colon_is_refused() -> None:
    with pytest.raises(ValueError, match="login"):
        access("https://api.callfire.com/v2", "log:in", "password")


# 200.


def test_a_whole_batch_is_read() -> None:
    body = sent()
    assert told(200, body) == Answer(
        batch_id=1,
        asked=ASKED,
        answered=ANSWERED,
        kind=Kind.SEEN,
        outcome="200",
        batch=SAMPLE_BATCH,
        size=len(body),
    )


def test_id_and_status_are_enough() -> None:
    assert told(200, b'{"id":1,"status":"NEW"}').batch == Batch(id=1, status="NEW")


def test_null_is_the_same_as_missing() -> None:
    body = sent(name=None, broadcastId=None, created=None, size=None, remaining=None, enabled=None)
    assert told(200, body).batch == Batch(id=1, status="ACTIVE")


def test_fields_nobody_knows_are_ignored() -> None:
    assert told(200, sent(colour="red", nested={"id": 7})).batch == SAMPLE_BATCH


def test_a_status_nobody_knows_is_kept_word_for_word() -> None:
    batch = told(200, sent(status="Half way, 50 %")).batch
    assert batch is not None
    assert batch.status == "Half way, 50 %"


@pytest.mark.parametrize("batch_id", [1, MAX_BATCH_ID])
def test_ids_of_64_bits_are_whole(batch_id: int) -> None:
    answer = told(200, sent(id=batch_id), batch_id=batch_id)
    assert answer.batch is not None
    assert answer.batch.id == batch_id


@pytest.mark.parametrize(
    "milliseconds", [0, -1, 1_297_474_980, 946_684_799_999, 4_102_444_800_000, 2**63 - 1, 2**63, 10**40, -(10**40)]
)
def test_a_time_that_cannot_be_meant_is_no_time(milliseconds: int) -> None:
    batch = told(200, sent(created=milliseconds)).batch
    assert batch is not None
    assert batch.created is None


def test_a_time_is_exact_to_the_millisecond() -> None:
    batch = told(200, sent(created=1443382635007)).batch
    assert batch is not None
    assert batch.created == datetime(2015, 9, 27, 19, 37, 15, 7000, tzinfo=UTC)


@pytest.mark.parametrize(("field", "number"), [("size", -1), ("remaining", -5), ("broadcastId", 0), ("size", 2**63)])
def test_a_number_that_cannot_be_meant_is_no_number(field: str, number: int) -> None:
    batch = told(200, sent(**{field: number})).batch
    assert batch is not None
    assert {"size": batch.size, "remaining": batch.remaining, "broadcastId": batch.broadcast_id}[field] is None


def test_a_name_is_kept_within_bounds_and_without_nul() -> None:
    batch = told(200, sent(name="a\0b" * 1000)).batch
    assert batch is not None
    assert batch.name is not None
    assert len(batch.name) <= 1000
    assert set(batch.name) == {"a", "b"}


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON"),
        (b"<html>maintenance</html>", "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b"17", "object"),
        (b'{"id":1,"status":"NEW"', "JSON"),
        (b'{"id":1}', "status"),
        (b'{"status":"NEW"}', "id"),
        (b'{"id":1,"status":null}', "status"),
        (b'{"id":1,"status":""}', "status"),
        (b'{"id":1,"status":7}', "status"),
        (b'{"id":1,"status":["NEW"]}', "status"),
        (b'{"id":1,"status":"NE\\u0000W"}', "not a word"),
        (b'{"id":1,"status":"  "}', "not a word"),
        (b'{"id":1,"status":"' + b"A" * 101 + b'"}', "status"),
        (b'{"id":"1","status":"NEW"}', "id"),
        (b'{"id":true,"status":"NEW"}', "id"),
        (b'{"id":null,"status":"NEW"}', "id"),
        (b'{"id":2,"status":"NEW"}', "another batch"),
        (b'{"id":-1,"status":"NEW"}', "another batch"),
        (b'\xff\xfe{"id":1}', "JSON"),
        (b"[" * 100_000, "JSON"),
    ],
)
def test_a_body_that_does_not_say_what_was_asked_is_garbage(body: bytes, why: str) -> None:
    answer = told(200, body)
    assert (answer.kind, answer.outcome, answer.batch, answer.size) == (Kind.GARBAGE, "bad_body", None, len(body))
    assert answer.detail is not None
    assert why in answer.detail


@pytest.mark.parametrize(
    ("body", "batch"),
    [
        (b'{"id":1,"status":"NEW","size":"12","name":"a"}', Batch(id=1, status="NEW", name="a")),
        (b'{"id":1,"status":"NEW","size":6198.0,"remaining":5}', Batch(id=1, status="NEW", remaining=5)),
        (b'{"id":1,"status":"NEW","size":0.5}', Batch(id=1, status="NEW")),
        (b'{"id":1,"status":"NEW","enabled":"yes","name":123}', Batch(id=1, status="NEW")),
        (b'{"id":1,"status":"NEW","broadcastId":[],"created":{}}', Batch(id=1, status="NEW")),
        (b'{"id":1,"status":"ACTIVE","name":"cut \\ud83d","size":NaN}', Batch(id=1, status="ACTIVE", name="cut ?")),
    ],
)
def test_a_field_that_nobody_needs_hides_no_status(body: bytes, batch: Batch) -> None:
    answer = told(200, body)
    assert (answer.kind, answer.batch) == (Kind.SEEN, batch)


def test_a_body_over_the_limit_is_garbage_even_if_what_came_can_be_read() -> None:
    answer = told(200, sent(), truncated=True)
    assert (answer.kind, answer.outcome, answer.detail) == (Kind.GARBAGE, "bad_body", "the body is over 1 MiB")


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", " GZIP "])
def test_a_packed_body_is_unpacked(encoding: str) -> None:
    body = gzip.compress(sent())
    answer = told(200, body, {"Content-Encoding": encoding})
    assert (answer.batch, answer.size) == (SAMPLE_BATCH, len(body))


@pytest.mark.parametrize("encoding", ["identity", ""])
def test_a_body_said_to_be_plain_is_plain(encoding: str) -> None:
    assert told(200, sent(), {"Content-Encoding": encoding}).batch == SAMPLE_BATCH


@pytest.mark.parametrize(
    ("body", "encoding", "why"),
    [
        (gzip.compress(b" " * (MAX_BODY + 1)), "gzip", "the body is over 1 MiB when unpacked"),
        (gzip.compress(sent())[:-9], "gzip", "the gzip body is cut short"),
        (sent(), "gzip", "the body is not gzip, as its header says"),
        (sent(), "br", "the body is packed as br, which was not asked for"),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_garbage(body: bytes, encoding: str, why: str) -> None:
    answer = told(200, body, {"Content-Encoding": encoding})
    assert (answer.kind, answer.outcome, answer.detail) == (Kind.GARBAGE, "bad_body", why)


def test_a_body_of_exactly_the_limit_is_read() -> None:
    body = sent()
    assert (
        told(200, gzip.compress(body + b" " * (MAX_BODY - len(body))), {"Content-Encoding": "gzip"}).kind is Kind.SEEN
    )


# Other codes.


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.UNFIT),
        (401, Kind.UNAUTHORIZED),
        (403, Kind.FORBIDDEN),
        (404, Kind.NOT_FOUND),
        (405, Kind.UNFIT),
        (406, Kind.UNFIT),
        (410, Kind.GONE),
        (429, Kind.THROTTLED),
        *((code, Kind.FAILED) for code in (201, 204, 206, 301, 302, 304, 307, 402, 408, 409, 422, 425, 499)),
        *((code, Kind.FAILED) for code in (500, 501, 502, 503, 504, 520, 599, 999)),
    ],
)
def test_every_code_has_its_meaning(status: int, kind: Kind) -> None:
    assert told(status, sent()) == Answer(
        batch_id=1,
        asked=ASKED,
        answered=ANSWERED,
        kind=kind,
        outcome=str(status),
        size=len(sent()),
    )


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", None),
        (b"   ", None),
        (b'{"httpStatusCode":404,"internalCode":"x","message":"no such batch"}', "no such batch"),
        (b'{"httpStatusCode":404,"internalCode":7,"message":null,"developerMessage":"id 9"}', "id 9"),
        (b'{"message":"","developerMessage":null}', None),
        (b"{}", None),
        (b'{"message":{"no":"text"}}', '{"message":{"no":"text"}}'),
        (b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>", "502 Bad Gateway nginx"),
        (b'{"message":"two\\r\\nlines\\u0007 and \\u202etricks"}', "two lines and tricks"),
        (b"\xff\xfe\x00", "��"),
        (b'{"message":"' + b"a" * 300 + b'"}', "a" * 200),
        (b"plain", "plain"),
    ],
)
def test_an_error_says_why_in_one_short_line(body: bytes, detail: str | None) -> None:
    assert told(404, body).detail == detail


def test_a_packed_error_is_unpacked_and_a_broken_one_is_said_to_be() -> None:
    packed = gzip.compress(b'{"message":"slow down"}')
    assert told(429, packed, {"Content-Encoding": "gzip"}).detail == "slow down"
    broken = told(429, b"slow down", {"Content-Encoding": "gzip"})
    assert (broken.kind, broken.detail) == (Kind.THROTTLED, "the body is not gzip, as its header says")


@pytest.mark.parametrize("status", [200, 401, 404, 429, 500, 503])
def test_any_answer_may_ask_for_a_pause(status: int) -> None:
    assert told(status, sent(), {"Retry-After": "7"}).retry_after == timedelta(seconds=7)


def test_a_pause_until_a_date_counts_from_the_answer() -> None:
    answer = told(429, headers={"Retry-After": "Mon, 23 Nov 2026 12:00:10 GMT"})
    assert answer.retry_after == NOON + timedelta(seconds=10) - ANSWERED


def test_a_pause_that_cannot_be_read_is_none() -> None:
    assert told(429, headers={"Retry-After": "soon"}).retry_after is None


# No answer.


def test_no_answer_is_a_failure_of_its_kind() -> None:
    assert no_answer(3, "reset", "gone\r\naway", asked=ASKED, answered=ANSWERED) == Answer(
        batch_id=3, asked=ASKED, answered=ANSWERED, kind=Kind.FAILED, outcome="reset", detail="gone away"
    )


# Whatever comes.

HEADERS = st.dictionaries(st.sampled_from(["Retry-After", "Content-Encoding"]), st.text(max_size=40), max_size=2)


@given(status=st.integers(100, 999), body=st.binary(max_size=300), headers=HEADERS)
def test_every_answer_can_be_deciphered(status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = told(status, body, headers)
    assert answer.kind in Kind
    assert (answer.batch is not None) == (answer.kind is Kind.SEEN)
    assert answer.detail is None or (0 < len(answer.detail) <= 200 and answer.detail.isprintable())


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(changes=st.dictionaries(st.sampled_from(list(SAMPLE)), JSON_VALUES, max_size=4))
def test_a_batch_that_is_seen_is_the_one_asked_for_and_fits_any_store(changes: dict[str, object]) -> None:
    batch = told(200, sent(**changes)).batch
    if batch is None:
        return
    assert batch.id == 1
    assert 0 < len(batch.status) <= 100
    assert all(
        number is None or 0 <= number <= MAX_BATCH_ID for number in (batch.broadcast_id, batch.size, batch.remaining)
    )
    assert batch.name is None or "\0" not in batch.name
