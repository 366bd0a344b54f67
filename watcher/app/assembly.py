"""The parts, made from the settings: what both the daemon and a `wait` without one are put together from."""

import base64
import hashlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import ClientSession

import watcher
from watcher.callfire.client import CallFire
from watcher.callfire.client import open_session as open_callfire
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access
from watcher.core.account import recall
from watcher.core.learnt import LearntHazard
from watcher.core.model import Endpoint
from watcher.core.news import News, Tell
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.poller import Errand, Poller
from watcher.polling.standing import Rates
from watcher.ports import Accounts, Clock, Sender, Store, Upstream
from watcher.settings.model import Account as AccountSettings
from watcher.settings.model import Polling as PollingSettings
from watcher.settings.model import Settings
from watcher.webhooks.sender import WebhookSender
from watcher.webhooks.sender import open_session as open_webhooks

USER_AGENT = f"callfire-batch-watcher/{watcher.__version__}"


class CannotStart(Exception):
    """The daemon cannot start as things are; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports as they are filled. Whoever puts another implementation (or one that fails on purpose) into one of them
    replaces it here, before anything is wired."""

    store: Store
    accounts: Accounts
    upstreams: Mapping[str, Upstream]
    sender: Sender
    clock: Clock
    tell: Tell


class Town:
    """Hands each piece of news to every listener, in the order in which they came to town."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[News], None]] = []

    def listen(self, listener: Callable[[News], None]) -> None:
        self._listeners.append(listener)

    def tell(self, news: News) -> None:
        for listener in self._listeners:
            listener(news)


@asynccontextmanager
async def open_parts(settings: Settings, store: Store, *, clock: Clock, tell: Tell) -> AsyncIterator[Parts]:
    """The parts for these settings, around an open store; their connections are closed at the end."""
    async with AsyncExitStack() as stack:
        callfire = await stack.enter_async_context(open_callfire(user_agent=USER_AGENT))
        webhooks = await stack.enter_async_context(open_webhooks(user_agent=USER_AGENT))
        yield Parts(
            store=store,
            accounts=store,
            upstreams={
                name: _upstream(name, account, settings.polling, callfire, clock, tell)
                for name, account in settings.accounts.items()
            },
            sender=WebhookSender(session=webhooks, clock=clock),
            clock=clock,
            tell=tell,
        )


def _upstream(
    name: str, account: AccountSettings, polling: PollingSettings, session: ClientSession, clock: Clock, tell: Tell
) -> CallFire:
    return CallFire(
        name,
        access=access(account.base_url, account.login, account.password.get_secret_value(), partial=account.partial),
        session=session,
        budget=Budget(account.rate),
        clock=clock,
        tell=tell,
        connect=polling.connect_timeout,
        whole=polling.look_timeout,
    )


async def make_polling(settings: Settings, parts: Parts, errand: Errand) -> Polling:
    """A poller for each account, with what the store kept of it and all its open watches."""
    pollers: dict[str, Poller] = {}
    for name, account in settings.accounts.items():
        known = await parts.accounts.account(name)
        poller = Poller(
            recall(name, fingerprint(account), known),
            rates=Rates(rate=account.rate, concurrency=account.concurrency),
            pace=pace_of(settings.polling),
            rules=rules_of(settings.polling),
            upstream=parts.upstreams[name],
            store=parts.store,
            accounts=parts.accounts,
            clock=parts.clock,
            tell=parts.tell,
            errand=errand,
            learnt=await _learnt(name, parts),
        )
        await poller.load()
        pollers[name] = poller
    return Polling(pollers, store=parts.store, clock=parts.clock, tell=parts.tell)


async def _learnt(account: str, parts: Parts) -> LearntHazard:
    """What the account's looks have told of durations, before this process too."""
    now = parts.clock.now().timestamp()
    record = await parts.store.learnt(account)
    return LearntHazard(now=now) if record is None else LearntHazard.from_record(record, now)


def endpoints_of(settings: Settings) -> dict[str, Endpoint]:
    """The settings' endpoints, with their signing keys."""
    return {
        name: Endpoint(
            id=name,
            url=endpoint.url,
            types=endpoint.types,
            accounts=endpoint.accounts,
            timeout=endpoint.timeout or settings.webhooks.timeout,
            secrets=(endpoint.key,),
        )
        for name, endpoint in settings.endpoints.items()
    }


def pace_of(polling: PollingSettings) -> Pace:
    return Pace(
        worth=polling.worth.total_seconds(),
        min_interval=polling.min_interval.total_seconds(),
        max_interval=polling.max_interval.total_seconds(),
    )


def rules_of(polling: PollingSettings) -> Rules:
    return Rules(
        stuck_new=polling.stuck_new,
        stuck_validating=polling.stuck_validating,
        stuck_repeat=polling.stuck_repeat,
        stuck_most=polling.stuck_most,
        max_age=polling.max_age,
    )


def fingerprint(account: AccountSettings) -> str:
    """Tells whether an account's credentials changed, and nothing else: it is slow to guess from, and short."""
    digest = hashlib.scrypt(
        account.password.get_secret_value().encode(),
        salt=f"{account.base_url}\n{account.login}".encode(),
        n=2**12,
        r=8,
        p=1,
        dklen=12,
    )
    return base64.b64encode(digest).decode()
