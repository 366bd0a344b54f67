"""Which headers a subscriber may have sent along with its webhooks. Pure."""

import re
from typing import Final

NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
VALUE: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
VALUE_LENGTH: Final = 4096

HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Those of one connection, and those that say where a message goes and how it is framed (RFC 9110, section 7.6.1)."""
OURS: Final = frozenset({"accept-encoding", "traceparent", "tracestate", "user-agent"})
OUR_PREFIXES: Final = ("webhook-", "ce-", "content-")
"""Those that are signed (Standard Webhooks), of CloudEvents, and of the body."""


def header_refusal(name: str, value: str) -> str | None:
    """What is wrong with a custom header, and what to do; None where it may be sent. Its value is never quoted."""
    lower = name.lower()
    if not NAME.fullmatch(name):
        return "is not the name of a header; use up to 128 letters, digits and dashes"
    if lower in HOP_BY_HOP:
        return "belongs to the connection and not to the webhook; take it out"
    if lower in OURS or lower.startswith(OUR_PREFIXES):
        return "is set by the sender itself; take it out"
    if lower == "authorization":
        return "is given as the endpoint's authorization; set that instead"
    if lower in ("cookie", "set-cookie"):
        return "would be a cookie, and webhooks have none; use another header"
    if len(value) > VALUE_LENGTH:
        return f"has a value of more than {VALUE_LENGTH} characters; shorten it"
    if not VALUE.fullmatch(value):
        return (
            "has a value that is empty or cannot be sent; use visible ASCII characters, with spaces only between them"
        )
    return None


def sendable(value: str) -> bool:
    """Whether a header may have that value: visible ASCII, with spaces only in between."""
    return VALUE.fullmatch(value) is not None
