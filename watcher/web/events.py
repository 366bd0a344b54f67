"""`/v1/events`: the log of events, from a position on."""

from aiohttp import web

from watcher.ports import EventQuery, Following, Store
from watcher.web.asked_accounts import asked_accounts
from watcher.web.bodies import read_query
from watcher.web.cursors import next_link
from watcher.web.event_types import types_of
from watcher.web.models import EventPage, EventsParams
from watcher.web.operations import Operation, gives
from watcher.web.shown import answer, event_shown


class Log:
    """The handler that has to do with events: it only reads."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/events",
                handler=self.events,
                scope="read",
                tag="events",
                query=EventsParams,
                gives=gives(EventPage),
                problems=("unknown-account",),
            ),
        ]

    async def events(self, request: web.Request) -> web.Response:
        """Events after a position, in the order of positions, as long as they are kept. `next` is the `after` to go on with; the
        header Link has the address where there may be more now. GET /v1/events/stream tells of those to come."""
        params = read_query(request, EventsParams, repeatable=("type",))
        asked = None if params.account is None else [params.account]
        accounts = await asked_accounts(request, asked, self._following, self._store)
        found = await self._store.events(
            EventQuery(
                after=params.after,
                limit=params.limit,
                types=types_of(params.type),
                account=params.account,
                accounts=accounts if asked is None else None,
                batch_id=params.batch_id,
            )
        )
        following = found[-1].position if found else params.after
        more = following if len(found) == params.limit else None
        page = EventPage(items=[event_shown(each) for each in found], next=following)
        return answer(page, headers=next_link(request, more, "after"))
