"""Schemathesis asks the interface, over a socket, whatever its document allows and much that it does not, with all of its own
checks: no answer may be one that the document does not tell of, and none may be a failure of ours."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import Interaction

from tests.fake_submitting import FakeSubmitting
from tests.fakes import NOON, FakeClock
from tests.web.conformance import described
from tests.web.house import House, open_house
from watcher.core.model import Batch
from watcher.core.news import RequestFailed
from watcher.core.submissions import SubmissionState
from watcher.ports import Store, Switched

PATIENCE: Final = 60.0
TOKEN: Final = "a-token-for-the-court"
ACCOUNTS: Final = ("default", "second")
STREAMS: Final = ("/v1/events/stream", "/v1/stream")
"""They do not end: tests of their own read them."""


REJECTED: Final = ["400", "401", "403", "404", "405", "409", "412", "413", "415", "422", "429"]
"""What may be answered to what the document does not allow."""
BEYOND_SCHEMAS: Final = frozenset(
    {
        "bad-cursor",  # it was not made by the list
        "bad-endpoint",  # a key pair whose halves do not belong together, a moment in the future
        "idempotency-key-reused",
        "no-good-row",  # of several accounts none is named
        "precondition-failed",
    }
)
"""Problems with what is valid by its schema, and refused for what no schema can say."""
RELATED: Final = frozenset(
    {
        "",  # recipients or a list of contacts
        "/recipients/N",  # a phone number or a contact, one that can be called, each once
        "/authorization",  # either of two
        "/concurrency",  # 1 where an order is to be kept
        "/expires",  # not past
        "/expires_in",  # not with expires
        "/name",  # printable throughout
        "/ordering",
        "/secret",  # for one of the signatures
        "/signatures",  # there is a key for each
        "/until",  # later than since
    }
)
"""What in a body may be refused for something else in it, or for what there is."""
WRITTEN_AS_FLOAT: Final = re.compile(r"/\d+\.0(?=[/?]|$)")
"""An id as a JSON Schema takes it too, and no path does."""
ROW: Final = re.compile(r"^/recipients/\d+(?:/phone_number)?$")


@dataclass(slots=True)
class Verdict:
    """How many requests were made in which phase, what was answered, and what was not as it is told."""

    asked: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


@contextmanager
def open_court() -> Iterator[tuple[House, dict[str, Any]]]:
    """A house in a thread of its own, for a client that blocks, and its document."""
    started: Future[tuple[House, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        async with open_house(token=TOKEN, accounts=ACCOUNTS, clock=Passing(), submitting_as=Answering) as house:
            stopped = asyncio.Event()
            started.set_result((house, asyncio.get_running_loop(), stopped))
            await stopped.wait()

    def kept() -> None:
        try:
            asyncio.run(run())
        except Exception as error:
            started.set_exception(error)
            raise

    thread = Thread(target=kept, name="house")
    thread.start()
    house, loop, stopped = started.result(timeout=PATIENCE)
    try:
        yield house, described(house.app)
    finally:
        loop.call_soon_threadsafe(stopped.set)
        thread.join()


def narrowed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what this house alone knows: which accounts there are. The rest is generated as anybody might."""
    made = deepcopy(document)
    enum = {"type": "string", "enum": list(ACCOUNTS)}
    for schema in made["components"]["schemas"].values():
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is False and "accounts" in properties:
            properties["accounts"]["anyOf"][0]["items"] = enum
    for methods in made["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter.get("in") == "path" and parameter["name"] == "account":
                    parameter["schema"] = enum
    del made["components"]["parameters"]["Idempotency-Key"]["example"]  # a key is for one request only
    return made


def judge(house: House, document: dict[str, Any], *, phases: dict[str, Any], seed: int) -> Verdict:
    """Runs the library's engine with all checks over all operations that end."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "base-url": house.url,
            "headers": {"Authorization": f"Bearer {TOKEN}"},
            "generation": {"deterministic": True, "allow-x00": False},
            "checks": {"negative_data_rejection": {"expected-statuses": REJECTED}},
            "phases": phases,
            "continue-on-failure": True,
            "warnings": False,
        }
    )
    schema = schemathesis.openapi.from_dict(narrowed(document), config=config).exclude(path=list(STREAMS))
    verdict = Verdict()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _count(event, verdict)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            verdict.failures[f"{getattr(event, 'label', '')}: error"] = str(getattr(event, "info", event))
    for failure in house.ear.of(RequestFailed):
        assert isinstance(failure, RequestFailed)
        verdict.failures[f"{failure.method} {failure.route}"] = failure.trace
    return verdict


def _count(event: events.ScenarioFinished, verdict: Verdict) -> None:
    recorder = event.recorder
    verdict.asked[event.phase.value] += len(recorder.interactions)
    for interaction in recorder.interactions.values():
        if interaction.response is not None:
            verdict.statuses[interaction.response.status_code] += 1
    for case, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None and not _is_beyond_schemas(check.name, recorder.interactions[case]):
                what = recorder.cases[case].value
                key = f"{what.method} {what.path}: {check.name}"
                told = _answered(recorder.interactions[case])
                verdict.failures.setdefault(
                    key, f"{check.failure_info.failure}\n{check.failure_info.code_sample}\n{told}"
                )


def _answered(interaction: Interaction) -> str:
    """What was answered."""
    return "" if interaction.response is None else interaction.response.content.decode(errors="replace")[:1000]


def _is_beyond_schemas(check: str, interaction: Interaction) -> bool:
    if check != "positive_data_acceptance" or interaction.response is None:
        return False
    problem = interaction.response.json()
    kind = problem["type"].removeprefix("/problems/")
    wrong = {ROW.sub("/recipients/N", each.get("pointer", "?")) for each in problem.get("errors", ())}
    if kind in ("bad-batch-id", "bad-broadcast-id", "bad-delivery-id"):  # of a whole number only where it is written so
        return WRITTEN_AS_FLOAT.search(interaction.request.uri) is not None
    if kind == "bad-query":  # of several parameters together: a label with two values
        return all(each["message"].startswith("A label has one value") for each in problem["errors"])
    return kind in BEYOND_SCHEMAS or (kind == "bad-body" and bool(wrong) and wrong <= RELATED)


class Answering(FakeSubmitting):
    """CallFire takes and does everything."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.becomes = {"state": SubmissionState.ACCEPTED, "batch_id": 13, "settled": NOON}

    async def switch(self, account: str, batch_id: int, enabled: bool, wait: float) -> Switched:
        return Switched(batch=Batch(id=batch_id, status="ACTIVE", enabled=enabled))


class Passing(FakeClock):
    """Time passes as one asks: attempts with a wrong token do not count for ever, nor does an Idempotency-Key."""

    def monotonic(self) -> float:
        self.turn(seconds=30)
        return super().monotonic()
