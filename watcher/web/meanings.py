"""What each type of problem means, with what status it is answered, and what to do: for the API's document and the pages that
the types lead to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """When a problem is answered, and what helps. `statuses` are those that it comes with."""

    statuses: tuple[int, ...]
    means: str
    remedy: str


def _meaning(status: int, means: str, remedy: str, *others: int) -> Meaning:
    return Meaning(statuses=(status, *others), means=means, remedy=remedy)


MEANINGS: Final[Mapping[str, Meaning]] = {
    "unknown-path": _meaning(
        404, "No operation has this path.", "Compare the path with the list of operations: a slash at its end counts."
    ),
    "method-not-allowed": _meaning(
        405, "The path exists, but not with this method.", "Use one of the methods that the header Allow names."
    ),
    "unknown-account": _meaning(
        404,
        "The account is not in the settings, or your token may not see it: to the token both look the same.",
        "Take one of those that GET /v1/accounts lists, or use a token that may see the account.",
    ),
    "not-followed": _meaning(
        404,
        "Nobody follows this batch, or not any more.",
        "PUT to the same path follows it; it is never too late for that.",
    ),
    "not-open": _meaning(
        409,
        "The batch has ended, or is just beginning to be followed, so nothing will be asked about it.",
        "Read the watch itself: its state says what became of it. PUT to its path follows it again.",
    ),
    "broadcast-not-followed": _meaning(
        404, "Nobody follows this broadcast as a whole.", "PUT to the same path follows it with all its batches."
    ),
    "unknown-endpoint": _meaning(
        404,
        "There is no endpoint of this id, or your token may not see it.",
        "GET /v1/endpoints lists those there are.",
    ),
    "unknown-delivery": _meaning(
        404,
        "There is no delivery of this id, it is older than what is kept, or your token may not see it.",
        "GET /v1/deliveries lists those there are. Of an older event, `recover` of the endpoint makes a new delivery.",
    ),
    "endpoint-exists": _meaning(
        409, "Another endpoint has the id already.", "Leave the id out and one is made, or PATCH the endpoint there is."
    ),
    "kept-by-settings": _meaning(
        409, "The settings file keeps this endpoint.", "Change it there, and have the daemon read it again (SIGHUP)."
    ),
    "changed-meanwhile": _meaning(
        409, "Somebody else changed the endpoint in the same moment.", "Read it again, and send the change again."
    ),
    "not-active": _meaning(
        409,
        "The endpoint is disabled, so nothing is sent to it.",
        "POST to its …/enable; what was held for it is sent then.",
    ),
    "in-flight": _meaning(
        409,
        "An attempt of this delivery is under way.",
        "Wait for its end, a minute at most, and read the delivery again.",
    ),
    "too-many-secrets": _meaning(
        409,
        "So many old keys still sign along that another would not fit into the header.",
        "Wait until one of them ends; the endpoint's keys say when.",
    ),
    "bad-endpoint": _meaning(
        422,
        "The endpoint cannot be set up so, for instance because its address is not public.",
        "`errors` has the place. webhooks.allow_networks in the settings opens networks that are not public.",
    ),
    "not-verified": _meaning(
        422,
        "The receiver did not confirm that it wants the webhooks, so nothing was made.",
        "`attempt` shows what it answered. Set up the receiver with the secret first, or leave verification out.",
    ),
    "submission-refused": _meaning(
        422,
        "CallFire is not known to have the batch, and it is not sent (again): it was refused, could not be sent in time, got "
        "lost on its way, or was withdrawn.",
        "`detail` has CallFire's words, `submission` how it stands. Correct what is wrong, and take a new Idempotency-Key.",
    ),
    "unknown-submission": _meaning(
        404,
        "There is no submission of this id in the account, it was settled over 30 days ago, or your token may not see it.",
        "GET /v1/accounts/{account}/submissions lists those there are.",
    ),
    "not-to-be-withdrawn": _meaning(
        409,
        "The submission is settled already, or its request is just under way.",
        "Read it: `state` says which. While it is under way, ask again in a moment.",
    ),
    "unknown-batch": _meaning(
        404, "CallFire has no batch of this id in the account.", "Take the id that CallFire gave when it was added."
    ),
    "callfire-refuses": _meaning(422, "CallFire does not want to do it.", "`detail` has its words."),
    "callfire-silent": _meaning(
        503,
        "CallFire gave no answer in time, or does not show yet what it was told.",
        "Send it again after the seconds of Retry-After: it does no harm. The account's resource says whether CallFire is down.",
    ),
    "bad-delivery-id": _meaning(
        422, "The path has something that is no delivery id.", "Take the `id` of a delivery: a whole number from 1."
    ),
    "bad-batch-id": _meaning(
        422, "The path has something that is no batch id.", "Take the id that CallFire gave: a whole number from 1."
    ),
    "bad-broadcast-id": _meaning(
        422, "The path has something that is no broadcast id.", "Take the id that CallFire gave: a whole number from 1."
    ),
    "bad-query": _meaning(
        422,
        "A parameter of the query is unknown, given too often, or has a value that cannot be.",
        "`errors` names each of them.",
    ),
    "bad-cursor": _meaning(
        422,
        "The cursor was not made by this list.",
        "Give what `next` said, as it is; or leave it out to begin at the beginning.",
    ),
    "bad-json": _meaning(
        400, "The body is no JSON with one meaning: broken, a key twice, NaN.", "`detail` says where. Nothing was done."
    ),
    "bad-body": _meaning(
        422,
        "The body is JSON, but not what this operation takes.",
        "`errors` has everything that is wrong, each with a JSON pointer. Nothing was done.",
    ),
    "bad-media-type": _meaning(
        415, "The header Content-Type names a kind that this operation does not take.", "Send one that `detail` names."
    ),
    "bad-request": _meaning(
        400, "What was sent is no HTTP request, or a line or header of it is too long.", "`detail` says what is wrong."
    ),
    "bad-idempotency-key": _meaning(
        422,
        "The header Idempotency-Key is no key, or is there twice.",
        "Send it once: 1 to 255 visible ASCII characters, such as a UUID.",
    ),
    "idempotency-key-reused": _meaning(
        422,
        "The key came within the last 24 hours with another path or body.",
        "Take a new key for a new request; to repeat one, send the very same.",
    ),
    "idempotency-under-way": _meaning(
        409, "The first request with this key is being worked on.", "Send it again in a moment, and get its answer."
    ),
    "idempotency-unclear": _meaning(
        409,
        "The daemon was killed while it worked on the first request with this key, and doing it again might make two.",
        "Look whether it was done; where it was not, send it with a new key.",
    ),
    "precondition-failed": _meaning(
        412,
        "What would be changed is not as If-Match or If-None-Match wants it: somebody changed it meanwhile.",
        "Read it again, decide anew, and send the change with the new ETag. Nothing was done.",
    ),
    "nothing-to-plan": _meaning(
        409,
        "None of the account's batches is on its way, so there is no load to plan for.",
        "Ask when some are followed; `watcher plan` plays a load of your own.",
    ),
    "poller-silent": _meaning(
        503,
        "Another replica polls the account, or none does at the moment, and only its poller knows what was asked for.",
        "Ask again after the seconds of Retry-After: an account that nobody polls is taken over within seconds.",
    ),
    "plan-under-way": _meaning(
        503, "One account is played at a time, and now it is another.", "Ask again after the seconds of Retry-After."
    ),
    "plan-failed": _meaning(
        503,
        "The process that plays it took too long, could not be started, or was ended.",
        "`detail` says which. Ask again after the seconds of Retry-After, or when the machine has less to do.",
    ),
    "too-many-waiting": _meaning(
        429,
        "As many requests as may wait at once wait for something to happen, or as many with this one token as may beside them.",
        "Ask without Prefer: wait, or again after the seconds of Retry-After. For many, a stream is better.",
    ),
    "too-many-streams": _meaning(
        503,
        "As many clients as may listen at once listen already, or as many with this one token as there are places left for "
        "others; or they are shown too many rows for another view.",
        "Come again after the seconds of Retry-After, or ask for fewer rows (`limit`); http.streams in the settings raises the "
        "number of clients.",
    ),
    "too-many-connections": _meaning(
        503,
        "So many connections are open that only /livez, /readyz and /metrics are answered on new ones.",
        "Come again after the seconds of Retry-After, and end connections that are not used. The log says it as `files.few`.",
    ),
    "too-slow": _meaning(
        503,
        "A stream was ended because it was not read as quickly as things happened.",
        "Come again with the id of the last event as Last-Event-ID: nothing is lost. Read faster, or filter.",
    ),
    "stopping": _meaning(
        503,
        "The daemon was asked to stop.",
        "Come again after the seconds of Retry-After; a stream goes on from Last-Event-ID.",
    ),
    "scope-missing": _meaning(
        403, "The token is good, but not for this.", "Use one with the scope that `detail` names, or with admin."
    ),
    "session-over": _meaning(
        401, "The browser's session has ended, or its token has.", "Sign in again: POST /v1/session with a token."
    ),
    "too-many-attempts": _meaning(
        429,
        "Too many requests with a wrong token came from the same place, so answers to wrong ones are held back.",
        "Correct the token: a right one is let in at once.",
    ),
    "unknown-token": _meaning(
        404, "There is no token of this id, or yours may not see it.", "GET /v1/tokens lists those there are."
    ),
    "admin-wanted": _meaning(
        409,
        "From the first token on nobody may ask without one, so the first must be able to make others.",
        "Make one with the scope admin and all accounts first.",
    ),
    "last-admin": _meaning(
        409,
        "It is the last token that can make others.",
        "Make another with the scope admin and all accounts before, or remove the others first.",
    ),
    "too-many-tokens": _meaning(409, "There are as many tokens as there may be.", "Remove those that nobody uses."),
    "bad-encoding": _meaning(
        400,
        "The body does not come as its headers promise: the compression is broken, or it ended early.",
        "Send it again; Content-Encoding must say how it is compressed.",
    ),
    "body-too-large": _meaning(413, "The body is larger than what is taken at once.", "Send it in parts."),
    "body-too-slow": _meaning(
        408, "The body did not arrive within the deadline.", "Send it again, in smaller parts if the line is slow."
    ),
    "too-many-rows": _meaning(
        422, "There are more rows than are taken at once. Nothing was done.", "Send them in parts."
    ),
    "no-good-row": _meaning(
        422,
        "Not one of the rows could be used, so nothing was done.",
        "`items` has the problem of each row. Where at least one row is right the answer is 200.",
    ),
    "token-wanted": _meaning(
        401, "This daemon wants a token.", "Send it: Authorization: Bearer …. `watcher token new` makes one."
    ),
    "token-wrong": _meaning(
        401,
        "The token is not one of this daemon's, has expired, or was removed.",
        "Look at the header: «Bearer», a space, the token. `watcher token ls` shows the tokens there are.",
    ),
    "local-only": _meaning(
        403,
        "As long as no token is set up, only programs on the daemon's own machine may ask.",
        "Ask there, or make a token.",
    ),
    "wrong-host": _meaning(
        403,
        "As long as no token is set up, the request must be for localhost: this keeps other sites' pages out.",
        "Ask at 127.0.0.1, [::1] or localhost with the daemon's port, or make a token.",
    ),
    "wrong-origin": _meaning(
        403,
        "A page of another site tried to write.",
        "Only the daemon's own pages may write from a browser; programs need not send Origin.",
    ),
    "store-unavailable": _meaning(
        503,
        "The database could not do it just now. Nothing was done.",
        "Try again after the seconds that Retry-After says. /readyz says whether it lasts.",
    ),
    "internal": _meaning(
        500,
        "A mistake of this daemon. It was logged.",
        "Report it with the X-Request-Id. Whether anything was done is not certain.",
    ),
    "refused": _meaning(400, "The request was refused for another reason.", "`detail` says which."),
}
"""Of every type of problem what it means."""
