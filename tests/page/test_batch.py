"""One batch in the room `batches`: its life, what was sent of it, and each thing that can be done to it."""

from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect

from tests.page.followed import AT_ONCE, LONG, made, place, searched
from tests.page.receiving import Receiver, Said, receiving
from tests.page.town import Daemon, Town
from tests.page.visiting import PHONE, SCHEMES, Visit, visiting

ENDED = r"status of 409 .*/explanation"
"""It ended just before it was asked why it is looked at."""
HOSTILE = '<img src=x onerror="window.hurt = 1"> \u202eשלום'


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """What the test's own batches are called, and a label of theirs."""
    return str(request.node.name)[5:69]


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Accepts everything, until a test says otherwise of a path."""
    with receiving() as there:
        yield there


async def test_a_batch_tells_how_it_is_and_its_life_in_a_drawing_and_in_words(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    visit.mean(ENDED)
    (here,) = made(town, daemon, name, new_for=1, validating_for=0, skips=True)
    await visit.go(searched(name))
    await visit.page.get_by_role("link", name=name, exact=True).click()
    main = visit.page.get_by_role("main")
    await expect(main.get_by_role("heading", level=1)).to_have_text(f"Batch {here}")
    await expect(main.get_by_text("It is ready:")).to_be_visible()
    life = visit.page.get_by_role("region", name="Its life")
    await expect(life.get_by_role("img").first).to_be_visible()
    await expect(life.locator(".skipped").first).to_have_text("VALIDATING unseen")
    await expect(life.locator(".life .look")).not_to_have_count(0)
    await expect(life.get_by_role("listitem").filter(has_text="must have passed in it unseen")).to_contain_text(
        ["NEW became"]
    )
    await life.get_by_text("one by one").click()
    await expect(life.locator(".each li").last).to_contain_text("changed")
    await visit.page.get_by_role("link", name="← Batches").click()
    await expect(visit.page).to_have_url(f"{visit.url}/{searched(name)}")


async def test_what_is_wrong_with_a_batch_is_said_with_what_to_do(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    (here,) = made(town, daemon, name, **AT_ONCE, end="SOURCE_ERROR")
    await visit.go(place(here))
    await expect(visit.page.get_by_text("CallFire could not read where the contacts come from.")).to_be_visible()
    await expect(visit.page.get_by_text("Check the file or list at CallFire")).to_be_visible()


async def test_a_batch_that_callfire_does_not_have_is_not_said_to_be_unasked(
    visit: Visit, daemon: Daemon, name: str
) -> None:
    nobodys = 10**15 + 7
    daemon.follow(nobodys, of=name)
    await visit.go(place(nobodys))
    await expect(visit.page.get_by_text("CallFire does not have it, or not yet")).to_be_visible()
    await expect(visit.page.locator(".looks")).to_contain_text("did not find it")
    daemon.ask("DELETE", f"/v1/accounts/default/batches/{nobodys}")


async def test_a_batch_is_live_while_it_is_open(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go(place(here))
    await expect(visit.page.get_by_text("CallFire is looking through its contacts.")).to_be_visible()
    why = visit.page.get_by_role("region", name="Why it is looked at when it is")
    await expect(why.get_by_text("Next look")).to_be_visible()
    visit.mean(ENDED)
    town.end(here)
    await expect(visit.page.get_by_text("It is ready:")).to_be_visible()
    await expect(why).to_have_count(0)


async def test_look_now_looks_now(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go(place(here))
    looks = visit.page.get_by_role("region", name="Facts").get_by_text("Looks", exact=True).locator("+ dd")
    before = await looks.inner_text()
    await visit.page.get_by_role("button", name="Look now").click()
    await expect(visit.page.get_by_text("Looked.", exact=True).first).to_be_visible()
    await expect(looks).not_to_have_text(before)
    assert [each.url for each in visit.asked if each.method == "POST"] == [
        f"{visit.url}/v1/accounts/default/batches/{here}/refresh"
    ]


async def test_following_stops_only_after_a_second_step_and_can_begin_again(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go(place(here))
    visit.mean(r"status of 404 .*")
    await visit.page.get_by_role("button", name="Stop following").click()
    asked = visit.page.get_by_role("group", name="Stop following")
    await expect(asked).to_contain_text("At CallFire nothing changes.")
    await asked.get_by_role("button", name="Cancel").click()
    assert daemon.ask("GET", f"/v1/accounts/default/batches/{here}")["state"] == "open"
    await visit.page.get_by_role("button", name="Stop following").click()
    await asked.get_by_role("button", name="Stop following").click()
    await expect(visit.page.get_by_text("It is not followed any more. What is below was known of it.")).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Look now")).to_have_count(0)
    await visit.page.get_by_role("button", name="Follow again").click()
    await expect(visit.page.get_by_role("button", name="Look now")).to_be_visible()


async def test_a_batch_that_nobody_follows_can_be_followed(visit: Visit, town: Town, name: str) -> None:
    (here,) = town.add(1, name=name, **LONG)
    visit.mean(r"status of 404 .*")
    await visit.go(place(here))
    await expect(visit.page.get_by_text("It is not followed. Whether CallFire has it")).to_be_visible()
    await expect(visit.page.get_by_role("alert")).to_have_count(0)  # nothing failed
    await visit.page.get_by_role("button", name="Follow it").click()
    await expect(visit.page.get_by_text("CallFire is looking through its contacts.")).to_be_visible()


async def test_a_batch_that_ended_can_be_followed_again(visit: Visit, town: Town, daemon: Daemon, name: str) -> None:
    (here,) = made(town, daemon, name, **AT_ONCE)
    await visit.go(place(here))
    await expect(visit.page.get_by_text("It is ready:")).to_be_visible()
    visit.mean(r"status of 409 .*/explanation$")  # it may have ended again when the page asks what it waits for
    await visit.page.get_by_role("button", name="Follow again").click()
    await expect(visit.page.get_by_text("It is followed.", exact=True).first).to_be_visible()


async def test_a_batch_is_switched_off_and_on_after_a_second_step(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    (here,) = made(town, daemon, name, **AT_ONCE)
    await visit.go(place(here))
    for name_, then, fact in (("Switch off", "Switch on", "no"), ("Switch on", "Switch off", "yes")):
        await visit.page.get_by_role("button", name=name_).click()
        await visit.page.get_by_role("group", name=name_).get_by_role("button", name=name_).click()
        await expect(visit.page.get_by_role("button", name=then)).to_be_visible()
        facts = visit.page.get_by_role("region", name="Facts").locator("div", has_text="Enabled")
        await expect(facts.locator("dd").first).to_have_text(fact)


async def test_an_action_that_fails_says_so_where_it_was(visit: Visit, daemon: Daemon, name: str) -> None:
    daemon.follow(999_999_999, of=name)
    visit.mean(r"status of 4\d\d .*", r"status of 503 .*")
    await visit.go(place(999_999_999))
    await visit.page.get_by_role("button", name="Look now").click()
    await expect(visit.page.locator(".buttons").get_by_role("alert")).to_be_visible()


async def test_labels_and_correlation_id_are_changed_in_a_form(
    visit: Visit, town: Town, daemon: Daemon, name: str
) -> None:
    (here,) = made(town, daemon, name, **LONG)
    await visit.go(place(here))
    await visit.page.get_by_role("button", name="Change labels").click()
    await visit.page.get_by_label("Value of of").fill("others")
    await visit.page.get_by_label("Name of label 2").fill("team")
    await visit.page.get_by_label("Value of team").fill(HOSTILE)
    await visit.page.get_by_label("Correlation id", exact=True).fill("order 66")
    await visit.page.get_by_role("button", name="Save").click()
    await expect(visit.page.get_by_role("region", name="Facts")).to_contain_text("order 66")
    kept = daemon.ask("GET", f"/v1/accounts/default/batches/{here}")
    assert (kept["labels"], kept["correlation_id"]) == ({"of": "others", "team": HOSTILE}, "order 66")
    await visit.page.get_by_role("button", name="Change labels").click()
    await visit.page.get_by_role("button", name="Remove team").click()
    await visit.page.get_by_role("button", name="Save").click()
    await expect(visit.page.get_by_role("region", name="Facts").get_by_role("listitem")).to_have_count(1)
    assert daemon.ask("GET", f"/v1/accounts/default/batches/{here}")["labels"] == {"of": "others"}
    assert await visit.page.evaluate("window.hurt ?? null") is None


async def test_what_was_sent_of_a_batch_opens_to_its_attempts_and_can_be_sent_again(
    visit: Visit, town: Town, daemon: Daemon, receiver: Receiver, name: str
) -> None:
    receiver.says[f"/{name}"] = Said(code=200, body="thank you")
    hook = {"id": name, "url": f"{receiver.url}/{name}", "types": ["batch.*"], "labels": {"of": name}}
    daemon.ask("POST", "/v1/endpoints", hook)
    (here,) = made(town, daemon, name, **AT_ONCE)
    await visit.go(place(here))
    sent = visit.page.get_by_role("region", name="Deliveries of this batch")
    await expect(sent.get_by_text("HTTP 200")).to_be_visible()
    await sent.get_by_role("button", name="batch.active").click()
    await expect(sent.get_by_text("accepted")).to_be_visible()
    await sent.get_by_role("button", name="Send again").click()
    await sent.get_by_role("group", name="Send again").get_by_role("button", name="Send again").click()
    await expect(sent.get_by_text("sent again by a person")).to_be_visible()
    assert len(set(receiver.ids(f"/{name}"))) == 1


# For everybody


async def test_whoever_may_only_read_sees_a_batch_without_buttons(
    guest: Visit, closed: Daemon, town: Town, name: str
) -> None:
    (here,) = made(town, closed, name, **LONG)
    await guest.open(place(here))
    await guest.sign_in(closed.reader())
    await guest.live()
    await expect(guest.page.get_by_text("CallFire is looking through its contacts.")).to_be_visible()
    await expect(guest.page.get_by_role("region", name="Facts")).to_be_visible()
    await expect(guest.page.locator("#view button:not(.disclose)")).to_have_count(0)


async def test_whoever_may_follow_but_not_submit_cannot_switch(
    guest: Visit, closed: Daemon, town: Town, name: str
) -> None:
    (here,) = made(town, closed, name, **LONG)
    secret = closed.ask("POST", "/v1/tokens", {"name": name, "scopes": ["read", "write"]})["token"]
    await guest.open(place(here))
    await guest.sign_in(secret)
    await expect(guest.page.get_by_role("button", name="Look now")).to_be_visible()
    await expect(guest.page.get_by_role("button", name="Switch off")).to_have_count(0)


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_batch_is_for_everybody(visit: Visit, town: Town, daemon: Daemon, name: str, scheme: str) -> None:
    (here,) = made(town, daemon, HOSTILE, **LONG)
    await visit.scheme(scheme)
    await visit.go(place(here))
    await expect(visit.page.get_by_text("CallFire is looking through its contacts.")).to_be_visible()
    await visit.page.get_by_role("button", name="Stop following").click()
    await visit.page.get_by_role("button", name="Change labels").click()
    assert await visit.faults() == []
    reached, there = await visit.reachable()
    assert reached == there
    assert await visit.page.evaluate("window.hurt ?? null") is None


async def test_on_a_phone_a_batch_does_not_stand_out_at_the_side(browser: Browser, town: Town, daemon: Daemon) -> None:
    (here,) = made(town, daemon, "N" * 150, new_for=1, validating_for=0, skips=True)
    async with visiting(browser, daemon.url, viewport=PHONE, has_touch=True, is_mobile=True) as visit:
        visit.mean(ENDED)
        await visit.go(place(here))
        await expect(visit.page.get_by_text("It is ready:")).to_be_visible()
        assert await visit.fits()
