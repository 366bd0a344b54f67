"""`/v1/endpoints`: make, read, change and remove endpoints, and how they are sent to: off, on, new keys, samples, recovery."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from aiohttp import encode_basic_auth, web
from aiohttp.typedefs import Handler
from pydantic import BaseModel

from watcher.core.endpoint import Endpoint, Scheme, Secrets
from watcher.core.recovering import Recovery
from watcher.ports import Clock, EndpointView, Following, LastHour, Refused, Subscribing, Whose
from watcher.web.bodies import read_object, read_query
from watcher.web.conditional import READING, tagged
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.delivery_models import RecoveredShown, SampleShown
from watcher.web.endpoint_models import (
    IN_ORDER,
    AuthorizationBody,
    DisableBody,
    EnableBody,
    EndpointBody,
    EndpointMade,
    EndpointPage,
    EndpointParams,
    EndpointPatch,
    EndpointShown,
    EndpointsParams,
    KeysMade,
    RecoverBody,
    RotateBody,
    SampleBody,
    SetUpBody,
)
from watcher.web.endpoint_shown import endpoint_made, endpoint_shown, keys_made, sample_shown
from watcher.web.operations import Gives, Operation, gives
from watcher.web.paths import unknown_endpoint
from watcher.web.problems import Problem, summary
from watcher.web.refusals import granted
from watcher.web.shown import answer
from watcher.web.values import in_milliseconds, key_of_secret
from watcher.web.visible import accounts_of, grant, only, visible_endpoint

SET_UP: Final = frozenset(SetUpBody.model_fields) - {"kind", "headers", "authorization", "signatures"}
"""What of a body is kept as it is given; the rest is among the secrets."""

LIST: Final = "endpoints"
"""What a cursor is for."""


class Endpoints:
    """The handlers that have to do with endpoints. An attempt may take `timeout` where nothing is said of it.

    For a token that is limited to accounts there are only endpoints which get events of these, and of no other.
    """

    def __init__(
        self, *, subscribing: Subscribing, following: Following, whose: Whose, clock: Clock, timeout: timedelta
    ) -> None:
        self._subscribing = subscribing
        self._whose = whose
        self._following = following
        self._clock = clock
        self._usual = Endpoint(id="", url="", timeout=timeout)

    def operations(self) -> list[Operation]:
        every, one = "/v1/endpoints", "/v1/endpoints/{endpoint_id}"
        known, kept = ("unknown-endpoint",), ("unknown-endpoint", "kept-by-settings")

        def to_do(what: str, handler: Handler, body: type[BaseModel], shown: type[BaseModel], *kinds: str) -> Operation:
            return Operation(
                method="POST",
                path=f"{one}/{what}",
                handler=handler,
                scope="write",
                tag="endpoints",
                body=body,
                gives=gives(shown),
                problems=(*known, *kinds),
            )

        return [
            Operation(
                method="GET",
                path=every,
                handler=self.list,
                scope="read",
                tag="endpoints",
                query=EndpointsParams,
                gives=gives(EndpointPage),
                problems=("bad-cursor",),
            ),
            Operation(
                method="POST",
                path=every,
                handler=self.make,
                scope="write",
                tag="endpoints",
                body=EndpointBody,
                gives={201: Gives(model=EndpointMade)},
                problems=("endpoint-exists", "bad-endpoint", "not-verified", "idempotency-unclear"),
                doubles=True,
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="endpoints",
                query=EndpointParams,
                headers=("If-None-Match",),
                gives=gives(EndpointShown),
                problems=known,
            ),
            Operation(
                method="PATCH",
                path=one,
                handler=self.change,
                scope="write",
                tag="endpoints",
                body=EndpointPatch,
                headers=("If-Match",),
                gives=gives(EndpointShown),
                problems=(*kept, "changed-meanwhile", "bad-endpoint", "precondition-failed"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.remove,
                scope="write",
                tag="endpoints",
                headers=("If-Match",),
                gives=gives(),
                problems=(*kept, "precondition-failed"),
            ),
            to_do("enable", self.enable, EnableBody, EndpointShown),
            to_do("disable", self.disable, DisableBody, EndpointShown),
            to_do(
                "rotate", self.rotate, RotateBody, KeysMade, "kept-by-settings", "too-many-secrets", "changed-meanwhile"
            ),
            to_do("test", self.test, SampleBody, SampleShown),
            to_do("recover", self.recover, RecoverBody, RecoveredShown, "not-active", "bad-endpoint"),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Endpoints in the order of their ids. With `recent=true` also how their attempts went during the last hour."""
        params = read_query(request, EndpointsParams)
        after = "" if params.cursor is None else read_cursor(params.cursor, _endpoint_id, LIST)
        sees = grant(request).sees_all
        known = await self._subscribing.endpoints()
        views = [view for view in known if view.endpoint.id > after and sees(view.endpoint.accounts)]
        page, cursor = portion(views, params.limit, lambda view: view.endpoint.id, LIST)
        now = self._clock.now()
        items = [endpoint_shown(view, now, self._recent(view, params)) for view in page]
        return answer(EndpointPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def make(self, request: web.Request) -> web.Response:
        """A new endpoint: 201, with its secrets."""
        body = await read_object(request, EndpointBody, self._context(request))
        if body.id is not None and grant(request).accounts is not None:
            # Whether there is one of this id already is nothing that they may learn.
            raise _bad("/id", "A token for some accounts cannot choose it: leave it out, and one is made")
        secret, usual = key_of_secret(body.secret), self._usual_for(request)
        schemes: list[Scheme] = list(dict.fromkeys(body.signatures or ["v1" if secret is None else secret.scheme]))
        made = granted(
            await self._subscribing.make(
                _within(request, set_up(replace(usual, id=body.id or "", url=body.url), body, usual)),
                schemes=schemes,
                secret=secret,
                verification=body.verification,
            )
        )
        shown = endpoint_made(made, self._clock.now())
        return answer(shown, status=201, headers={"Location": f"/v1/endpoints/{made.id}"})

    async def read(self, request: web.Request) -> web.Response:
        """One endpoint. With `recent=true` also how its attempts went during the last hour."""
        endpoint_id = await visible_endpoint(request, self._whose)
        params = read_query(request, EndpointParams) if request.method in READING else EndpointParams()
        view = await self._view(endpoint_id)
        shown = endpoint_shown(view, self._clock.now(), self._recent(view, params))
        return tagged(answer(shown), view.endpoint.created, view.endpoint.version, view.endpoint.state)

    async def change(self, request: web.Request) -> web.Response:
        """Sets up what is given; the rest stays."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, EndpointPatch, self._context(request))
        changed = await self._change(request, endpoint_id, body)
        if isinstance(changed, Refused) and changed.kind == "changed-meanwhile":
            changed = await self._change(request, endpoint_id, body)
        return self._answer(granted(changed))

    async def remove(self, request: web.Request) -> web.Response:
        """Deletes the endpoint."""
        granted(await self._subscribing.remove(await visible_endpoint(request, self._whose)))
        return web.Response(status=204)

    async def enable(self, request: web.Request) -> web.Response:
        """It gets webhooks again, what was held as well where that is wished."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, EnableBody)
        return self._answer(granted(await self._subscribing.enable(endpoint_id, send_held=body.send_held)))

    async def disable(self, request: web.Request) -> web.Response:
        """What happens is held for it from now on."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, DisableBody)
        return self._answer(granted(await self._subscribing.disable(endpoint_id, body.reason)))

    async def rotate(self, request: web.Request) -> web.Response:
        """New keys, shown this once; the old ones sign along for the grace."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, RotateBody)
        secret = key_of_secret(body.secret)
        rotated = granted(await self._subscribing.rotate(endpoint_id, grace=body.grace, secret=secret))
        return answer(keys_made(rotated, secret, self._clock.now()))

    async def test(self, request: web.Request) -> web.Response:
        """Sends a sample: 200 whatever the receiver said, with what came of it."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, SampleBody)
        return answer(sample_shown(body.type, granted(await self._subscribing.test(endpoint_id, body.type))))

    async def recover(self, request: web.Request) -> web.Response:
        """Sends again what the body names, a portion at a time, or only counts it."""
        endpoint_id = await visible_endpoint(request, self._whose)
        body = await read_object(request, RecoverBody)
        recovery = Recovery(
            endpoint_id=endpoint_id,
            since=body.since,
            until=body.until or in_milliseconds(self._clock.now()),
            states=frozenset(body.states),
            accounts=grant(request).accounts,
            after=body.after,
        )
        recovered = granted(await self._subscribing.recover(recovery, dry_run=body.dry_run))
        return answer(
            RecoveredShown(
                counts={state: recovered.counts.get(state, 0) for state in sorted(recovery.states)},
                after=recovered.after,
                since=recovery.since,
                until=recovery.until,
                dry_run=body.dry_run,
            )
        )

    def _context(self, request: web.Request) -> Mapping[str, Any]:
        return {"accounts": accounts_of(request, self._following)}

    def _usual_for(self, request: web.Request) -> Endpoint:
        """What an endpoint is where nothing is said of it: one for all accounts that whoever makes it sees."""
        return replace(self._usual, accounts=tuple(only(request) or ()))

    def _recent(self, view: EndpointView, params: EndpointParams | EndpointsParams) -> LastHour | None:
        return self._subscribing.recent(view.endpoint.id) if params.recent else None

    async def _view(self, endpoint_id: str) -> EndpointView:
        view = await self._subscribing.endpoint(endpoint_id)
        if view is None:
            raise unknown_endpoint(endpoint_id)
        return view

    async def _change(self, request: web.Request, endpoint_id: str, body: EndpointPatch) -> EndpointView | Refused:
        view = await self._view(endpoint_id)
        if not body.model_fields_set:
            return view
        wanted = _within(request, set_up(view.endpoint, body, self._usual_for(request)))
        return await self._subscribing.change(wanted)

    def _answer(self, view: EndpointView) -> web.Response:
        return answer(endpoint_shown(view, self._clock.now()))


def set_up(endpoint: Endpoint, body: SetUpBody, usual: Endpoint) -> Endpoint:
    """The endpoint with what the body says, and as usual where that is null. A Problem where it does not go together with
    what the body does not say."""
    plain: dict[str, Any] = {
        name: _kept(getattr(usual, name) if value is None else value)
        for name, value in body
        if name in SET_UP & body.model_fields_set
    }
    changed = replace(endpoint, **plain, secrets=_secrets(endpoint.secrets, body))
    if changed.ordering == "batch" and (changed.concurrency or 1) > 1:
        raise _bad("/concurrency" if "concurrency" in body.model_fields_set else "/ordering", IN_ORDER)
    return changed


def _within(request: web.Request, endpoint: Endpoint) -> Endpoint:
    """The endpoint, where whoever asks for it sees all that it would be sent."""
    if not grant(request).sees_all(endpoint.accounts):
        raise _bad(
            "/accounts", "Your token is for some accounts only: name those that the endpoint is for, or leave them out"
        )
    return endpoint


def _kept(value: Any) -> Any:
    """Lists as they are kept: each member once."""
    return tuple(dict.fromkeys(value)) if isinstance(value, list) else value


def _secrets(secrets: Secrets, body: SetUpBody) -> Secrets:
    given = body.model_fields_set
    if "headers" in given:
        headers = {name: value.get_secret_value() for name, value in (body.headers or {}).items()}
        secrets = replace(secrets, headers=headers)
    if "authorization" in given:
        secrets = replace(secrets, authorization=_authorization(body.authorization))
    if "signatures" in given and isinstance(body, EndpointPatch):
        schemes = body.signatures or ["v1"]
        keys = tuple(key for key in secrets.keys if key.scheme in schemes)
        for scheme in schemes:
            if all(key.scheme != scheme for key in keys):
                prefix = "whsk_" if scheme == "v1a" else "whsec_"
                message = f"It has no key for {scheme}: rotate it first, with {prefix}… as its secret (--secret-file)"
                raise _bad("/signatures", message)
        secrets = replace(secrets, keys=keys)
    return secrets


def _authorization(body: AuthorizationBody | None) -> str | None:
    if body is None:
        return None
    if body.bearer is not None:
        return f"Bearer {body.bearer.get_secret_value()}"
    assert body.basic is not None  # noqa: S101 -- one of the two is there
    return encode_basic_auth(body.basic.username.get_secret_value(), body.basic.password.get_secret_value())


def _bad(pointer: str, message: str) -> Problem:
    errors = [{"pointer": pointer, "message": message}]
    return Problem(422, "bad-body", summary(errors), errors=errors)


def _endpoint_id(place: Any) -> str:
    if not isinstance(place, str):
        raise TypeError
    return place
