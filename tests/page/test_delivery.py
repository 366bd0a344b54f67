"""The room `delivery`: endpoints and what they are owed, each action of it against a real receiver."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Route, expect

from tests.page.receiving import Receiver, Said, receiving
from tests.page.town import TOKEN, Daemon, Town
from tests.page.visiting import PHONE, SCHEMES, Visit, visiting

HOSTILE = '<img src=x onerror="window.hurt = 1"> שלום'
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYqrTwjU"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """Accepts everything, until a test says otherwise of a path."""
    with receiving() as there:
        yield there


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The id of an endpoint of the test's own, and a label of its batches."""
    return str(request.node.name)[5:69]


@pytest.fixture
def endpoint(daemon: Daemon, receiver: Receiver, name: str) -> str:
    """The path of an endpoint that gets what happens to the test's own batches."""
    url = f"{receiver.url}/{name}"
    daemon.ask("POST", "/v1/endpoints", {"id": name, "url": url, "types": ["batch.*"], "labels": {"of": name}})
    return f"/v1/endpoints/{name}"


@pytest.fixture(scope="module")
def kept(town: Town, receiver: Receiver) -> Daemon:
    """A daemon that wants a token, and whose settings keep the endpoint `default`."""
    settings = {"WATCHER_WEBHOOK_URL": f"{receiver.url}/kept", "WATCHER_WEBHOOK_SECRET": SECRET}
    return town.daemon("kept", TOKEN, **settings)


def settle(town: Town, daemon: Daemon, name: str, count: int = 1) -> list[int]:
    """Batches of this name that are ACTIVE at once: an event each."""
    ids = town.add(count, new_for=0, validating_for=0)
    daemon.follow(*ids, of=name)
    return ids


async def act(visit: Visit, button: str) -> None:
    """Chooses what to do with the endpoint that is shown."""
    row = visit.page.get_by_role("region", name="What can be done")
    await row.get_by_role("button", name=button, exact=True).click()


def group(visit: Visit, heading: str) -> Locator:
    """What the chosen action needs to know."""
    return visit.page.get_by_role("group", name=heading)


def delivery(visit: Visit, text: str = "") -> Locator:
    """Rows of deliveries with this text."""
    return visit.page.get_by_role("region", name="Deliveries, the newest first").locator(
        "tbody tr:not(.below)", has_text=text
    )


# Making one


DRAWN_AT_THAT_MOMENT = """(summary) => {
  requestAnimationFrame(() => summary.click());
  document.querySelector("input[name=url]").dispatchEvent(new Event("input"));  // the page is drawn in the same frame, after it
}"""


async def test_what_is_unfolded_stays_so_though_the_page_is_drawn_at_that_moment(visit: Visit) -> None:
    await visit.go("#/delivery?make=yes")
    folded = visit.page.get_by_label("Label 1, name")
    for then in (expect(folded).to_be_visible, expect(folded).to_be_hidden):
        await visit.page.get_by_text("Which batches, how it is sent").evaluate(DRAWN_AT_THAT_MOMENT)
        await then()


async def test_a_new_endpoint_is_made_by_form_and_its_secret_is_shown_once(
    visit: Visit, daemon: Daemon, receiver: Receiver, name: str
) -> None:
    page = visit.page
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await visit.go("#/delivery")
    await page.get_by_role("link", name="New endpoint").click()
    await expect(page.get_by_label("URL")).to_be_focused()
    await page.keyboard.type(f"{receiver.url}/{name}")
    await page.get_by_label("Description").fill(HOSTILE)
    await page.get_by_label("Id", exact=True).fill(name)
    await page.get_by_label("batch.*").check()
    await expect(page.get_by_label("batch.stuck")).to_be_disabled()
    await page.get_by_text("Which batches, how it is sent").click()
    await page.get_by_label("Label 1, name").fill("of")
    await page.get_by_label("Label 1, value").fill(name)
    await page.get_by_label("Header 1, name").fill("X-Tenant")
    await page.get_by_label("Header 1, value").fill("7")
    await page.get_by_label("Deliveries a second, at most").fill("2.5")
    await page.get_by_label("Order").select_option("batch")
    await page.get_by_label("Authorization").select_option("bearer")
    await page.get_by_label("Bearer token").fill("their-token")
    await page.get_by_label("Before it is made").select_option("ping")
    await page.get_by_role("button", name="Make it").click()

    secret = page.get_by_label("Secret (v1)")
    await expect(secret).to_have_value(re.compile("^whsec_"))
    await page.get_by_role("button", name="Copy").click()
    await expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == await secret.input_value()
    made = daemon.ask("GET", f"/v1/endpoints/{name}")
    assert {
        key: made[key] for key in ("description", "types", "labels", "headers", "rate", "ordering", "authorization")
    } == {
        "description": HOSTILE,
        "types": ["batch.*"],
        "labels": {"of": name},
        "headers": ["X-Tenant"],
        "rate": 2.5,
        "ordering": "batch",
        "authorization": "bearer",
    }
    assert receiver.got[-1][1]["authorization"] == "Bearer their-token"  # the ping that it accepted

    await page.get_by_role("button", name="I have it").click()
    await expect(secret).to_be_hidden()
    await expect(page.get_by_text(HOSTILE)).to_be_visible()
    assert await page.evaluate("window.hurt") is None
    await page.go_back()
    await page.go_forward()
    await expect(page.get_by_role("heading", name=f"Endpoint {name}")).to_be_visible()
    await expect(secret).to_be_hidden()


async def test_a_secret_is_forgotten_when_its_endpoint_is_left(visit: Visit, receiver: Receiver, name: str) -> None:
    await visit.go("#/delivery?make=yes")
    await visit.page.get_by_label("URL").fill(f"{receiver.url}/{name}")
    await visit.page.get_by_label("Id", exact=True).fill(name)
    await visit.page.get_by_label("account.refused").check()
    await visit.page.get_by_text("Which batches, how it is sent").click()
    await visit.page.get_by_label("v1a: a key pair").check()
    await visit.page.get_by_role("button", name="Make it").click()
    await expect(visit.page.get_by_label("Secret (v1)")).to_have_value(re.compile("^whsec_"))
    await expect(visit.page.get_by_label("Key pair (v1a)")).to_have_value(re.compile("^whsk_"))
    await expect(visit.page.get_by_text("the receiver verifies with the public key")).to_be_visible()
    await expect(visit.page.get_by_text(re.compile("^whpk_"))).to_be_visible()
    for scheme in SCHEMES:
        await visit.scheme(scheme)
        assert await visit.faults() == [], scheme
    await visit.open("#/delivery")
    await visit.open(f"#/delivery/{name}")
    await expect(visit.page.get_by_role("heading", name=f"Endpoint {name}")).to_be_visible()
    await expect(visit.page.get_by_role("heading", name="The last hour")).to_be_visible()
    await expect(visit.page.get_by_label("Secret (v1)")).to_have_count(0)
    await expect(visit.page.get_by_label("Key pair (v1a)")).to_have_count(0)


async def test_what_the_api_refuses_stands_at_its_field(visit: Visit, name: str) -> None:
    page = visit.page
    visit.mean("status of 422")
    await visit.go("#/delivery?make=yes")
    await page.get_by_label("URL").fill("ftp://crm.example/hooks")
    await page.get_by_text("Which batches, how it is sent").click()
    await page.get_by_label("Timeout").fill("99")
    await page.get_by_label("Header 1, name").fill("Host")
    await page.get_by_label("Header 1, value").fill("elsewhere")
    await page.get_by_text("Which batches, how it is sent").click()
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_label("Timeout")).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Timeout")).to_have_accessible_description(
        "1 to 30 seconds for an attempt. Empty: as usual. It must be from 1 to 30 seconds"
    )
    await expect(page.get_by_label("URL")).to_be_focused()
    await expect(page.get_by_label("URL")).to_have_accessible_description(re.compile(r"open others\. It .*http"))
    await expect(page.get_by_label("Header 1, name")).to_have_attribute("aria-invalid", "true")
    assert await visit.faults() == []


async def test_a_receiver_that_does_not_confirm_is_shown_with_its_answer(
    visit: Visit, daemon: Daemon, receiver: Receiver, name: str
) -> None:
    visit.mean("status of 422")
    receiver.says[f"/{name}"] = Said(code=500, body=HOSTILE)
    await visit.go("#/delivery?make=yes")
    await visit.page.get_by_label("URL").fill(f"{receiver.url}/{name}")
    await visit.page.get_by_label("Id", exact=True).fill(name)
    await visit.page.get_by_text("Which batches, how it is sent").click()
    await visit.page.get_by_label("Before it is made").select_option("ping")
    await visit.page.get_by_role("button", name="Make it").click()
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("The receiver did not confirm")
    await alert.get_by_text("What it answered").click()
    await expect(alert.locator("pre")).to_have_text(HOSTILE)
    assert name not in [each["id"] for each in daemon.ask("GET", "/v1/endpoints")["items"]]


# What can be done with one


async def test_a_test_shows_what_the_receiver_answered(
    visit: Visit, endpoint: str, receiver: Receiver, name: str
) -> None:
    receiver.says[f"/{name}"] = Said(code=418, body=HOSTILE)
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Test")
    panel = group(visit, "Send a test")
    await panel.get_by_label("Event").select_option("batch.stuck")
    await panel.get_by_role("button", name="Send it").click()
    await expect(panel).to_contain_text("HTTP 418 to batch.stuck")
    await expect(panel).to_contain_text("took")
    await panel.get_by_text("What it answered").click()
    await expect(panel.locator("pre")).to_have_text(HOSTILE)
    receiver.says.pop(f"/{name}")
    await panel.get_by_role("button", name="Send it").click()
    await expect(panel).to_contain_text("HTTP 204 to batch.stuck")
    assert await visit.page.evaluate("window.hurt") is None
    assert await visit.faults() == []


async def test_a_change_of_what_was_changed_meanwhile_is_refused_and_begun_anew(
    visit: Visit, daemon: Daemon, endpoint: str, name: str
) -> None:
    visit.mean("status of 412")
    page = visit.page
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Change")
    await page.get_by_label("Description").fill("ours")
    daemon.ask("PATCH", endpoint, {"description": "theirs", "timeout": 7})
    await expect(page.get_by_label("How it stands")).to_contain_text(
        "theirs"
    )  # what was begun is of how it was all the same
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_role("alert")).to_contain_text("Somebody changed it since you began")
    assert daemon.ask("GET", endpoint)["description"] == "theirs"
    begin = page.get_by_role("button", name="Begin anew")
    await expect(page.get_by_text("theirs").first).to_be_visible()
    await begin.click()
    await expect(page.get_by_label("Description")).to_have_value("theirs")
    await page.get_by_label("Description").fill("both")
    await page.get_by_role("button", name="Change it").click()
    await expect(page.get_by_label("How it stands")).to_contain_text("both")
    changed = daemon.ask("GET", endpoint)
    assert (changed["description"], changed["timeout"]) == ("both", 7.0)


async def test_a_new_secret_needs_a_second_step_and_is_shown_once(
    visit: Visit, daemon: Daemon, endpoint: str, name: str
) -> None:
    page = visit.page
    await visit.go(f"#/delivery/{name}")
    await act(visit, "New secret")
    panel = group(visit, "Replace its secret")
    await panel.get_by_label("Grace").fill("2h")
    await panel.get_by_role("button", name="Make a new secret").click()
    await expect(panel).to_contain_text("After 2h only the new secret signs.")
    assert len(daemon.ask("GET", endpoint)["keys"]) == 1
    await panel.get_by_role("button", name="Make a new secret").click()
    await expect(page.get_by_label("Secret (v1)")).to_have_value(re.compile("^whsec_"))
    await expect(page.get_by_text("an old one, ends")).to_be_visible()
    assert [key["until"] is None for key in daemon.ask("GET", endpoint)["keys"]] == [True, False]


async def test_a_grace_that_is_refused_is_said_where_it_was_asked_for(visit: Visit, endpoint: str, name: str) -> None:
    visit.mean("status of 422")
    await visit.go(f"#/delivery/{name}")
    await act(visit, "New secret")
    panel = group(visit, "Replace its secret")
    await panel.get_by_label("Grace").fill("30d")
    await panel.get_by_role("button", name="Make a new secret").click()
    await panel.get_by_role("button", name="Make a new secret").click()
    await expect(panel.get_by_role("alert")).to_contain_text("It must be from 0 to 604800 seconds")


async def test_a_disabled_endpoint_says_why_and_is_enabled_with_what_was_held(
    visit: Visit, daemon: Daemon, town: Town, receiver: Receiver, endpoint: str, name: str
) -> None:
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Disable")
    panel = group(visit, "Disable it")
    await panel.get_by_label("Why").fill("the receiver moves")
    await panel.get_by_role("button", name="Disable").click()
    await panel.get_by_role("button", name="Cancel").click()
    assert daemon.ask("GET", endpoint)["state"] == "active"
    await panel.get_by_role("button", name="Disable").click()
    await panel.get_by_role("button", name="Disable").click()
    stands = visit.page.get_by_label("How it stands")
    await expect(stands).to_contain_text("Why: the receiver moves.")
    settle(town, daemon, name)
    await expect(delivery(visit, "batch.active").get_by_text("held")).to_be_visible()
    await act(visit, "Enable")
    await expect(group(visit, "Enable it")).to_contain_text("are held for it")
    await group(visit, "Enable it").get_by_role("button", name="Enable").click()
    await expect(delivery(visit, "batch.active").get_by_text("done")).to_be_visible()
    assert len(receiver.ids(f"/{name}")) == 1


async def test_what_was_missed_is_counted_before_it_is_sent_again(
    visit: Visit, daemon: Daemon, town: Town, receiver: Receiver, name: str
) -> None:
    settle(town, daemon, name, 2)
    await visit.go("#/batches")
    while len([each for each in daemon.ask("GET", f"/v1/watches?label=of:{name}")["items"] if each["final"]]) < 2:
        await visit.page.wait_for_timeout(50)
    url = f"{receiver.url}/{name}"
    daemon.ask("POST", "/v1/endpoints", {"id": name, "url": url, "types": ["batch.active"], "labels": {"of": name}})
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Recover")
    panel = group(visit, "Send again what it missed")
    await panel.get_by_role("button", name="Count what there is").click()
    await expect(panel).to_contain_text("2 events: 2 missing.")
    assert receiver.ids(f"/{name}") == []
    await panel.get_by_role("button", name="Send 2 again").click()
    await expect(panel).to_contain_text("2 of 2 are on their way. That is all.")
    await expect(delivery(visit, "done")).to_have_count(2)
    assert len(receiver.ids(f"/{name}")) == 2
    assert await visit.faults() == []


async def test_recovery_goes_on_portion_by_portion_and_a_lost_answer_sends_none_twice(
    visit: Visit, endpoint: str, name: str
) -> None:
    """The daemon's answers are made up: a portion is two thousand events."""
    visit.mean("net::ERR_FAILED")
    asked: list[tuple[dict[str, Any], str | None]] = []
    until = "2026-11-23T10:00:00.000Z"

    async def answer(route: Route) -> None:
        body = json.loads(route.request.post_data or "")
        asked.append((body, await route.request.header_value("Idempotency-Key")))
        if len(asked) == 4:
            await route.abort()
            return
        counts = {"dead": 2000 if body["after"] == 0 else 5, "held": 0, "missing": 0}
        after = 7000 if body["after"] == 0 else None
        given = {"counts": counts, "after": after, "since": body["since"], "until": until, "dry_run": body["dry_run"]}
        await route.fulfill(json=given)

    await visit.page.route(f"**{endpoint}/recover", answer)
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Recover")
    panel = group(visit, "Send again what it missed")
    await panel.get_by_role("button", name="Count what there is").click()
    await expect(panel).to_contain_text("2,005 events: 2,005 dead.")
    await panel.get_by_role("button", name="Send 2,005 again").click()
    await expect(panel.get_by_role("alert")).to_contain_text("The daemon cannot be reached.")
    await expect(panel).to_contain_text("2,000 of 2,005 are on their way.")
    await panel.get_by_role("button", name="Send the rest").click()
    await expect(panel).to_contain_text("2,005 of 2,005 are on their way. That is all.")
    steps = [(body["after"], body["until"], body["dry_run"]) for body, _ in asked]
    dry, real = [(0, None, True), (7000, until, True)], [(0, until, False), (7000, until, False)]
    assert steps == [*dry, *real, real[1]]
    keys = [key for _, key in asked]
    assert keys[:2] == [None, None]
    assert keys[2] != keys[3] == keys[4]


async def test_a_url_that_is_shown_in_part_is_changed_as_a_whole(
    visit: Visit, daemon: Daemon, receiver: Receiver, endpoint: str, name: str
) -> None:
    daemon.ask("PATCH", endpoint, {"url": f"{receiver.url}/{name}?key=1"})
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Change")
    url = visit.page.get_by_label("URL")
    await expect(url).to_have_value(f"{receiver.url}/{name}?…")
    await url.fill(f"{receiver.url}/other?…")
    await visit.page.get_by_role("button", name="Change it").click()
    await expect(url).to_have_accessible_description(re.compile("is not shown: write all of the URL"))
    await url.fill(f"{receiver.url}/other")
    await visit.page.get_by_role("button", name="Change it").click()
    await expect(visit.page.get_by_label("How it stands")).to_contain_text(f"{receiver.url}/other")
    assert daemon.ask("GET", endpoint)["url"] == f"{receiver.url}/other"


async def test_an_endpoint_is_deleted_by_who_types_its_id(
    visit: Visit, daemon: Daemon, endpoint: str, name: str
) -> None:
    await visit.go(f"#/delivery/{name}")
    await act(visit, "Delete")
    panel = group(visit, "Delete it")
    await expect(panel.get_by_role("button", name="Delete for good")).to_be_disabled()
    await panel.get_by_label("Type its id").fill(name)
    await panel.get_by_role("button", name="Delete for good").click()
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Delivery")
    await expect(visit.page.get_by_role("link", name=name, exact=True)).to_have_count(0)
    assert name not in [each["id"] for each in daemon.ask("GET", "/v1/endpoints")["items"]]


# What it is owed


async def test_a_delivery_opens_to_its_attempts_and_is_sent_again(
    visit: Visit, daemon: Daemon, town: Town, receiver: Receiver, endpoint: str, name: str
) -> None:
    receiver.says[f"/{name}"] = Said(code=500, body=HOSTILE)
    settle(town, daemon, name)
    await visit.go(f"#/delivery/{name}?state=pending")
    await expect(delivery(visit, "HTTP 500")).to_have_count(1)
    await visit.page.get_by_role("button", name="Attempts of batch.active").click()
    history = visit.page.locator(".history")
    await expect(history).to_contain_text("HTTP 500 failed, to be tried again")
    await history.get_by_text("What it answered").first.click()
    await expect(history.locator("pre").first).to_have_text(HOSTILE)
    assert await visit.faults() == []

    receiver.says.pop(f"/{name}")
    await history.get_by_role("button", name="Send again").click()
    await expect(history).to_contain_text("HTTP 204 accepted")  # though it is not among those that wait any more
    await expect(history).to_contain_text("sent again by a person")
    await expect(delivery(visit, "done")).to_have_count(1)
    await visit.page.get_by_role("button", name="Attempts of batch.active").click()
    await expect(visit.page.get_by_text("Nothing waits")).to_be_visible()
    await visit.open(f"#/delivery/{name}")
    await visit.page.get_by_role("button", name="Attempts of batch.active").click()
    await history.get_by_role("button", name="Send again").click()
    await expect(history).to_contain_text("The receiver accepted it already")
    before = len(receiver.ids(f"/{name}"))
    await history.get_by_role("button", name="Send again").click()
    await expect(history.get_by_role("listitem")).to_have_count(before + 1)
    assert len(set(receiver.ids(f"/{name}"))) == 1


async def test_deliveries_go_on_page_by_page_and_by_state(
    visit: Visit, daemon: Daemon, town: Town, endpoint: str, name: str
) -> None:
    ids = settle(town, daemon, name, 27)
    await visit.go(f"#/delivery/{name}?state=done")
    await expect(delivery(visit)).to_have_count(25)
    await visit.page.get_by_role("link", name="Next →").click()
    await expect(delivery(visit)).to_have_count(2)
    await visit.page.get_by_role("link", name="First page").click()
    await expect(delivery(visit)).to_have_count(25)
    await visit.page.get_by_role("link", name="Dead").click()
    await expect(visit.page.get_by_text("Nothing ran out of attempts.")).to_be_visible()
    await visit.open("#/delivery?state=done")
    await expect(visit.page.get_by_role("heading", level=1)).to_have_text("Deliveries")
    await expect(delivery(visit, name)).to_have_count(25)
    await expect(delivery(visit).get_by_role("link", name=f"default / {ids[-1]}")).to_have_count(1)


async def test_the_last_hour_is_drawn_and_told_as_a_table(
    visit: Visit, daemon: Daemon, town: Town, endpoint: str, name: str
) -> None:
    settle(town, daemon, name, 3)
    await visit.go(f"#/delivery/{name}")
    drawn = visit.page.get_by_role(
        "img", name="Attempts a minute in the last hour: 3 accepted, 0 failed: 100% accepted."
    )
    await expect(drawn).to_be_visible()
    await visit.page.get_by_text("The figures as a table").click()
    rows = visit.page.get_by_role("region", name="Attempts by minute").locator("tbody tr")
    await expect(rows.first).to_be_visible()
    accepted = [int(await row.locator("td").nth(1).inner_text()) for row in await rows.all()]
    assert sum(accepted) == 3
    await visit.open("#/delivery")
    row = visit.page.locator("tr", has=visit.page.get_by_role("link", name=name, exact=True))
    await expect(row.get_by_role("img", name="100% of 3 attempts accepted")).to_be_visible()


# Who may what


async def test_what_the_settings_keep_is_not_changed_here(browser: Browser, kept: Daemon) -> None:
    async with visiting(browser, kept.url) as visit:
        visit.mean(r"status of 401 .*/v1/session$")
        await visit.open("#/delivery/default")
        await visit.sign_in(TOKEN)
        await expect(visit.page.get_by_text("The settings of the daemon keep it")).to_be_visible()
        buttons = visit.page.get_by_role("region", name="What can be done").get_by_role("button")
        assert await buttons.all_inner_texts() == ["Test", "Disable", "Recover"]


async def test_who_may_only_read_sees_no_buttons(browser: Browser, kept: Daemon, town: Town) -> None:
    settle(town, kept, "reading")
    async with visiting(browser, kept.url) as visit:
        visit.mean(r"status of 401 .*/v1/session$")
        await visit.open("#/delivery/default")
        await visit.sign_in(kept.reader())
        await expect(delivery(visit, "batch.active")).to_have_count(1)
        await visit.page.get_by_role("button", name="Attempts of batch.active").click()
        await expect(visit.page.locator(".history")).to_contain_text("accepted")
        main = visit.page.get_by_role("main")
        assert await main.get_by_role("button").all_inner_texts() == ["▾batch.active"]  # which only opens it
        await visit.open("#/delivery?make=yes")
        await expect(visit.page.get_by_role("link", name="default", exact=True)).to_be_visible()
        assert await main.get_by_role("button").count() == 0
        await expect(visit.page.get_by_role("link", name="New endpoint")).to_have_count(0)


async def test_whoever_sees_no_endpoint_is_not_told_that_there_is_none(browser: Browser, kept: Daemon) -> None:
    body = {"name": "one account", "scopes": ["read"], "accounts": ["default"]}
    token = kept.ask("POST", "/v1/tokens", body)["token"]
    async with visiting(browser, kept.url) as visit:
        visit.mean(r"status of 401 .*/v1/session$")
        await visit.open("#/delivery")
        await visit.sign_in(token)
        await expect(visit.page.get_by_text("No endpoint is for the accounts of this token alone")).to_be_visible()


async def test_an_endpoint_that_is_not_there_is_said(visit: Visit) -> None:
    visit.mean("status of 404")
    await visit.go("#/delivery/nobody")
    await expect(visit.page.get_by_role("alert")).to_contain_text("There is no such endpoint")


# For everybody


@pytest.fixture
def troubled(daemon: Daemon, town: Town, receiver: Receiver, endpoint: str, name: str) -> dict[str, Any]:
    """An endpoint with a long and hostile description, that failed."""
    receiver.says[f"/{name}"] = Said(code=503, body=HOSTILE * 20)
    daemon.ask("PATCH", endpoint, {"description": f"{HOSTILE} {'long' * 60}"})
    settle(town, daemon, name, 6)
    return {"places": ["#/delivery", f"#/delivery/{name}", "#/delivery?make=yes", "#/delivery?state=any"], "id": name}


async def test_nothing_is_wrong_for_who_sees_little_or_listens(visit: Visit, troubled: dict[str, Any]) -> None:
    for place in troubled["places"]:
        await visit.go(place)
        await visit.page.locator(".delivery table, .delivery form").first.wait_for()
        if troubled["id"] in place:
            await act(visit, "Recover")
            await visit.page.locator(".disclose").first.click()
        if "make" in place:
            await visit.page.locator("summary").click()
        for scheme in SCHEMES:
            await visit.scheme(scheme)
            assert await visit.faults() == [], (place, scheme)


async def test_it_fits_a_phone(visit: Visit, troubled: dict[str, Any]) -> None:
    await visit.page.set_viewport_size({"width": PHONE["width"], "height": PHONE["height"]})
    for place in troubled["places"]:
        await visit.go(place)
        await visit.page.locator(".delivery table, .delivery form").first.wait_for()
        if troubled["id"] in place:
            await act(visit, "Change")
            await visit.page.locator(".disclose").first.click()
        assert await visit.fits(), place


async def test_everything_is_reached_by_keyboard(visit: Visit, troubled: dict[str, Any]) -> None:
    await visit.go(f"#/delivery/{troubled['id']}?state=dead")
    await expect(visit.page.get_by_text("Nothing ran out of attempts.")).to_be_visible()
    await expect(visit.page.get_by_text("The figures as a table")).to_be_visible()
    await act(visit, "Test")
    come, there = await visit.reachable()
    assert come == there
