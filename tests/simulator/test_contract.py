"""Schemathesis judges the simulator's answers, over a socket, by the seed's description of CallFire. What that leaves open is
filled in, see `contract`."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup

from tests.simulator.contract import BATCH, CHECKS, PAGES, SHAPES, TEXT_PAGES, AnyCase, Court, open_court, seed
from watcher.simulator.answers import MESSAGES

GENERATED: Final = settings(
    max_examples=40, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
OPERATIONS: Final = [
    ("GET", BATCH),
    ("PUT", BATCH),
    ("GET", PAGES),
    ("POST", PAGES),
    ("GET", TEXT_PAGES),
    ("POST", TEXT_PAGES),
]
BODIES: Final[dict[str, Any]] = {
    "PUT": {"enabled": False},
    "POST": {"name": "Zoë's", "recipients": [{"phoneNumber": "12135551122"}]},
}
WRONGS: Final[dict[tuple[str, bool], list[dict[str, Any]]]] = {
    ("GET", True): [],  # nothing in it can be wrong
    ("PUT", True): [{"body": {}}, {"body": {"enabled": "no"}}],
    ("GET", False): [{"query": {"limit": 0}}, {"query": {"offset": -1}}],
    ("POST", False): [{"body": {}}, {"query": {"strictValidation": "perhaps"}}],
}


@pytest.fixture(scope="module")
def court() -> Iterator[Court]:
    with open_court() as open_one:
        yield open_one


def case(court: Court, method: str, path: str, place: int = 0, **how: Any) -> AnyCase:
    """A request made by hand, with one of the ids."""
    query, body = how.pop("query", {}), how.pop("body", BODIES.get(method))
    operation = court.operation(method, path, **how)
    number = {"id": court.ids[path][place]}
    if body is None:
        return operation.Case(path_parameters=number, query=query)
    return operation.Case(path_parameters=number, query=query, body=body, media_type="application/json")


# Generated requests. Codes that no document names (405) are not asked for: only documented methods are used.


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE], ids=["good", "bad"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_described(court: Court, method: str, path: str, mode: GenerationMode) -> None:
    codes: Counter[int] = Counter()

    @GENERATED
    @given(court.operation(method, path).as_strategy(mode))
    def judged(generated: AnyCase) -> None:
        generated.query.pop("fields", None)
        codes[court.judge(generated).status_code] += 1

    judged()
    expected = {200, 404} if mode is GenerationMode.POSITIVE else {404, 400} if method != "GET" else {404}
    assert codes.keys() >= expected, "what was generated was too narrow to judge by"


@pytest.mark.parametrize(("method", "path"), [("GET", BATCH), ("GET", PAGES), ("GET", TEXT_PAGES)])
def test_every_partial_answer_is_as_described(court: Court, method: str, path: str) -> None:
    @GENERATED
    @given(court.operation(method, path, whole=False).as_strategy())
    def judged(generated: AnyCase) -> None:
        court.judge(generated)

    judged()


# Requests made by hand.


@pytest.mark.parametrize(
    ("method", "path"), [each for each in OPERATIONS if each[1] != TEXT_PAGES and each[0] != "PUT"]
)
def test_what_the_seed_alone_says_is_so(court: Court, method: str, path: str) -> None:
    for place in range(len(court.ids[path]) - 1):
        assert court.judge(case(court, method, path, place, seed_only=True)).status_code == 200


def test_every_status_is_shown_as_described(court: Court) -> None:
    known = SHAPES["batch"]["properties"]["status"]["enum"]
    seen = [court.judge(case(court, "GET", BATCH, place)).json()["status"] for place in range(2 * len(known))]
    assert seen == known * 2
    for path in (PAGES, TEXT_PAGES):
        page = court.judge(case(court, "GET", path, query={"limit": 5})).json()
        assert [item["status"] for item in page["items"]] == known


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (BATCH, "id,status"),
        (BATCH, "nonsense"),
        (PAGES, "items(id,status),limit"),
        (TEXT_PAGES, "items(id,status,size,remaining,enabled,broadcastId),limit,offset,totalCount"),
    ],
)
def test_the_partial_answers_that_a_client_asks_for_are_as_described(court: Court, path: str, fields: str) -> None:
    assert court.judge(case(court, "GET", path, query={"fields": fields}, whole=False)).status_code == 200


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_errors_are_as_described(court: Court, method: str, path: str) -> None:
    assert court.judge(case(court, method, path), account=None).status_code == 401
    assert court.judge(case(court, method, path), account="other").status_code == 404
    assert court.judge(case(court, method, path, place=-1)).status_code == 404
    for wrong in WRONGS[method, path == BATCH]:
        assert court.judge(case(court, method, path, **wrong)).status_code == 400


@pytest.mark.parametrize("code", [403, 429, 500, 502, 503, 504])
def test_errors_that_are_faults_are_as_described(court: Court, code: int) -> None:
    court.fault(kind="code", code=code, retry_after=3)
    answer = court.judge(case(court, "GET", BATCH), checks=CHECKS[1:])
    assert (answer.status_code, answer.headers["retry-after"]) == (code, ["3"])
    assert answer.json()["message"] == MESSAGES.get(code, "Internal error")


def test_a_simulator_set_up_otherwise_answers_as_described_too() -> None:
    with open_court(created_code=201, total_count=False, sizes_late=True, base_path="/", budget=4) as court:
        assert court.judge(case(court, "POST", PAGES)).status_code == 201
        for path in (PAGES, TEXT_PAGES):
            assert "totalCount" not in court.judge(case(court, "GET", path)).json()
        assert court.judge(case(court, "GET", BATCH)).json()["size"] == 0
        assert court.judge(case(court, "GET", BATCH)).status_code == 429


# That it is noticed where something is not as described.


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        (BATCH, {"kind": "no_status"}),
        (PAGES, {"kind": "no_status"}),
        (BATCH, {"kind": "unknown_status"}),
        (TEXT_PAGES, {"kind": "unknown_status"}),
        (BATCH, {"kind": "not_json"}),
        (BATCH, {"kind": "empty"}),
        (BATCH, {"kind": "huge"}),
        (BATCH, {"kind": "code", "code": 418}),
        (BATCH, {"kind": "code", "code": 404, "body": "html"}),
        (BATCH, {"kind": "code", "code": 404, "body": "empty"}),
        (BATCH, {"kind": "code", "code": 500}),
    ],
)
def test_an_answer_that_is_not_as_described_is_noticed(court: Court, path: str, fault: dict[str, object]) -> None:
    court.fault(**fault)
    with pytest.raises(FailureGroup):
        court.judge(case(court, "GET", path))
    court.judge(case(court, "GET", path))


def test_the_seed_says_no_more_than_it_is_taken_to_say() -> None:
    """Once it has shapes of its own, those filled in are to go."""
    described = seed()
    assert described.keys().isdisjoint({"definitions", "parameters", "responses"})
    for methods in described["paths"].values():
        for operation in methods.values():
            assert operation["responses"] == {"200": {"description": "OK"}}
