"""What tokens allow, of which accounts, and when nobody could make them any more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.tokens import (
    ADMIN_WANTED,
    LAST_ADMIN,
    SCOPES,
    SECRET_BYTES,
    TOKENS_MOST,
    TOO_MANY,
    Grant,
    Token,
    digest_of,
    grant_of,
    is_over,
    keeps_the_door,
    locks_out,
    secret_of,
    sees_token,
)

CI = Token(id="tok_1", name="ci", digest=b"d", scopes=frozenset({"read"}), accounts=frozenset({"a"}), created=NOON)
BOSS = replace(CI, id="tok_2", scopes=frozenset({"admin"}), accounts=None)
ALL = Grant(holder="x", scopes=frozenset({"admin"}))
SOME = Grant(holder="y", scopes=frozenset({"read", "write"}), accounts=frozenset({"a", "b"}))
HOUR = timedelta(hours=1)


def test_a_grant_has_its_scopes_and_admin_has_all() -> None:
    assert [scope for scope in SCOPES if SOME.allows(scope)] == ["read", "write"]
    assert [scope for scope in SCOPES if ALL.allows(scope)] == ["read", "write", "submit", "admin"]


def test_accounts_exist_for_a_grant_or_do_not() -> None:
    assert SOME.among(["c", "b", "a"]) == ["b", "a"]
    assert ALL.among(["c", "b", "a"]) == ["c", "b", "a"]
    assert (SOME.sees("a"), SOME.sees("c"), ALL.sees("c")) == (True, False, True)


@pytest.mark.parametrize(("accounts", "seen"), [(["a"], True), (["a", "b"], True), (["a", "c"], False), ([], False)])
def test_what_is_of_several_accounts_exists_where_all_of_them_do(accounts: list[str], seen: bool) -> None:
    assert SOME.sees_all(accounts) is seen
    assert ALL.sees_all(accounts) is True


def test_a_secret_is_known_by_how_it_begins_and_by_its_digest() -> None:
    secret = secret_of(bytes(32))
    assert secret == "wat_" + "A" * 43
    assert digest_of(secret) == digest_of(secret)
    assert len({digest_of(text) for text in ("", "a", "\udc80", secret)}) == 4
    assert digest_of("a").hex() == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert secret_of(b"\xfb\xff\xfe") == "wat_-__-"


def test_there_are_a_thousand_tokens_at_most_each_of_32_random_bytes() -> None:
    assert (TOKENS_MOST, SECRET_BYTES) == (1000, 32)


def test_why_a_token_is_not_made_or_not_removed_is_said_with_what_to_do() -> None:
    assert ADMIN_WANTED == (
        "From the first token on nobody may ask without one, so the first must have the scope admin and all accounts: make "
        "such a one, then this."
    )
    assert LAST_ADMIN == (
        "It is the last token with the scope admin and all accounts, and there are others: make another such before, or "
        "remove the others."
    )
    assert TOO_MANY == "There are 1000 tokens, the most there may be: remove some."


def test_a_token_allows_what_it_says_until_its_time_is_over() -> None:
    token = replace(CI, expires=NOON + HOUR)
    grant = Grant(holder="token tok_1", scopes=CI.scopes, accounts=CI.accounts, expires=NOON + HOUR)
    assert grant_of(token, NOON) == grant
    assert grant_of(token, NOON + HOUR) is None
    assert grant_of(CI, NOON + HOUR) == replace(grant, expires=None)
    assert not is_over(None, NOON)


def test_who_is_limited_sees_tokens_that_are_for_nothing_else() -> None:
    assert sees_token(SOME, CI)
    assert not sees_token(SOME, BOSS)
    assert not sees_token(SOME, replace(CI, accounts=frozenset({"a", "c"})))
    assert not sees_token(SOME, replace(CI, accounts=frozenset()))
    assert all(sees_token(ALL, token) for token in (CI, BOSS))


def test_the_door_is_kept_by_an_admin_of_everything_whose_time_is_not_over() -> None:
    assert keeps_the_door(BOSS, NOON)
    for other in (CI, replace(BOSS, accounts=frozenset({"a"})), replace(BOSS, expires=NOON)):
        assert not keeps_the_door(other, NOON)


@pytest.mark.parametrize(
    ("before", "after", "out"),
    [
        ([], [CI], True),
        ([], [BOSS], False),
        ([BOSS, CI], [CI], True),
        ([BOSS, CI], [BOSS], False),
        ([BOSS, CI], [BOSS, CI], False),
        ([BOSS], [], False),
        ([CI], [CI, CI], False),  # nobody could before either
        ([CI], [], False),
    ],
)
def test_nobody_is_locked_out_who_was_not(before: list[Token], after: list[Token], out: bool) -> None:
    assert locks_out(before, after, NOON) is out
