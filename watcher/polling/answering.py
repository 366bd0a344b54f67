"""What only the poller of an account knows, or can do, for the other replicas: asked and answered in JSON that words can bear."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from watcher.core.explaining import Explanation
from watcher.polling.poller import Poller
from watcher.polling.questions import What
from watcher.ports import BroadcastView, PastLooks, Soonest, Switched

LOOKS_MOST: Final = 500
"""Looks at one batch that are told to another replica: the newest."""
OVERDUE_MOST: Final = 10_000
"""Batches that are overdue of which another replica is told."""
SOONEST_MOST: Final = 2_000
"""Watches whose order another replica is told, of one account."""

EXPLANATION: Final[TypeAdapter[Explanation | None]] = TypeAdapter(Explanation | None)
LOOKS: Final = TypeAdapter(PastLooks)
BROADCASTS: Final = TypeAdapter(dict[int, BroadcastView])
OVERDUE: Final = TypeAdapter(list[int])
SOONEST: Final = TypeAdapter(Soonest)
SWITCHED: Final = TypeAdapter(Switched)

Question = Mapping[str, Any]


async def answered(poller: Poller, question: Question) -> Any:
    """What the poller has to say to the question."""
    what: What = question["what"]
    return await _ANSWERS[what](poller, question)


async def _explanation(poller: Poller, question: Question) -> Any:
    return EXPLANATION.dump_python(poller.explain(question["id"]), mode="json")


async def _looks(poller: Poller, question: Question) -> Any:
    return LOOKS.dump_python(poller.looks.of(question["id"], LOOKS_MOST), mode="json")


async def _broadcasts(poller: Poller, question: Question) -> Any:
    return BROADCASTS.dump_python(await poller.broadcast_views(question["ids"]), mode="json")


async def _overdue(poller: Poller, _: Question) -> Any:
    return poller.overdue()[:OVERDUE_MOST]


async def _soonest(poller: Poller, question: Question) -> Any:
    most = min(question["most"], SOONEST_MOST)
    found = poller.soonest(most, status=question["status"], final=question["final"])
    return SOONEST.dump_python(found, mode="json")


async def _switch(poller: Poller, question: Question) -> Any:
    switches = poller.submitter.switches
    return SWITCHED.dump_python(
        await switches.switch(question["id"], question["enabled"], question["wait"]), mode="json"
    )


async def _withdraw(poller: Poller, question: Question) -> Any:
    return await poller.submitter.cases.withdraw(question["id"])


_ANSWERS: Final[Mapping[What, Callable[[Poller, Question], Awaitable[Any]]]] = {
    "explanation": _explanation,
    "looks": _looks,
    "broadcasts": _broadcasts,
    "overdue": _overdue,
    "soonest": _soonest,
    "switch": _switch,
    "withdraw": _withdraw,
}
