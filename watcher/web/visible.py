"""What exists for whoever asks: a token that is limited to accounts meets nothing of others, and not even that it is there.

Handlers take the accounts from here and not from `Following`, so that an account that may not be seen is answered as one that
is not there: by the same line of code, and before the store is asked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from watcher.core.tokens import Grant
from watcher.ports import Following, Whose
from watcher.web.paths import delivery_id_of, endpoint_id_of, unknown_delivery, unknown_endpoint
from watcher.web.problems import Problem

GRANT: Final = web.RequestKey("grant", Grant)
"""Put there by the middleware that lets the request through."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the request would be let through with if it came now; or the Problem."""

    admit: Callable[[], Grant]


STANDS: Final = web.RequestKey("stands", Standing)
"""Put there too."""


def grant(request: web.Request) -> Grant:
    """What whoever asks may do."""
    return request[GRANT]


def stands(request: web.Request) -> bool:
    """Whether whoever asked may still see what is being answered. For answers that go on for long: a token that was removed, or
    whose time is over, gets no more of them."""
    try:
        return request[STANDS].admit().accounts == grant(request).accounts
    except Problem:
        return False


def require_standing(request: web.Request) -> None:
    """Returns where whoever waited for an answer may still have it; the Problem where their token was removed meanwhile, or its
    time is over."""
    request[STANDS].admit()


def accounts_of(request: web.Request, following: Following) -> list[str]:
    """The accounts of the settings that exist for whoever asks, in the settings' order."""
    return grant(request).among(following.accounts)


def only(request: web.Request) -> list[str] | None:
    """The accounts to which what is kept is limited, also those that are no longer in the settings; None where it is not."""
    accounts = grant(request).accounts
    return None if accounts is None else sorted(accounts)


async def visible_endpoint(request: web.Request, whose: Whose) -> str:
    """The id of the endpoint that the path names, where that exists for whoever asks: it gets events of accounts that they see,
    and of no other. Whoever sees everything learns from what is done with it whether it is there."""
    endpoint_id = endpoint_id_of(request)
    await require_endpoint(request, whose, endpoint_id)
    return endpoint_id


async def require_endpoint(request: web.Request, whose: Whose, endpoint_id: str) -> None:
    """Returns where the endpoint exists for whoever asks, a Problem where not. Both take the same one reading."""
    if grant(request).accounts is None:
        return
    accounts = await whose.accounts_of_endpoint(endpoint_id)
    if accounts is None or not grant(request).sees_all(accounts):
        raise unknown_endpoint(endpoint_id)


async def visible_delivery(request: web.Request, whose: Whose) -> int:
    """The id of the delivery that the path names, where that exists for whoever asks: its endpoint does, and its event is of an
    account that they see (the endpoint may have wanted those of others once)."""
    delivery_id = delivery_id_of(request)
    if grant(request).accounts is None:
        return delivery_id
    found = await whose.accounts_of_delivery(delivery_id)
    if found is None or not (grant(request).sees(found[0]) and grant(request).sees_all(found[1])):
        raise unknown_delivery(delivery_id)
    return delivery_id
