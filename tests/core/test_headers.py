"""Which custom headers may be sent along."""

import pytest

from watcher.core.headers import header_refusal, sendable

CONNECTION = "belongs to the connection and not to the webhook; take it out"
OURS = "is set by the sender itself; take it out"
NO_NAME = "is not the name of a header; use up to 128 letters, digits and dashes"
NO_VALUE = "has a value that is empty or cannot be sent; use visible ASCII characters, with spaces only between them"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Team", "campaigns"),
        ("X-Api-Key", "a b~!"),
        ("x_team", "x"),
        ("Accept", "application/json"),
        ("Date", "x"),
        ("N" * 128, "v" * 4096),
        ("Webhook", "not a signed one"),
        ("Cea", "x"),
    ],
)
def test_a_header_that_may_be_sent(name: str, value: str) -> None:
    assert header_refusal(name, value) is None


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("", NO_NAME),
        ("X Team", NO_NAME),
        ("X-Team:", NO_NAME),
        ("X-Team\r\nHost", NO_NAME),
        ("X-Zoë", NO_NAME),
        ("N" * 129, NO_NAME),
        *((name, CONNECTION) for name in ("Connection", "HOST", "keep-alive", "TE", "Trailer", "Transfer-Encoding")),
        *(
            (name, CONNECTION)
            for name in ("Upgrade", "Expect", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection")
        ),
        *((name, OURS) for name in ("Webhook-Id", "webhook-signature", "WEBHOOK-TIMESTAMP", "WebHook-Request-Origin")),
        *((name, OURS) for name in ("Content-Type", "content-length", "Content-Encoding", "ce-id", "Traceparent")),
        *((name, OURS) for name in ("User-Agent", "Accept-Encoding", "tracestate")),
        ("Authorization", "is given as the endpoint's authorization; set that instead"),
        ("Cookie", "would be a cookie, and webhooks have none; use another header"),
        ("Set-Cookie", "would be a cookie, and webhooks have none; use another header"),
    ],
)
def test_a_header_that_may_not(name: str, refusal: str) -> None:
    assert header_refusal(name, "x") == refusal


@pytest.mark.parametrize("value", ["", " x", "x ", "\tx", "a\r\nb", "a\nb", "a\x00b", "a\x7fb", "Zoë", "a\tb"])
def test_a_value_that_cannot_be_sent(value: str) -> None:
    assert header_refusal("X-Team", value) == NO_VALUE


def test_a_value_that_is_too_long() -> None:
    assert header_refusal("X-Team", "v" * 4097) == "has a value of more than 4096 characters; shorten it"


@pytest.mark.parametrize(
    ("value", "may"),
    [("Bearer abc", True), ("", False), (" lead", False), ("tail ", False), ("two\r\nlines", False), ("schön", False)],
)
def test_a_value_is_sendable_where_it_is_visible_ascii_with_spaces_only_between(value: str, may: bool) -> None:
    assert sendable(value) is may
