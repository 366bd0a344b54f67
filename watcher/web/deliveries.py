"""`/v1/deliveries`, and those of one endpoint: what is owed and was, each attempt, and sending again."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from watcher.core.model import MAX_BATCH_ID
from watcher.core.tokens import Grant
from watcher.ports import DeliveryQuery, DeliveryView, Subscribing, Whose
from watcher.web.bodies import read_object, read_query
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.delivery_models import DeliveriesParams, DeliveryPage, DeliveryWhole, OwnDeliveriesParams
from watcher.web.endpoint_shown import delivery_shown, delivery_whole
from watcher.web.models import Taken
from watcher.web.operations import Operation, gives
from watcher.web.refusals import granted
from watcher.web.shown import answer
from watcher.web.visible import grant, require_endpoint, visible_delivery, visible_endpoint


class Deliveries:
    """The handlers that have to do with deliveries. For a token that is limited to accounts there are only those of endpoints and
    events that exist for it."""

    def __init__(self, *, subscribing: Subscribing, whose: Whose) -> None:
        self._subscribing = subscribing
        self._whose = whose

    def operations(self) -> list[Operation]:
        one = "/v1/deliveries/{delivery_id}"
        return [
            Operation(
                method="GET",
                path="/v1/endpoints/{endpoint_id}/deliveries",
                handler=self.of_endpoint,
                scope="read",
                tag="deliveries",
                query=OwnDeliveriesParams,
                gives=gives(DeliveryPage),
                problems=("unknown-endpoint", "bad-cursor"),
            ),
            Operation(
                method="GET",
                path="/v1/deliveries",
                handler=self.list,
                scope="read",
                tag="deliveries",
                query=DeliveriesParams,
                gives=gives(DeliveryPage),
                problems=("unknown-endpoint", "bad-cursor"),
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="deliveries",
                headers=("If-None-Match",),
                gives=gives(DeliveryWhole),
                problems=("unknown-delivery", "bad-delivery-id"),
            ),
            Operation(
                method="POST",
                path=one + "/resend",
                handler=self.resend,
                scope="write",
                tag="deliveries",
                body=Taken,
                gives=gives(DeliveryWhole),
                problems=("unknown-delivery", "bad-delivery-id", "in-flight", "not-active"),
            ),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Deliveries, the newest first."""
        params = read_query(request, DeliveriesParams, repeatable=("state",))
        if params.endpoint is not None:
            await require_endpoint(request, self._whose, params.endpoint)
        return await self._page(request, params.endpoint, params)

    async def of_endpoint(self, request: web.Request) -> web.Response:
        """Those of one endpoint, the newest first."""
        endpoint_id = await visible_endpoint(request, self._whose)
        return await self._page(request, endpoint_id, read_query(request, OwnDeliveriesParams, repeatable=("state",)))

    async def read(self, request: web.Request) -> web.Response:
        """One delivery with its attempts."""
        delivery_id = await visible_delivery(request, self._whose)
        return answer(delivery_whole(granted(await self._subscribing.delivery(delivery_id))))

    async def resend(self, request: web.Request) -> web.Response:
        """Sends it again, at once where its endpoint has room."""
        delivery_id = await visible_delivery(request, self._whose)
        await read_object(request, Taken)
        return answer(delivery_whole(granted(await self._subscribing.resend(delivery_id))))

    async def _page(self, request: web.Request, endpoint_id: str | None, params: OwnDeliveriesParams) -> web.Response:
        states = tuple(dict.fromkeys(params.state))
        filters = ["deliveries", endpoint_id, sorted(states)]
        query = DeliveryQuery(
            endpoint_id=endpoint_id,
            states=states,
            before=None if params.cursor is None else read_cursor(params.cursor, _delivery_id, filters),
            limit=params.limit + 1,
        )
        found = await self._visible(grant(request), query)
        page, cursor = portion(found, params.limit, lambda view: view.id, filters)
        items = [delivery_shown(view) for view in page]
        return answer(DeliveryPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def _visible(self, grant: Grant, query: DeliveryQuery) -> Sequence[DeliveryView]:
        """Those of the query that exist for the grant: of one that is limited, each of its endpoints is asked for, by the same
        index as one alone, so that what others are owed costs nothing."""
        if grant.accounts is None:
            return granted(await self._subscribing.deliveries(query))
        endpoints = [query.endpoint_id]
        if query.endpoint_id is None:
            views = await self._subscribing.endpoints()
            endpoints = [view.endpoint.id for view in views if grant.sees_all(view.endpoint.accounts)]
        found: list[DeliveryView] = []
        for endpoint_id in endpoints:
            found += await self._visible_of(grant, replace(query, endpoint_id=endpoint_id))
        return sorted(found, key=lambda view: view.id, reverse=True)[: query.limit]

    async def _visible_of(self, grant: Grant, query: DeliveryQuery) -> Sequence[DeliveryView]:
        """Those of one endpoint, but for what it was owed while it wanted events of other accounts too."""
        found: list[DeliveryView] = []
        while len(found) < query.limit:
            some = granted(await self._subscribing.deliveries(query))
            found += [view for view in some if grant.sees(view.account)]
            if len(some) < query.limit:
                break
            query = replace(query, before=some[-1].id)
        return found[: query.limit]


def _delivery_id(place: Any) -> int:
    if type(place) is not int or not 1 <= place <= MAX_BATCH_ID:
        raise ValueError
    return place
