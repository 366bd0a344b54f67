"""The book has every endpoint as it is sent to, and says when its condition is another one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from watcher.core.endpoint import Endpoint, EndpointState, Secrets, SigningKey
from watcher.core.health import Health
from watcher.core.news import EndpointChanged
from watcher.delivery import Book, Condition, condition_of
from watcher.delivery.book import is_held_back

SECOND = timedelta(seconds=1)
KEYS = Secrets(keys=(SigningKey(key=b"k" * 32),), headers={"X-Shop": "1"})
NAMED = Endpoint(id="named", url="https://named.example", kept_by="settings", secrets=KEYS)
STORED = replace(NAMED, secrets=Secrets())
MADE = Endpoint(id="made", url="https://made.example", secrets=Secrets(keys=(SigningKey(key=b"m" * 32),)))


def _nothing() -> None:
    pass


class Shelf:
    """The one method of a store that the book asks, answering with what stands on it. `meanwhile` happens before the answer."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self.stands = list(endpoints)
        self.meanwhile: Callable[[], None] = _nothing

    async def endpoints(self) -> list[Endpoint]:
        answer = list(self.stands)
        self.meanwhile()
        return answer


async def book_of(*endpoints: Endpoint) -> Book:
    book = Book({"named": NAMED})
    await book.load(Shelf(*endpoints))  # type: ignore[arg-type]
    return book


# Which there are


async def test_secrets_of_the_settings_come_from_there_and_others_from_the_store() -> None:
    book = await book_of(MADE, STORED)
    assert list(book) == [MADE, NAMED]
    assert (book.get("named"), book.get("made"), book.get("nobody")) == (NAMED, MADE, None)
    assert ("made" in book, "nobody" in book) == (True, False)
    assert (book.is_named("named"), book.is_named("made")) == (True, False)


async def test_secrets_go_to_no_other_address_than_the_settings_give_with_them() -> None:
    """Another process has newer settings, and put them in force first; ours come a moment later."""
    shelf = Shelf(replace(STORED, url="https://moved.example", version=2))
    book = Book({"named": NAMED})
    await book.load(shelf)  # type: ignore[arg-type]
    assert book.get("named") == replace(NAMED, version=2)
    moved = replace(NAMED, url="https://moved.example", secrets=Secrets(keys=(SigningKey(key=b"n" * 32),)))
    book.name({"named": moved})
    await book.load(shelf)  # type: ignore[arg-type]
    assert book.get("named") == replace(moved, version=2)


async def test_one_that_the_settings_no_longer_name_has_no_secrets() -> None:
    once = Endpoint(id="once", url="https://once.example", kept_by="settings", state=EndpointState.DISABLED)
    assert list(await book_of(once)) == [once]


async def test_one_of_the_interface_gets_no_secrets_of_the_settings_that_name_another_of_its_id() -> None:
    assert (await book_of(replace(STORED, kept_by="api"))).get("named") == replace(STORED, kept_by="api")


async def test_what_is_loaded_replaces_what_was_there() -> None:
    book = await book_of(MADE, STORED)
    await book.load(Shelf(replace(MADE, version=3)))  # type: ignore[arg-type]
    assert list(book) == [replace(MADE, version=3)]


@pytest.mark.parametrize("what", ["put", "stand", "remove"])
async def test_what_changes_while_the_store_answers_is_newer_than_its_answer(what: str) -> None:
    book = await book_of(MADE)
    disabled = replace(MADE, state=EndpointState.DISABLED, disabled_reason="asked")
    changes = {
        "put": lambda: book.put(disabled),
        "stand": lambda: book.stand(disabled),
        "remove": lambda: book.remove("made"),
    }
    shelf = Shelf(MADE, STORED)
    shelf.meanwhile = changes[what]
    await book.load(shelf)  # type: ignore[arg-type]
    assert list(book) == ([] if what == "remove" else [disabled])


# What becomes of them


async def test_one_that_is_made_is_there_at_once_and_one_that_is_removed_is_not() -> None:
    book = await book_of()
    book.put(STORED)
    assert book.get("named") == NAMED
    book.remove("named")
    book.remove("named")
    assert list(book) == []


async def test_the_greater_version_says_how_it_is_set_up_whichever_came_first() -> None:
    book = await book_of(MADE)
    newer = replace(MADE, url="https://newer.example", version=2)
    older = replace(MADE, url="https://older.example", version=1, paused_until=NOON)
    book.put(newer)
    book.put(older)
    assert book.get("made") == replace(newer, paused_until=NOON)


async def test_one_that_was_made_after_the_last_of_its_name_was_forgotten_begins_with_version_0() -> None:
    book = await book_of(replace(MADE, created=NOON, version=5))
    again = replace(MADE, url="https://newer.example", created=NOON + timedelta(days=31), version=0)
    book.put(again)
    assert book.get("made") == again
    book.put(replace(MADE, created=NOON, version=6))
    assert book.get("made") == again


async def test_how_it_stands_changes_without_how_it_is_set_up() -> None:
    book = await book_of(MADE)
    health = Health(failures_in_a_row=5, opened=1, open_until=NOON)
    stands = replace(
        MADE,
        url="https://elsewhere.example",
        secrets=Secrets(),
        state=EndpointState.DISABLED,
        disabled_reason="gone",
        paused_until=NOON,
        health=health,
        number=7,
    )
    book.stand(stands)
    assert book.get("made") == replace(stands, url=MADE.url, secrets=MADE.secrets)


async def test_what_was_removed_does_not_come_back_by_what_an_attempt_says_of_it() -> None:
    book = await book_of()
    book.stand(MADE)
    assert list(book) == []


# Conditions


@pytest.mark.parametrize(
    ("endpoint", "condition", "held_back"),
    [
        (MADE, Condition(name="active", reason=""), False),
        (replace(MADE, paused_until=NOON), Condition(name="active", reason=""), False),
        (
            replace(MADE, paused_until=NOON + SECOND),
            Condition(
                name="paused", reason="the receiver or a proxy asked for it, or no file was left", until=NOON + SECOND
            ),
            True,
        ),
        (
            replace(MADE, health=Health(opened=1, failures_in_a_row=5, open_until=NOON + SECOND)),
            Condition(name="open", reason="too much failed, 5 in a row at last", until=NOON + SECOND),
            True,
        ),
        (
            replace(MADE, health=Health(opened=1, failures_in_a_row=5, open_until=NOON)),
            Condition(name="open", reason="too much failed, 5 in a row at last"),
            False,
        ),
        (
            replace(MADE, health=Health(opened=1, open_until=NOON + SECOND), paused_until=NOON + 2 * SECOND),
            Condition(
                name="paused",
                reason="the receiver or a proxy asked for it, or no file was left",
                until=NOON + 2 * SECOND,
            ),
            True,
        ),
        (
            replace(
                MADE,
                health=Health(opened=1, failures_in_a_row=6, open_until=NOON + 2 * SECOND),
                paused_until=NOON + SECOND,
            ),
            Condition(name="open", reason="too much failed, 6 in a row at last", until=NOON + 2 * SECOND),
            True,
        ),
        (
            replace(MADE, state=EndpointState.DISABLED, disabled_reason="410", paused_until=NOON + SECOND),
            Condition(name="disabled", reason="410"),
            True,
        ),
        (replace(MADE, state=EndpointState.DISABLED), Condition(name="disabled", reason=""), True),
    ],
)
def test_a_condition_follows_from_how_it_stands_and_from_the_time(
    endpoint: Endpoint, condition: Condition, held_back: bool
) -> None:
    assert condition_of(endpoint, NOON) == condition
    assert is_held_back(endpoint, NOON) is held_back


async def test_a_condition_is_told_once_and_so_is_its_end() -> None:
    book = await book_of(MADE)
    assert book.change("made", NOON) is None
    book.stand(replace(MADE, paused_until=NOON + SECOND))
    changes = [book.change("made", at) for at in (NOON, NOON, NOON + SECOND, NOON + SECOND)]
    assert changes == [
        EndpointChanged(
            endpoint="made",
            state="paused",
            reason="the receiver or a proxy asked for it, or no file was left",
            until=NOON + SECOND,
        ),
        None,
        EndpointChanged(endpoint="made", state="active", reason="nothing holds it back any more"),
        None,
    ]
    assert book.change("nobody", NOON) is None


async def test_one_that_went_away_is_gone_until_that_is_told() -> None:
    book = await book_of(MADE, STORED)
    assert book.change("made", NOON) is None
    book.remove("made")
    book.remove("named")  # nothing was ever told of it
    assert book.gone() == ["made"]
    book.forget("made")
    assert book.gone() == []
