"""Signing keys as text, and their rotation."""

import base64
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import after
from tests.fakes import NOON
from watcher.core.endpoint import Scheme, Secrets, SigningKey
from watcher.core.keys import (
    GRACE,
    GRACE_MOST,
    LEAST,
    MOST,
    OLD_MOST,
    PAIR,
    TooManyOld,
    parse_key,
    public_text,
    rotated,
    secret_text,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PRIVATE = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="


def secret_of(length: int, prefix: str = "whsec_") -> str:
    return prefix + base64.b64encode(b"k" * length).decode()


# As text.


def test_the_standards_secret_is_read_and_has_no_public_half() -> None:
    key = parse_key(SECRET)
    assert key == SigningKey(scheme="v1", key=base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    assert secret_text(key) == SECRET
    assert public_text(key) is None


def test_the_standards_key_pair_is_read_and_shows_its_public_half() -> None:
    key = parse_key(PRIVATE)
    assert (key.scheme, len(key.key), key.until) == ("v1a", PAIR, None)
    assert secret_text(key) == PRIVATE
    assert public_text(key) == PUBLIC


@pytest.mark.parametrize("length", [24, 25, 32, 63, 64])
def test_a_secret_has_24_to_64_bytes(length: int) -> None:
    assert (LEAST, MOST) == (24, 64)
    assert parse_key(secret_of(length)) == SigningKey(key=b"k" * length)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "does not start with whsec_ or whsk_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not start with whsec_ or whsk_"),
        ("WHSEC_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "does not start with whsec_ or whsk_"),
        (f" {SECRET}", "does not start with whsec_ or whsk_"),
        (PUBLIC, "does not start with whsec_ or whsk_"),
        (f"{SECRET}\n", "is not base64 after its prefix"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "is not base64 after its prefix"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa--", "is not base64 after its prefix"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSä", "is not base64 after its prefix"),
        ("whsec_", "has 0 bytes behind its prefix, not 24 to 64"),
        (secret_of(23), "has 23 bytes behind its prefix, not 24 to 64"),
        (secret_of(65), "has 65 bytes behind its prefix, not 24 to 64"),
        (secret_of(32, "whsk_"), "has 32 bytes behind its prefix, not 64"),
        (secret_of(63, "whsk_"), "has 63 bytes behind its prefix, not 64"),
        (secret_of(65, "whsk_"), "has 65 bytes behind its prefix, not 64"),
    ],
)
def test_what_is_no_key_is_refused_with_the_reason_and_never_quoted(text: str, why: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011 # the whole text is compared
        parse_key(text)
    assert str(refused.value) == why
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


@given(st.binary(min_size=LEAST, max_size=MOST))
def test_a_secret_is_read_as_it_was_written(key: bytes) -> None:
    assert parse_key(secret_text(SigningKey(key=key))) == SigningKey(key=key)


@given(st.binary(min_size=PAIR, max_size=PAIR))
def test_a_pair_is_read_as_it_was_written_and_its_public_half_is_no_secret(key: bytes) -> None:
    pair = SigningKey(scheme="v1a", key=key)
    assert parse_key(secret_text(pair)) == pair
    shown = public_text(pair)
    assert shown is not None
    assert base64.b64decode(shown.removeprefix("whpk_")) == key[32:]


def test_no_key_is_in_what_python_prints_of_it() -> None:
    secrets = Secrets(keys=(parse_key(SECRET),), headers={"X-Key": "hunter22"}, authorization="Bearer hunter22")
    assert repr(secrets) == "Secrets(1 keys, …)"
    assert repr(secrets.keys[0]) == "SigningKey(scheme='v1', until=None)"


# Rotation. A key's letter tells how old it is.

HEADERS = {"X-Team": "red"}


def key(letter: str, until: datetime | None = None, scheme: Scheme = "v1") -> SigningKey:
    return SigningKey(scheme=scheme, key=letter.encode() * PAIR, until=until)


def pair(letter: str, until: datetime | None = None) -> SigningKey:
    return key(letter, until, "v1a")


def secrets_of(*keys: SigningKey) -> Secrets:
    return Secrets(keys=keys, headers=HEADERS, authorization="Bearer x")


def test_the_old_secret_signs_along_for_as_long_as_is_said() -> None:
    assert timedelta(hours=24) == GRACE
    after_it = rotated(secrets_of(key("a")), [key("b")], NOON, GRACE)
    assert after_it == secrets_of(key("b"), key("a", after(hours=24)))
    assert after_it.signing(NOON) == after_it.keys
    assert after_it.signing(after(hours=24) - timedelta(microseconds=1)) == after_it.keys
    assert after_it.signing(after(hours=24)) == (key("b"),)


def test_the_old_secret_may_sign_along_for_a_week() -> None:
    assert timedelta(days=7) == GRACE_MOST
    assert rotated(secrets_of(key("a")), [key("b")], NOON, GRACE_MOST).signing(after(days=6.9)) == (
        key("b"),
        key("a", after(days=7)),
    )


def test_with_no_grace_all_old_secrets_end_at_once() -> None:
    assert rotated(secrets_of(key("b"), key("a", after(days=5))), [key("c")], NOON, timedelta(0)) == secrets_of(
        key("c")
    )


def test_an_earlier_secret_signs_along_until_its_own_end_but_not_longer_than_is_said_now() -> None:
    twice = secrets_of(key("c"), key("b", after(days=5)), key("a", after(hours=2)))
    assert rotated(twice, [key("d")], NOON, timedelta(days=1)) == secrets_of(
        key("d"), key("c", after(days=1)), key("b", after(days=1)), key("a", after(hours=2))
    )


def test_secrets_that_ended_are_gone_with_the_next_rotation() -> None:
    ended = secrets_of(key("b"), key("a", NOON), pair("p"), pair("o", NOON))
    assert rotated(ended, [key("c")], NOON, GRACE) == secrets_of(key("c"), pair("p"), key("b", after(days=1)))


def test_a_pair_beside_a_secret_stays_as_it_is() -> None:
    both = secrets_of(key("a"), pair("p"), pair("o", after(days=3)))
    assert rotated(both, [key("b")], NOON, timedelta(0)) == secrets_of(key("b"), pair("p"), pair("o", after(days=3)))
    assert rotated(both, [pair("q")], NOON, GRACE) == secrets_of(
        pair("q"), key("a"), pair("p", after(days=1)), pair("o", after(days=1))
    )


def test_both_may_be_replaced_at_once() -> None:
    assert rotated(secrets_of(key("a"), pair("p")), [key("b"), pair("q")], NOON, GRACE) == secrets_of(
        key("b"), pair("q"), key("a", after(days=1)), pair("p", after(days=1))
    )


def test_a_first_key_of_a_scheme_replaces_none() -> None:
    assert rotated(secrets_of(key("a")), [pair("p")], NOON, GRACE) == secrets_of(pair("p"), key("a"))


def with_old(count: int) -> Secrets:
    """So many old ones, of which the first ends in two days, and each further one a day later."""
    return secrets_of(key("n"), *(key("a", after(days=day)) for day in range(count + 1, 1, -1)))


def test_five_old_secrets_may_sign_along_and_a_sixth_is_refused_with_the_time_when_there_is_room_again() -> None:
    assert len(rotated(with_old(4), [key("o")], NOON, GRACE_MOST).signing(NOON)) == 1 + OLD_MOST == 6
    for grace in (timedelta(hours=1), GRACE_MOST):
        with pytest.raises(TooManyOld) as refused:
            rotated(with_old(5), [key("o")], NOON, grace)
        assert refused.value.until == after(days=2)
        assert str(refused.value) == "5 old keys sign along still, the first of them until 2026-11-25T12:00:00.000Z"
    assert len(rotated(with_old(5), [key("o")], after(days=2), GRACE).signing(after(days=2))) == 1 + OLD_MOST


def test_with_no_grace_there_is_always_room() -> None:
    assert rotated(with_old(5), [key("o")], NOON, timedelta(0)) == secrets_of(key("o"))


def test_many_old_pairs_do_not_stand_in_the_way_of_a_secret() -> None:
    old = tuple(pair("o", after(days=1)) for _ in range(5))
    assert rotated(secrets_of(key("a"), pair("p"), *old), [key("b")], NOON, GRACE) == secrets_of(
        key("b"), pair("p"), *old, key("a", after(days=1))
    )


def test_more_secrets_without_an_end_than_may_sign_along_are_too_many_as_well() -> None:
    with pytest.raises(TooManyOld) as refused:
        rotated(secrets_of(*(key("a") for _ in range(6))), [key("b")], NOON, GRACE)
    assert refused.value.until == after(days=1)


ROTATIONS = st.lists(
    st.tuples(
        st.sets(st.sampled_from(["v1", "v1a"]), min_size=1),
        st.timedeltas(timedelta(0), GRACE_MOST),
        st.timedeltas(timedelta(0), timedelta(days=3)),
    ),
    max_size=12,
)


@given(ROTATIONS)
def test_after_any_rotations_the_newest_keys_sign_first_and_the_one_before_for_its_whole_grace(
    rotations: list[tuple[set[Scheme], timedelta, timedelta]],
) -> None:
    """So no message is lost to a receiver that takes over the new secret within the grace of the last rotation."""
    secrets, now = secrets_of(key("a"), pair("a")), NOON
    for number, (schemes, grace, passes) in enumerate(rotations):
        made = [key(chr(ord("b") + number), None, scheme) for scheme in sorted(schemes)]
        try:
            after_it = rotated(secrets, made, now, grace)
        except TooManyOld as refused:
            now = refused.until
            after_it = rotated(secrets, made, now, grace)
        assert list(after_it.signing(now)[: len(made)]) == made
        for scheme in ("v1", "v1a"):
            before = [each.key for each in secrets.signing(now) if each.scheme == scheme and each.until is None]
            last = [each.key for each in after_it.signing(now + grace - timedelta(microseconds=1))]
            assert set(before) <= set(last) or grace == timedelta(0)
            of_scheme = [each for each in after_it.signing(now) if each.scheme == scheme]
            assert len(of_scheme) <= 1 + OLD_MOST
            assert [each.until for each in of_scheme].count(None) == 1
            assert all(each.until <= now + GRACE_MOST for each in of_scheme if each.until is not None)
        secrets = after_it
        now += passes
