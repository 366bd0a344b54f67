"""The words exchanged with CallFire, without the exchange: requests as data, and what a status, headers and a body say.

Follows callfire-api.md for the shapes and the table of polling.md ("What an answer means") for their meaning.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from aiohttp import encode_basic_auth
from yarl import URL

from watcher.callfire.bodies import Nonsense, batch_shown, complaint, page_shown, tidy, unpacked
from watcher.core.answers import Answer, Kind, PageAnswer
from watcher.core.model import BroadcastKind, PageRef
from watcher.core.retry_after import retry_after

Asked = TypeVar("Asked")
Shown = TypeVar("Shown")

FIELDS: Final = "id,status,size,remaining,enabled,broadcastId,name,created"
"""What is asked of a batch when partial answers are on."""

PAGE_FIELDS: Final = f"items({FIELDS}),limit,offset,totalCount"
"""Likewise of a page. A batch that is first met on a page is known from nothing else."""

_KINDS: Final[Mapping[int, Kind]] = {
    400: Kind.UNFIT,
    401: Kind.UNAUTHORIZED,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    405: Kind.UNFIT,
    406: Kind.UNFIT,
    410: Kind.GONE,
    429: Kind.THROTTLED,
}
"""By HTTP code; 200 depends on the body, and every other code is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request, ready to be sent. `target` is what of its URL follows the server's address; of its headers those that all of the
    account's have in common are left out."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What all requests of one account have in common. `batches` is the address below which single ones are, `batch_path` and
    `batch_query` are parts of it, and below `broadcasts` are broadcasts. `headers` hold the credentials and stay out of every
    repr."""

    batches: URL
    batch_path: str
    batch_query: str
    broadcasts: Mapping[BroadcastKind, URL]
    headers: Mapping[str, str] = field(repr=False)


def access(base_url: str, login: str, password: str, *, partial: bool = True) -> Access:
    """How to reach one account, for any base URL, with a slash at its end or not. With `partial`, answers are asked to
    hold what is needed and not more. ValueError for a login with a colon, which Basic authentication cannot carry."""
    root = base_url.rstrip("/")
    fields, page_fields = (f"?fields={FIELDS}", f"?fields={PAGE_FIELDS}") if partial else ("", "")
    batches = URL(f"{root}/campaigns/batches{fields}")
    return Access(
        batches=batches,
        batch_path=batches.raw_path,
        batch_query=batches.raw_path_qs.removeprefix(batches.raw_path),
        broadcasts={
            "call": URL(f"{root}/calls/broadcasts{page_fields}"),
            "text": URL(f"{root}/texts/broadcasts{page_fields}"),
        },
        headers={
            "Authorization": encode_basic_auth(login, password),
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        },
    )


def batch_request(account: Access, batch_id: int) -> Request:
    """getCampaignBatch."""
    return Request(method="GET", target=f"{account.batch_path}/{batch_id}{account.batch_query}")


def page_request(account: Access, ref: PageRef) -> Request:
    """getCallBroadcastBatches, or the same for a text broadcast."""
    broadcasts = account.broadcasts[ref.kind]
    path = f"{broadcasts.raw_path}/{ref.broadcast_id}/batches"
    url = broadcasts.with_path(path, encoded=True, keep_query=True)
    return Request(method="GET", target=url.extend_query(limit=ref.limit, offset=ref.offset).raw_path_qs)


def decipher(
    batch_id: int,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: datetime,
    answered: datetime,
    truncated: bool = False,
) -> Answer:
    """What an answer to the question for a batch says; every status, headers and body give an Answer.

    `headers` are looked up without regard to case. `body` is as received, still packed where it came packed;
    `truncated` says that there was more of it than MAX_BODY.
    """
    batch, kind, outcome, detail = _read(batch_shown, batch_id, status, headers, body, truncated=truncated)
    return Answer(
        batch_id=batch_id,
        asked=asked,
        answered=answered,
        kind=kind,
        outcome=outcome,
        batch=batch,
        retry_after=retry_after(headers.get("Retry-After"), answered, headers.get("Date")),
        detail=detail,
        size=len(body),
    )


def decipher_page(
    ref: PageRef,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    asked: datetime,
    answered: datetime,
    truncated: bool = False,
) -> PageAnswer:
    """What an answer to the question for a page says: as `decipher`."""
    page, kind, outcome, detail = _read(page_shown, ref, status, headers, body, truncated=truncated)
    return PageAnswer(
        ref=ref,
        asked=asked,
        answered=answered,
        kind=kind,
        outcome=outcome,
        page=page,
        retry_after=retry_after(headers.get("Retry-After"), answered, headers.get("Date")),
        detail=detail,
        size=len(body),
    )


def unanswered_kind(outcome: str) -> Kind:
    """Of which kind it is that no answer came."""
    return Kind.UNASKED if outcome == "files" else Kind.FAILED


def kind_of(status: int) -> Kind:
    """What a code other than 200 says."""
    return _KINDS.get(status, Kind.FAILED)


def _read(
    shown: Callable[[Asked, bytes], Shown],
    asked: Asked,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    truncated: bool,
) -> tuple[Shown | None, Kind, str, str | None]:
    """What the body showed of what was asked for, where the answer is one to the question; then kind, outcome and detail."""
    if status != 200:
        return None, kind_of(status), str(status), complaint(headers, body)
    try:
        return shown(asked, unpacked(headers, body, truncated=truncated)), Kind.SEEN, "200", None
    except Nonsense as nonsense:
        return None, Kind.GARBAGE, "bad_body", str(nonsense)


def no_answer(batch_id: int, outcome: str, reason: str, *, asked: datetime, answered: datetime) -> Answer:
    """What remains to say when no answer came. `outcome` is timeout, reset, dns, tls, bad_body, or files: it was not asked."""
    return Answer(
        batch_id=batch_id,
        asked=asked,
        answered=answered,
        kind=unanswered_kind(outcome),
        outcome=outcome,
        detail=tidy(reason),
    )


def no_page(ref: PageRef, outcome: str, reason: str, *, asked: datetime, answered: datetime) -> PageAnswer:
    """As `no_answer`, for a page."""
    return PageAnswer(
        ref=ref,
        asked=asked,
        answered=answered,
        kind=unanswered_kind(outcome),
        outcome=outcome,
        detail=tidy(reason),
    )
