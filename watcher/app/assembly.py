"""The parts, made from the settings: what both the daemon and a `wait` without one are put together from."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import encode_basic_auth

import watcher
from watcher.app.logins import Marked, mark_of
from watcher.app.lookups import Lookups
from watcher.callfire.client import CallFire, Session
from watcher.callfire.client import open_session as open_callfire
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access
from watcher.core.account import recall
from watcher.core.endpoint import Endpoint, Secrets
from watcher.core.learnt import LearntHazard
from watcher.core.looks import Looks, room_of_each
from watcher.core.news import News, Tell
from watcher.core.notification import ACTED_ON
from watcher.core.parts import Part, part_named, parts_of
from watcher.core.schedule import Pace
from watcher.core.submissions import Caution
from watcher.core.transitions import Rules
from watcher.delivery import Limits, Retention
from watcher.polling.following import Polling
from watcher.polling.learning import Moved
from watcher.polling.leased import Leased, Sure
from watcher.polling.parting import OfPart
from watcher.polling.poller import Errand, Poller
from watcher.polling.standing import Rates
from watcher.ports import Accounts, Clock, Lease, Leases, Sender, Store, Upstream
from watcher.settings.database import Database
from watcher.settings.endpoints import Endpoint as EndpointSettings
from watcher.settings.model import Account as AccountSettings
from watcher.settings.model import Polling as PollingSettings
from watcher.settings.model import Settings
from watcher.store.sealing import Seal
from watcher.webhooks.apprising import apprise, hushed
from watcher.webhooks.connection import tls_context
from watcher.webhooks.guard import Guard
from watcher.webhooks.people import ByKind, PeopleSender
from watcher.webhooks.sender import WebhookSender
from watcher.webhooks.sender import open_session as open_webhooks
from watcher.webhooks.signing import fits

if TYPE_CHECKING:
    from watcher.store.postgres_pool import Access

USER_AGENT: Final = f"callfire-batch-watcher/{watcher.__version__}"


class KeptAccounts(Accounts, Protocol):
    """What is kept of accounts, of which whoever has a lease gets what is theirs."""

    def held(self, lease: Lease) -> Accounts:
        """As Store.held."""
        ...


class CannotStart(Exception):
    """The daemon cannot start as things are; the message says why and what to do."""


Connect = Callable[[Part, AccountSettings], Upstream]
"""Makes the port for a part of an account that is set so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The ports as they are filled; `connect` fills those of accounts that are added later on, and `guard` is between the sender
    and every connection. Whoever puts another implementation (or one that fails on purpose) into one of them
    replaces it here, before anything is wired."""

    store: Store
    accounts: KeptAccounts
    leases: Leases
    upstreams: dict[str, Upstream]
    sender: Sender
    clock: Clock
    tell: Tell
    connect: Connect
    guard: Guard


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
async def open_kept_store(settings: Settings, *, tell: Tell, clock: Clock) -> AsyncIterator[Store]:
    """The store of the settings' database, its secrets sealed with the settings' keys. Only what that database needs is loaded.
    Raises UnusableStore."""
    database, seal = settings.database, Seal(settings.database.keys)
    if database.postgres:
        from watcher.store.postgres import open_postgres

        access = access_of(database)
        async with open_postgres(database.url, tell=tell, clock=clock, seal=seal, access=access) as kept:
            yield kept
        return
    from watcher.store.sqlite import open_store

    async with open_store(database.path, tell=tell, clock=clock, seal=seal) as store:
        yield store


def access_of(database: Database) -> "Access":
    """How PostgreSQL is used by these settings."""
    from watcher.store.postgres_pool import Access

    return Access(
        password=None if database.password is None else database.password.get_secret_value(),
        connections=database.connections,
        statement=database.statement_timeout,
        lock=database.lock_timeout,
        lease=database.lease,
        pooler=database.pooler,
    )


@asynccontextmanager
async def open_parts(settings: Settings, store: Store, *, clock: Clock, tell: Tell) -> AsyncIterator[Parts]:
    """The parts for these settings, around an open store; their connections are closed at the end."""
    webhooks = settings.webhooks
    async with AsyncExitStack() as stack:
        callfire = await stack.enter_async_context(open_callfire(user_agent=USER_AGENT, resolver=Lookups()))
        guard = Guard(webhooks.allow_networks)
        connect = partial(_upstream, polling=settings.polling, session=callfire, clock=clock, tell=tell)
        session = await stack.enter_async_context(
            open_webhooks(
                user_agent=USER_AGENT,
                guard=guard,
                tls=tls_context(None if webhooks.ca_file is None else str(webhooks.ca_file)),
                resolver=Lookups(),
                proxy=webhooks.proxy,
            )
        )
        heard = stack.enter_context(hushed())
        webhook = WebhookSender(
            session=session, clock=clock, connect=webhooks.connect_timeout, traced=settings.telemetry.traced
        )
        people = PeopleSender(announce=partial(apprise, heard=heard), clock=clock)
        yield Parts(
            store=store,
            accounts=store,
            leases=store,
            upstreams={part.share: connect(part, account) for part, account in _parts(settings)},
            sender=ByKind(webhooks=webhook, people=people),
            clock=clock,
            tell=tell,
            connect=connect,
            guard=guard,
        )


def _upstream(
    part: Part, account: AccountSettings, polling: PollingSettings, session: Session, clock: Clock, tell: Tell
) -> CallFire:
    return CallFire(
        part.account,
        access=access(account.base_url, account.login, account.password.get_secret_value(), partial=account.partial),
        session=session,
        budget=Budget(account.rate / account.parts),
        clock=clock,
        tell=tell,
        connect=polling.connect_timeout,
        whole=polling.look_timeout,
    )


def _parts(settings: Settings) -> list[tuple[Part, AccountSettings]]:
    """The parts of all accounts, in the order of the settings."""
    return [(part, each) for name, each in settings.accounts.items() for part in parts_of(name, each.parts)]


def take_up_accounts(before: Settings, after: Settings, parts: Parts) -> list[str]:
    """Connects the accounts that are new, or set otherwise than before; gives the shares of those that are."""
    outdated = [name for name, each in after.accounts.items() if before.accounts.get(name, each) != each]
    for part, account in _parts(after):
        if part.account in outdated or part.account not in before.accounts:
            parts.upstreams[part.share] = parts.connect(part, account)
    wanted = shares_of(after)
    for share in parts.upstreams.keys() - set(wanted):
        del parts.upstreams[share]
    return [share for share in wanted if part_named(share).account in outdated]


def shares_of(settings: Settings) -> list[str]:
    """What is shared out among replicas."""
    return [part.share for part, _ in _parts(settings)]


def make_polling(settings: Settings, parts: Parts) -> Polling:
    """All accounts of the settings, none of which is polled here yet."""
    rates, divided = rates_of(settings), divisions_of(settings)
    pace = pace_of(settings.polling)
    return Polling({}, store=parts.store, clock=parts.clock, tell=parts.tell, rates=rates, pace=pace, divided=divided)


def rates_of(settings: Settings) -> dict[str, float]:
    """The rate of each account."""
    return {name: account.rate for name, account in settings.accounts.items()}


def divisions_of(settings: Settings) -> dict[str, int]:
    """Into how many parts each account is divided."""
    return {name: account.parts for name, account in settings.accounts.items()}


async def make_poller(
    settings: Settings, parts: Parts, moved: Moved, lease: Lease, sure: Sure, errand: Errand
) -> Poller:
    """The poller for whoever has the lease, with what the store kept of the account; its watches are still to be loaded. Parts of
    an account have its rate and its room between them."""
    part = part_named(lease.share)
    name = part.account
    account = settings.accounts[name]
    mark = partial(mark_of, account)
    store, accounts = parts.store.held(lease), Marked(parts.accounts.held(lease), mark)
    kept: Accounts = accounts if part.of == 1 else OfPart(part, accounts)
    known = await kept.account(name)
    login = (
        await mark() if known is not None and known.refused else ""
    )  # the mark of an account in order is not asked for
    return Poller(
        recall(name, login, known),
        rates=Rates(rate=account.rate / part.of, concurrency=account.concurrency // part.of),
        pace=pace_of(settings.polling),
        rules=rules_of(settings.polling),
        upstream=Leased(parts.upstreams[part.share], sure=sure, clock=parts.clock),
        store=store,
        accounts=kept,
        clock=parts.clock,
        tell=parts.tell,
        errand=errand,
        learnt=await _learnt(name, parts),
        looks=Looks(parts.clock.now().timestamp(), room_of_each(len(settings.accounts))),
        caution=caution_of(settings),
        part=part,
        moved=moved,
    )


async def _learnt(account: str, parts: Parts) -> LearntHazard:
    """What the account's looks have told of durations, before this process too."""
    now = parts.clock.now().timestamp()
    record = await parts.store.learnt(account)
    return LearntHazard(now=now) if record is None else LearntHazard.from_record(record, now)


def endpoints_of(settings: Settings) -> dict[str, Endpoint]:
    """The settings' endpoints, with their secrets. CannotStart where a key pair is none."""
    unfit = [name for name, endpoint in settings.endpoints.items() if not all(map(fits, endpoint.keys))]
    if unfit:
        raise CannotStart(unfit_keys(unfit))
    return {
        name: Endpoint(
            id=name,
            url=endpoint.place,
            kept_by="settings",
            types=endpoint.types or (ACTED_ON if endpoint.kind == "apprise" else ()),
            accounts=endpoint.accounts,
            broadcasts=endpoint.broadcasts,
            labels=endpoint.labels,
            timeout=endpoint.timeout or settings.webhooks.timeout,
            concurrency=endpoint.concurrency,
            rate=endpoint.rate,
            ordering=endpoint.ordering,
            form=endpoint.form,
            secrets=Secrets(
                keys=endpoint.keys,
                headers={header: value.get_secret_value() for header, value in endpoint.headers.items()},
                authorization=_authorization(endpoint),
                apprise_url=None if endpoint.apprise_url is None else endpoint.apprise_url.get_secret_value(),
            ),
        )
        for name, endpoint in settings.endpoints.items()
    }


def unfit_keys(names: Sequence[str]) -> str:
    """What is wrong with the private keys of these endpoints, and what to do."""
    each = ", ".join(f"endpoints.{name}" for name in names)
    return (
        f"a private key (whsk_…) of {each} is damaged, its halves do not belong together: copy it anew, the whole of it"
    )


def _authorization(endpoint: EndpointSettings) -> str | None:
    if endpoint.bearer is not None:
        return f"Bearer {endpoint.bearer.get_secret_value()}"
    if endpoint.username is None or endpoint.password is None:
        return None
    return encode_basic_auth(endpoint.username, endpoint.password.get_secret_value())


def retention_of(settings: Settings) -> Retention:
    kept = settings.retention
    return Retention(events=kept.events, deliveries=kept.deliveries, broadcasts=kept.broadcasts)


def limits_of(settings: Settings) -> Limits:
    return Limits(per_endpoint=settings.webhooks.per_endpoint, in_all=settings.webhooks.max_in_flight)


def pace_of(polling: PollingSettings) -> Pace:
    return Pace(
        worth=polling.worth.total_seconds(),
        min_interval=polling.min_interval.total_seconds(),
        max_interval=polling.max_interval.total_seconds(),
    )


def caution_of(settings: Settings) -> Caution:
    submit = settings.submit
    return Caution(settle=submit.settle, resend=submit.resend, within=submit.within)


def rules_of(polling: PollingSettings) -> Rules:
    return Rules(
        stuck_new=polling.stuck_new,
        stuck_validating=polling.stuck_validating,
        stuck_repeat=polling.stuck_repeat,
        stuck_most=polling.stuck_most,
        max_age=polling.max_age,
    )
