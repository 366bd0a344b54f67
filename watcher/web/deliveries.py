"""`/v1/deliveries`, and those of one endpoint: what is owed and was, each attempt, and sending again."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from watcher.core.model import MAX_BATCH_ID
from watcher.core.tokens import Grant
from watcher.ports import DeliveryQuery, DeliveryView, Following, Store, Subscribing
from watcher.web.asked_accounts import asked_accounts
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

    def __init__(self, *, subscribing: Subscribing, following: Following, store: Store) -> None:
        self._subscribing = subscribing
        self._following = following
        self._store = store

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
                problems=("unknown-account", "unknown-endpoint", "bad-cursor"),
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
        """Deliveries, the newest first: all, or those of an endpoint, of an account's events, of one batch's."""
        params = read_query(request, DeliveriesParams, repeatable=("state",))
        if params.endpoint is not None:
            await require_endpoint(request, self._store, params.endpoint)
        if params.account is not None:
            await asked_accounts(request, [params.account], self._following, self._store)
        wanted = DeliveryQuery(endpoint_id=params.endpoint, account=params.account, batch_id=params.batch_id)
        return await self._page(request, wanted, params)

    async def of_endpoint(self, request: web.Request) -> web.Response:
        """Those of one endpoint, the newest first."""
        wanted = DeliveryQuery(endpoint_id=await visible_endpoint(request, self._store))
        return await self._page(request, wanted, read_query(request, OwnDeliveriesParams, repeatable=("state",)))

    async def read(self, request: web.Request) -> web.Response:
        """One delivery with its attempts."""
        delivery_id = await visible_delivery(request, self._store)
        return answer(delivery_whole(granted(await self._subscribing.delivery(delivery_id))))

    async def resend(self, request: web.Request) -> web.Response:
        """Sends it again, at once where its endpoint has room."""
        delivery_id = await visible_delivery(request, self._store)
        await read_object(request, Taken)
        return answer(delivery_whole(granted(await self._subscribing.resend(delivery_id))))

    async def _page(self, request: web.Request, wanted: DeliveryQuery, params: OwnDeliveriesParams) -> web.Response:
        states = tuple(dict.fromkeys(params.state))
        filters = ["deliveries", wanted.endpoint_id, wanted.account, wanted.batch_id, sorted(states)]
        query = replace(
            wanted,
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
        if query.endpoint_id is not None:
            return await self._visible_of(grant, query)
        views = await self._subscribing.endpoints()
        endpoints = [view.endpoint.id for view in views if grant.sees_all(view.endpoint.accounts)]
        if query.account is not None or query.batch_id is not None:  # these are found without their endpoints
            return await self._visible_of(grant, query, frozenset(endpoints))
        found: list[DeliveryView] = []
        for endpoint_id in endpoints:
            found += await self._visible_of(grant, replace(query, endpoint_id=endpoint_id))
        return sorted(found, key=lambda view: view.id, reverse=True)[: query.limit]

    async def _visible_of(
        self, grant: Grant, query: DeliveryQuery, endpoints: Collection[str] | None = None
    ) -> Sequence[DeliveryView]:
        """Those of the endpoint that is named, or of some, but for what they were owed while they wanted events of others too."""
        found: list[DeliveryView] = []
        while len(found) < query.limit:
            some = granted(await self._subscribing.deliveries(query))
            seen = (view for view in some if endpoints is None or view.endpoint_id in endpoints)
            found += [view for view in seen if grant.sees(view.account)]
            if len(some) < query.limit:
                break
            query = replace(query, before=some[-1].id)
        return found[: query.limit]


def _delivery_id(place: Any) -> int:
    if type(place) is not int or not 1 <= place <= MAX_BATCH_ID:
        raise ValueError
    return place
