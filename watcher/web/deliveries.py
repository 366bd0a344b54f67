"""`/v1/deliveries`, and those of one endpoint: what is owed and was, each attempt, and sending again."""

from typing import Any

from aiohttp import web

from watcher.core.model import MAX_BATCH_ID
from watcher.ports import DeliveryQuery, Subscribing
from watcher.web.bodies import read_object, read_query
from watcher.web.cursors import cursor_of, read_cursor
from watcher.web.delivery_models import DeliveriesParams, DeliveryPage, DeliveryWhole, OwnDeliveriesParams
from watcher.web.endpoint_shown import delivery_shown, delivery_whole
from watcher.web.models import Taken
from watcher.web.operations import Operation, gives
from watcher.web.paths import delivery_id_of, endpoint_id_of
from watcher.web.refusals import granted
from watcher.web.shown import answer


class Deliveries:
    """The handlers that have to do with deliveries."""

    def __init__(self, *, subscribing: Subscribing) -> None:
        self._subscribing = subscribing

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
        return await self._page(params.endpoint, params)

    async def of_endpoint(self, request: web.Request) -> web.Response:
        """Those of one endpoint, the newest first."""
        endpoint_id = endpoint_id_of(request)
        return await self._page(endpoint_id, read_query(request, OwnDeliveriesParams, repeatable=("state",)))

    async def read(self, request: web.Request) -> web.Response:
        """One delivery with its attempts."""
        return answer(delivery_whole(granted(await self._subscribing.delivery(delivery_id_of(request)))))

    async def resend(self, request: web.Request) -> web.Response:
        """Sends it again, at once where its endpoint has room."""
        delivery_id = delivery_id_of(request)
        await read_object(request, Taken)
        return answer(delivery_whole(granted(await self._subscribing.resend(delivery_id))))

    async def _page(self, endpoint_id: str | None, params: OwnDeliveriesParams) -> web.Response:
        found = granted(
            await self._subscribing.deliveries(
                DeliveryQuery(
                    endpoint_id=endpoint_id,
                    states=tuple(dict.fromkeys(params.state)),
                    before=None if params.cursor is None else read_cursor(params.cursor, _delivery_id),
                    limit=params.limit + 1,
                )
            )
        )
        page = found[: params.limit]
        more = len(found) > params.limit
        items = [delivery_shown(view) for view in page]
        return answer(DeliveryPage(items=items, next=cursor_of(page[-1].id) if more else None))


def _delivery_id(place: Any) -> int:
    if type(place) is not int or not 1 <= place <= MAX_BATCH_ID:
        raise ValueError
    return place
