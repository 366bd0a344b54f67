"""Whatever is sent, the interface answers as its document says: judged by schemathesis, with all of its checks, also over
several requests that build on each other."""

from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.web.court import Verdict, judge, open_court
from tests.web.house import House

SEED: Final = 20_261_123
SLICE: Final[dict[str, Any]] = {
    "examples": {"enabled": True},
    "coverage": {"enabled": False},
    "fuzzing": {"generation": {"max-examples": 3}},
    "stateful": {"generation": {"max-examples": 4}},
}
CAMPAIGN: Final[dict[str, Any]] = {
    "examples": {"enabled": True},
    "coverage": {"enabled": True},
    "fuzzing": {"generation": {"max-examples": 40}},
    "stateful": {"generation": {"max-examples": 100}},
}


@pytest.fixture
def court() -> Iterator[tuple[House, dict[str, Any]]]:
    with open_court() as opened:
        yield opened


def test_a_slice_of_what_can_be_asked_is_answered_as_documented(court: tuple[House, dict[str, Any]]) -> None:
    verdict = judge(*court, phases=SLICE, seed=SEED)
    acquit(verdict, least=300)


@pytest.mark.campaign
def test_whatever_is_asked_is_answered_as_documented(court: tuple[House, dict[str, Any]]) -> None:
    verdict = judge(*court, phases=CAMPAIGN, seed=SEED)
    print(
        f"{sum(verdict.asked.values())} requests: {dict(verdict.asked)}; answers: {dict(sorted(verdict.statuses.items()))}"
    )
    acquit(verdict, least=2000)


def acquit(verdict: Verdict, *, least: int) -> None:
    """Nothing was wrong, and enough was asked, in all ways, to say so."""
    assert not verdict.failures, "\n\n".join(f"{what}\n{how}" for what, how in verdict.failures.items())
    assert sum(verdict.asked.values()) >= least
    assert {"fuzzing", "stateful"} <= verdict.asked.keys()
    assert {200, 201, 204, 404, 422} <= verdict.statuses.keys()
