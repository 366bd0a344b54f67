"""How a page of a broadcast's batches is asked for, and what its answer says: whatever is odd in it hides nothing of the rest."""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.callfire.bodies import MAX_BODY, MOST_ROWS
from watcher.callfire.wire import access, decipher_page, no_page, page_request
from watcher.core.answers import Kind, PageAnswer
from watcher.core.model import MAX_BATCH_ID, Batch, BroadcastKind, Page, PageRef

ASKED = NOON
ANSWERED = NOON + timedelta(milliseconds=120)
REF = PageRef(broadcast_id=14, kind="call", offset=0, limit=100)

SAMPLE = {
    "id": 12,
    "name": "API 14",
    "status": "ACTIVE",
    "broadcastId": 14,
    "created": 1443382635000,
    "size": 1,
    "remaining": 1,
    "enabled": True,
}
SAMPLE_BATCH = Batch(
    id=12,
    name="API 14",
    status="ACTIVE",
    broadcast_id=14,
    created=datetime(2015, 9, 27, 19, 37, 15, tzinfo=UTC),
    size=1,
    remaining=1,
    enabled=True,
)


def told(
    status: int,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    *,
    ref: PageRef = REF,
    truncated: bool = False,
) -> PageAnswer:
    return decipher_page(ref, status, headers or {}, body, asked=ASKED, answered=ANSWERED, truncated=truncated)


def page_of(*rows: object, **changes: object) -> bytes:
    """A page with those rows, as published samples are, with some fields added or changed."""
    return json.dumps({"items": rows, "limit": 100, "offset": 0} | changes).encode()


def shown(body: bytes, *, ref: PageRef = REF) -> Page:
    page = told(200, body, ref=ref).page
    assert page is not None
    return page


def batch(batch_id: int, status: str = "NEW") -> Batch:
    return Batch(id=batch_id, status=status, broadcast_id=14)


def row(batch_id: int, status: str = "NEW", **more: object) -> dict[str, object]:
    return {"id": batch_id, "status": status, **more}


# Requests.


@pytest.mark.parametrize(("kind", "path"), [("call", "calls"), ("text", "texts")])
@pytest.mark.parametrize("base", ["https://api.callfire.com/v2", "https://api.callfire.com/v2/"])
def test_a_page_is_asked_for_with_the_fields_that_are_needed(base: str, kind: BroadcastKind, path: str) -> None:
    account = access(base, "login", "password")
    request = page_request(account, PageRef(broadcast_id=14, kind=kind, offset=200, limit=1000))
    assert (request.method, request.headers) == ("GET", {})
    assert request.target == (
        f"/v2/{path}/broadcasts/14/batches?fields="
        "items(id,status,size,remaining,enabled,broadcastId,name,created),limit,offset,totalCount&limit=1000&offset=200"
    )


def test_without_partial_answers_the_whole_page_is_asked_for() -> None:
    account = access("http://www.callfire.com/v2", "login", "password", partial=False)
    request = page_request(account, replace(REF, broadcast_id=MAX_BATCH_ID))
    assert request.target == "/v2/calls/broadcasts/9223372036854775807/batches?limit=100&offset=0"


def test_no_repr_of_a_request_for_a_page_shows_the_credentials() -> None:
    assert "Basic" not in repr(page_request(access("https://api.callfire.com/v2", "login", "secret"), REF))


# 200.


def test_a_whole_page_is_read() -> None:
    body = page_of(SAMPLE, row(13, "VALIDATING", size=0), totalCount=2)
    assert told(200, body) == PageAnswer(
        ref=REF,
        asked=ASKED,
        answered=ANSWERED,
        kind=Kind.SEEN,
        outcome="200",
        page=Page(
            offset=0,
            limit=100,
            items=(SAMPLE_BATCH, Batch(id=13, status="VALIDATING", broadcast_id=14, size=0)),
            total=2,
        ),
        size=len(body),
    )


def test_rows_stay_in_the_order_of_the_answer() -> None:
    assert [each.id for each in shown(page_of(row(3), row(1), row(2))).items] == [3, 1, 2]


@pytest.mark.parametrize("body", [b'{"items":[]}', page_of(), page_of(totalCount=0), page_of(totalCount=None)])
def test_a_page_may_be_empty(body: bytes) -> None:
    page = shown(body)
    assert (page.items, page.spoilt) == ((), 0)


@pytest.mark.parametrize("rows", [{}, {"items": None}])
@pytest.mark.parametrize(
    ("rest", "page"),
    [
        ({"totalCount": 0}, Page(offset=0, limit=100, items=(), total=0)),
        ({"totalCount": 7, "offset": 7}, Page(offset=7, limit=100, items=(), total=7)),
        ({"totalCount": 7, "offset": 6}, None),
        ({"totalCount": 7}, None),
        ({"totalCount": -1}, None),
        ({"limit": 100, "offset": 0}, None),
        ({}, None),
    ],
)
def test_a_list_left_out_is_an_empty_one_only_past_the_end(
    rows: Mapping[str, None], rest: Mapping[str, int], page: Page | None
) -> None:
    answer = told(200, json.dumps({**rows, **rest}).encode())
    assert (answer.kind, answer.page) == (Kind.GARBAGE if page is None else Kind.SEEN, page)


# Rows.


@pytest.mark.parametrize(
    "named", [{}, {"broadcastId": 14}, {"broadcastId": None}, {"broadcastId": 0}, {"broadcastId": "x"}]
)
def test_a_row_that_names_no_other_broadcast_is_of_the_pages(named: dict[str, object]) -> None:
    assert shown(page_of(row(1) | named)).items == (batch(1),)


ODD_ROWS = [
    {},
    {"id": 2},
    {"status": "NEW"},
    row(0),
    row(-1),
    row(2**63),
    {"id": "2", "status": "NEW"},
    {"id": True, "status": "NEW"},
    {"id": 2.0, "status": "NEW"},
    row(2, ""),
    row(2, "  "),
    row(2, "NE\0W"),
    row(2, "A" * 101),
    {"id": 2, "status": None},
    {"id": 2, "status": 7},
    row(2, broadcastId=15),
    row(2, broadcastId=15, size="12"),
    None,
    2,
    "NEW",
    [],
    [row(2)],
]


@pytest.mark.parametrize("odd", ODD_ROWS)
def test_an_odd_row_is_counted_and_hides_none_of_the_others(odd: object) -> None:
    body = page_of(row(1), odd, row(3, "ACTIVE"), totalCount=3)
    assert shown(body) == Page(offset=0, limit=100, items=(batch(1), batch(3, "ACTIVE")), total=3, spoilt=1)


@pytest.mark.parametrize("odd", ODD_ROWS)
def test_a_page_of_odd_rows_alone_is_garbage(odd: object) -> None:
    answer = told(200, page_of(odd, odd, totalCount=2))
    assert (answer.kind, answer.outcome, answer.page) == (Kind.GARBAGE, "bad_body", None)
    assert answer.detail is not None
    assert answer.detail.startswith("no row makes sense: ")


@pytest.mark.parametrize(
    ("sent", "item"),
    [
        (row(2, size="12", name="a"), replace(batch(2), name="a")),
        (row(2, size=6198.0, remaining=5), replace(batch(2), remaining=5)),
        (row(2, enabled="yes", created={}), batch(2)),
        (row(2, size=-1, remaining=2**63, created=5), batch(2)),
        (row(2, name="cut \ud83d"), replace(batch(2), name="cut ?")),
        (row(2, name="Zoë's\0"), replace(batch(2), name="Zoë's")),
        (row(2, name="a" * 1001), replace(batch(2), name="a" * 1000)),
        (row(2, "Half way, 50 %", colour="red"), batch(2, "Half way, 50 %")),
        (row(MAX_BATCH_ID), batch(MAX_BATCH_ID)),
    ],
)
def test_a_field_that_nobody_needs_spoils_no_row(sent: object, item: Batch) -> None:
    page = shown(page_of(row(1), sent))
    assert (page.items, page.spoilt) == ((batch(1), item), 0)


def test_of_rows_with_one_id_the_first_that_makes_sense_counts() -> None:
    page = shown(page_of({"id": 1}, row(1, "VALIDATING"), row(2), row(1, "ACTIVE"), row(1)))
    assert (page.items, page.spoilt) == ((batch(1, "VALIDATING"), batch(2)), 1)


# What a page says of itself.


@pytest.mark.parametrize(
    ("said", "limit", "offset"),
    [
        ({"limit": 50, "offset": 100}, 50, 100),
        ({"limit": None, "offset": None}, 1000, 200),
        ({"limit": 0, "offset": -1}, 1000, 200),
        ({"limit": 2**63, "offset": 2**63}, 1000, 200),
        ({"limit": "50", "offset": 1.5}, 1000, 200),
        ({"limit": True, "offset": []}, 1000, 200),
        ({"offset": 0}, 100, 0),
    ],
)
def test_limit_and_offset_are_as_answered_or_else_as_asked(said: Mapping[str, object], limit: int, offset: int) -> None:
    page = shown(page_of(row(1), **said), ref=replace(REF, offset=200, limit=1000))
    assert (page.limit, page.offset, page.items) == (limit, offset, (batch(1),))


def test_a_page_need_not_say_where_it_is() -> None:
    page = shown(b'{"items":[{"id":1,"status":"NEW"}]}', ref=replace(REF, offset=200, limit=1000))
    assert page == Page(offset=200, limit=1000, items=(batch(1),), total=None)


@pytest.mark.parametrize(
    ("said", "total"),
    [
        ({}, None),
        ({"totalCount": None}, None),
        ({"totalCount": 2}, 2),
        ({"totalCount": 2**63 - 1}, 2**63 - 1),
        ({"totalCount": 2**63}, None),
        ({"totalCount": -1}, None),
        ({"totalCount": "2"}, None),
        ({"totalCount": 2.0}, None),
        ({"totalCount": True}, None),
        ({"totalCount": 1}, None),  # there are two already
        ({"totalCount": 0}, None),
        ({"totalCount": 101, "offset": 100}, None),
        ({"totalCount": 102, "offset": 100}, 102),
    ],
)
def test_a_total_that_cannot_be_is_none(said: Mapping[str, object], total: int | None) -> None:
    page = shown(page_of(row(1), row(2), **said))
    assert (page.total, len(page.items)) == (total, 2)


def test_a_total_counts_spoilt_and_repeated_rows_too() -> None:
    assert shown(page_of(row(1), row(1), {}, totalCount=2)).total is None
    assert shown(page_of(row(1), row(1), {}, totalCount=3)).total == 3


def test_a_total_below_an_empty_page_is_one() -> None:
    assert shown(page_of(offset=500, totalCount=7)).total == 7


# Garbage.


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "JSON"),
        (b"<html>maintenance</html>", "JSON"),
        (b"[]", "object"),
        (b"null", "object"),
        (b'[{"id":1,"status":"NEW"}]', "object"),
        (b'{"id":1,"status":"NEW"}', "items"),
        (b'{"items":{}}', "items"),
        (b'{"items":"none"}', "items"),
        (b'{"items":0,"totalCount":0}', "items"),
        (page_of(row(1))[:-1], "JSON"),
        (b'\xff\xfe{"items":[]}', "JSON"),
        (b'{"items":' + b"[" * 100_000, "JSON"),
        (b'{"items":[{"id":1' + b"0" * 5000 + b',"status":"NEW"}]}', ""),
        (page_of(*[row(1)] * (MOST_ROWS + 1)), "items"),
        (page_of(*[{}] * (MOST_ROWS + 1)), "items"),
    ],
)
def test_a_body_that_is_no_page_is_garbage(body: bytes, why: str) -> None:
    answer = told(200, body)
    assert (answer.kind, answer.outcome, answer.page, answer.size) == (Kind.GARBAGE, "bad_body", None, len(body))
    assert answer.detail is not None
    assert why in answer.detail


def test_as_many_rows_are_read_as_go_into_a_body() -> None:
    least = json.dumps(SAMPLE | {"id": 1, "name": "", "status": "NEW", "broadcastId": 1}, separators=(",", ":"))
    assert len(least) * MOST_ROWS > MAX_BODY
    assert len(shown(page_of(*map(row, range(1, MOST_ROWS + 1)))).items) == MOST_ROWS


def test_a_packed_page_is_unpacked_and_one_over_the_limit_is_garbage() -> None:
    packed = gzip.compress(page_of(SAMPLE))
    answer = told(200, packed, {"Content-Encoding": "gzip"})
    assert answer.page is not None
    assert (answer.page.items, answer.size) == ((SAMPLE_BATCH,), len(packed))
    bomb = told(200, gzip.compress(page_of(SAMPLE).ljust(MAX_BODY + 1)), {"Content-Encoding": "gzip"})
    cut = told(200, page_of(SAMPLE), truncated=True)
    assert (bomb.kind, bomb.detail) == (Kind.GARBAGE, "the body is over 1 MiB when unpacked")
    assert (cut.kind, cut.detail) == (Kind.GARBAGE, "the body is over 1 MiB")


# Other codes, and none.


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
        *((code, Kind.FAILED) for code in (204, 302, 408, 422, 425, 500, 502, 503, 504, 999)),
    ],
)
def test_every_code_has_the_meaning_that_it_has_for_a_batch(status: int, kind: Kind) -> None:
    body = b'{"message":"no"}'
    assert told(status, body, {"Retry-After": "7"}) == PageAnswer(
        ref=REF,
        asked=ASKED,
        answered=ANSWERED,
        kind=kind,
        outcome=str(status),
        retry_after=timedelta(seconds=7),
        detail="no",
        size=len(body),
    )


def test_a_page_may_ask_for_a_pause_as_well() -> None:
    answer = told(200, page_of(row(1)), {"Retry-After": "7"})
    assert (answer.kind, answer.retry_after) == (Kind.SEEN, timedelta(seconds=7))


def test_no_page_is_a_failure_of_its_kind() -> None:
    assert no_page(REF, "reset", "gone\r\naway", asked=ASKED, answered=ANSWERED) == PageAnswer(
        ref=REF, asked=ASKED, answered=ANSWERED, kind=Kind.FAILED, outcome="reset", detail="gone away"
    )


# Whatever comes.

HEADERS = st.dictionaries(st.sampled_from(["Retry-After", "Content-Encoding"]), st.text(max_size=40), max_size=2)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
GOOD_ROWS = st.builds(row, st.integers(1, 5), st.sampled_from(["NEW", "VALIDATING", "ACTIVE", "PONDERING"]))
ROWS = st.one_of(
    GOOD_ROWS,
    st.dictionaries(st.sampled_from(list(SAMPLE)), JSON_VALUES, max_size=4).map(lambda changes: SAMPLE | changes),
    JSON_VALUES,
)
PAGES = st.dictionaries(st.sampled_from(["items", "limit", "offset", "totalCount"]), JSON_VALUES | st.lists(ROWS))


@given(status=st.integers(100, 999), body=st.binary(max_size=300), headers=HEADERS)
def test_every_answer_can_be_deciphered(status: int, body: bytes, headers: dict[str, str]) -> None:
    answer = told(status, body, headers)
    assert answer.kind in Kind
    assert (answer.page is not None) == (answer.kind is Kind.SEEN)
    assert answer.detail is None or (0 < len(answer.detail) <= 200 and answer.detail.isprintable())


@given(sent=JSON_VALUES | PAGES)
def test_a_page_that_is_seen_is_of_the_broadcast_asked_for_and_fits_any_store(sent: object) -> None:
    answer = told(200, json.dumps(sent).encode())
    page = answer.page
    assert (page is not None) == (answer.kind is Kind.SEEN)
    assert answer.detail is None or (0 < len(answer.detail) <= 200 and answer.detail.isprintable())
    if page is None:
        return
    assert page.limit > 0 <= page.offset
    assert page.total is None or page.total >= 0
    assert len({each.id for each in page.items}) == len(page.items)
    for each in page.items:
        assert each.broadcast_id == 14
        assert 0 < each.id <= MAX_BATCH_ID
        assert 0 < len(each.status) <= 100
        assert all(number is None or 0 <= number <= MAX_BATCH_ID for number in (each.size, each.remaining))
        assert each.name is None or "\0" not in each.name


@given(rows=st.lists(ROWS, max_size=8))
def test_a_row_is_read_the_same_whatever_stands_beside_it(rows: Sequence[object]) -> None:
    alone = [told(200, page_of(each)).page for each in rows]
    expected: dict[int, Batch] = {}
    for each in alone:
        if each is not None:
            [item] = each.items
            expected.setdefault(item.id, item)
    page = told(200, page_of(*rows)).page
    if rows and not expected:
        assert page is None
    else:
        assert page is not None
        assert (page.items, page.spoilt) == (tuple(expected.values()), alone.count(None))
