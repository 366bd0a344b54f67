"""How an endpoint may not be set up, each with the place and with what to do."""

from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from watcher.core.addresses import url_refusal
from watcher.core.endpoint import Endpoint, Scheme, Secrets, SigningKey
from watcher.delivery.checking import key_refusal, setup_refusal
from watcher.ports import Refused

SHOP = Endpoint(id="shop", url="https://shop.example/hooks")
SHARED = SigningKey(key=b"k" * 32)
PAIR = SigningKey(scheme="v1a", key=b"p" * 64)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"id": ""}, "/id"),
        ({"id": "a.b"}, "/id"),
        ({"id": "a" * 65}, "/id"),
        ({"url": "ftp://shop.example"}, "/url"),
        ({"url": "http://127.0.0.1:9000"}, "/url"),
        ({"timeout": timedelta(seconds=0.9)}, "/timeout"),
        ({"timeout": timedelta(seconds=31)}, "/timeout"),
        ({"concurrency": 0}, "/concurrency"),
        ({"concurrency": 1001}, "/concurrency"),
        ({"concurrency": 2, "ordering": "batch"}, "/concurrency"),
        ({"rate": 0.0}, "/rate"),
        ({"rate": -1.0}, "/rate"),
        ({"rate": 0.0009}, "/rate"),
        ({"rate": 100_001.0}, "/rate"),
        ({"rate": float("nan")}, "/rate"),
    ],
)
def test_what_would_not_act_is_refused_with_its_place(fields: dict[str, object], pointer: str) -> None:
    refused = setup_refusal(replace(SHOP, **fields), [])  # type: ignore[arg-type]
    assert refused is not None
    assert (refused.kind, refused.pointer, refused.attempt) == ("bad-endpoint", pointer, None)


def test_a_url_is_refused_in_the_words_of_the_address_rules() -> None:
    url = "http://127.0.0.1:9000"
    words = url_refusal(url, [])
    assert words is not None
    assert setup_refusal(replace(SHOP, url=url), []) == Refused(
        kind="bad-endpoint", detail=f"the URL {words}", pointer="/url"
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"id": "A-b_9" + "x" * 59},
        {"url": "http://127.0.0.1:9000"},
        {"timeout": timedelta(seconds=1)},
        {"timeout": timedelta(seconds=30)},
        {"concurrency": 1, "ordering": "batch"},
        {"concurrency": 1000},
        {"ordering": "batch"},
        {"rate": 0.001},
        {"rate": 100_000.0},
    ],
)
def test_what_acts_is_accepted(fields: dict[str, object]) -> None:
    assert setup_refusal(replace(SHOP, **fields), [ip_network("127.0.0.0/8")]) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("secret", "schemes", "fits", "pointer"),
    [
        (None, (), True, "/signatures"),
        (PAIR, ("v1",), True, "/secret"),
        (PAIR, ("v1a",), False, "/secret"),
        (SHARED, ("v1",), True, "/secret"),
    ],
)
def test_a_secret_that_would_not_sign_or_is_in_force_already_is_refused(
    secret: SigningKey | None, schemes: tuple[Scheme, ...], fits: bool, pointer: str
) -> None:
    refused = key_refusal(secret, schemes, lambda _: fits, Secrets(keys=(SHARED,)))
    assert refused is not None
    assert (refused.kind, refused.pointer) == ("bad-endpoint", pointer)


@pytest.mark.parametrize("secret", [None, SHARED, PAIR])
def test_a_secret_of_one_of_the_signatures_is_accepted(secret: SigningKey | None) -> None:
    assert key_refusal(secret, ("v1", "v1a"), lambda _: True) is None
