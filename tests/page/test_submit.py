"""The room `submit`: a batch is looked through, sent once whatever happens, and followed; ids that are pasted are followed."""

import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, FilePayload, Page, Route, expect

from tests.page.town import Daemon, Town, asked
from tests.page.visiting import PHONE, SCHEMES, Visit, visiting

HOSTILE = '<img src=x onerror="window.hurt = 1"> שלום'
CSV = f"phone,name\n12135551122,{HOSTILE}\n213,Bob\n+1 (213) 555-1122,Eve\n12135551123,Cy\n".encode()
FILE: FilePayload = {"name": "autumn.csv", "mimeType": "text/csv", "buffer": CSV}


DROPPING = """(target, text) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([text], "dropped.csv", {type: "text/csv"}));
  for (const kind of ["dragover", "drop"]) {
    target.dispatchEvent(new DragEvent(kind, {dataTransfer, bubbles: true, cancelable: true}));
  }
}"""


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """The name of a batch of the test's own."""
    return str(request.node.name)[5:69]


@pytest.fixture(scope="module")
def broadcast(town: Town) -> int:
    """A broadcast at CallFire."""
    (batch,) = town.add(1, validating_for=3600)
    found: int = next(each for each in asked(f"{town.control}/truth")["batches"] if each["id"] == batch)["broadcast_id"]
    return found


@pytest_asyncio.fixture(loop_scope="session")
async def page(visit: Visit) -> Page:
    """The room."""
    await visit.go("#/submit")
    return visit.page


async def write(page: Page, broadcast: int, name: str) -> None:
    """Writes a batch, and goes on to the second step."""
    await page.get_by_label("Broadcast").fill(str(broadcast))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Or pasted").fill("12135551122\n12135551123")
    await expect(page.get_by_text("2 recipients, all right.")).to_be_visible()  # the button below has its place then
    await page.get_by_role("button", name="Check and go on").click()


def sent(daemon: Daemon, name: str) -> list[Any]:
    """Submissions of that name."""
    items = daemon.ask("GET", "/v1/accounts/default/submissions?limit=1000")["items"]
    return [each for each in items if each["name"].startswith(name)]


def at_callfire(town: Town, name: str) -> int:
    """How many batches of that name CallFire has."""
    return sum(str(each.get("name", "")).startswith(name) for each in asked(f"{town.control}/truth")["batches"])


async def test_what_is_written_while_a_file_is_read_stays(page: Page) -> None:
    await page.evaluate("""() => {
      const read = File.prototype.arrayBuffer;
      const readOn = new Promise((done) => { window.readOn = done; });
      File.prototype.arrayBuffer = async function () { await readOn; return read.call(this); };
    }""")
    await page.get_by_label("A CSV file").set_input_files(files=[FILE])
    await page.get_by_label("Name", exact=True).fill("Autumn appeal")
    await page.evaluate("window.readOn()")
    await expect(page.get_by_text("4 recipients")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("Autumn appeal")


async def test_a_csv_is_looked_through_row_by_row_before_anything_is_sent(
    visit: Visit, page: Page, daemon: Daemon, broadcast: int, name: str
) -> None:
    await page.get_by_label("Broadcast").fill(str(broadcast))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("A CSV file").set_input_files(files=[FILE])
    await page.get_by_role("checkbox", name="name", exact=True).check()
    await expect(page.get_by_text("4 recipients, 2 with something wrong.")).to_be_visible()
    rows = page.get_by_role("region", name="Recipients, those with something wrong first").locator("tbody tr")
    told = [re.sub(r"\s+", " ", text) for text in await rows.all_inner_texts()]
    assert told == [
        "3 213 name: Bob it must be 11 digits that begin with 1, such as 12135551122 or +1 213 555 1122",
        "4 +1 (213) 555-1122 name: Eve the number stands in line 2 already",
        f"2 12135551122 name: {HOSTILE} ✓ right",
        "5 12135551123 name: Cy ✓ right",
    ]
    for scheme in SCHEMES:
        await visit.scheme(scheme)
        assert await visit.faults() == []
    to_be_sent = page.get_by_text("to be sent; nothing is sent yet")
    await expect(to_be_sent).to_have_count(0)  # as it is, nobody is
    await page.get_by_role("button", name="Check and go on").click()
    await expect(page.get_by_text("2 recipients have something wrong: correct it")).to_be_visible()
    await page.get_by_label("Leave out the 2 with something wrong").check()
    await expect(to_be_sent).to_have_text("2 to be sent; nothing is sent yet")
    await page.get_by_role("button", name="Check and go on").click()
    await expect(page.get_by_role("button", name="Send to 2 recipients")).to_be_focused()
    await expect(page.get_by_text("2 with something wrong are left out.")).to_be_visible()
    assert await visit.faults() == []
    assert sent(daemon, name) == []
    assert await page.evaluate("window.hurt") is None


async def test_a_batch_that_is_sent_is_followed_to_its_page(
    visit: Visit, page: Page, town: Town, daemon: Daemon, broadcast: int, name: str
) -> None:
    await write(page, broadcast, name)
    await page.get_by_role("button", name="Send to 2 recipients").dblclick()
    await expect(page.get_by_text("CallFire has it as batch")).to_be_visible()
    assert await visit.faults() == []
    (submission,) = sent(daemon, name)
    assert (submission["state"], submission["recipients"]) == ("accepted", 2)
    assert at_callfire(town, name) == 1
    await page.locator(".last-step").get_by_role("link", name=f"Batch {submission['batch_id']}").click()
    await expect(page).to_have_url(re.compile(f"#/batches/default/{submission['batch_id']}$"))


async def test_a_lost_answer_and_another_try_send_nothing_twice(
    visit: Visit, page: Page, town: Town, daemon: Daemon, broadcast: int, name: str
) -> None:
    keys: list[str] = []

    async def lose(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        answer = await route.fetch()
        if len(keys) == 1:
            await route.abort()
        else:
            await route.fulfill(response=answer)

    await page.route("**/broadcasts/*/batches", lose)
    visit.mean(r"net::ERR_FAILED")
    await write(page, broadcast, name)
    await page.get_by_role("button", name="Send to 2 recipients").click()
    await expect(page.get_by_text("Whether it was sent is not certain.")).to_be_visible()
    assert await visit.faults() == []
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("CallFire has it as batch")).to_be_visible()
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert at_callfire(town, name) == len(sent(daemon, name)) == 1


async def test_a_batch_whose_answer_callfire_lost_is_followed_until_it_is_found(
    page: Page, town: Town, daemon: Daemon, broadcast: int, name: str
) -> None:
    town.fault(kind="lost", code=0, operation="submit", count=1, broadcast_ids=[broadcast])
    await write(page, broadcast, name)
    await page.get_by_role("button", name="Send to 2 recipients").click()
    await expect(page.get_by_text("CallFire has it as batch")).to_be_visible()
    assert at_callfire(town, name) == 1


async def test_what_waits_for_callfire_can_be_withdrawn_after_a_second_word(
    browser: Browser, town: Town, name: str
) -> None:
    alone = town.daemon("alone", CALLFIRE_BASE_URL="http://127.0.0.1:9")
    async with visiting(browser, alone.url) as visit:
        visit.mean(r"status of 422 ")
        await visit.go("#/submit")
        page = visit.page
        await page.get_by_label("Kind").select_option("call")
        await write(page, 14, name)
        await page.get_by_role("button", name="Send to 2 recipients").click()
        row = page.get_by_role("region", name="Submissions, those under way first").locator("tr", has_text=name)
        await expect(row).to_contain_text("intended")
        await row.get_by_role("button", name="Withdraw").click()
        assert await visit.faults() == []
        await expect(row).to_contain_text("Nothing more is done about it.")
        await row.get_by_role("button", name="Withdraw").click()
        over = re.compile("^(The batch is not sent, or not again|It was withdrawn: nothing more is done about it.)")
        await expect(page.get_by_text(over)).to_be_visible()
        assert [each["state"] for each in sent(alone, name)] == ["withdrawn"]


async def test_what_callfire_refuses_is_told_and_can_be_written_anew(
    visit: Visit, page: Page, town: Town, daemon: Daemon, broadcast: int, name: str
) -> None:
    visit.mean(r"status of 422 ")
    town.fault(kind="code", code=400, operation="submit", count=1, broadcast_ids=[broadcast])
    await write(page, broadcast, name)
    await page.get_by_role("button", name="Send to 2 recipients").click()
    await expect(page.get_by_text("The batch is not sent, or not again")).to_be_visible()
    await page.get_by_role("button", name="Check and go on").click()
    await page.get_by_role("button", name="Send to 2 recipients").click()
    await expect(page.get_by_text("CallFire has it as batch")).to_be_visible()
    assert [each["state"] for each in sent(daemon, name)] == ["accepted", "refused"]
    assert at_callfire(town, name) == 1


async def test_a_contact_list_of_callfire_is_sent_as_such(
    visit: Visit, page: Page, town: Town, daemon: Daemon, broadcast: int, name: str
) -> None:
    await page.get_by_label("Broadcast").fill(str(broadcast))
    await page.get_by_label("Name", exact=True).fill(name)
    await page.get_by_label("Where they come from").select_option("list")
    await page.get_by_label("Contact list").fill("77")
    assert await visit.faults() == []
    await page.get_by_role("button", name="Check and go on").click()
    await page.get_by_role("button", name="Send to the contacts of list 77").click()
    await expect(page.get_by_text("CallFire has it as batch")).to_be_visible()
    (submission,) = sent(daemon, name)
    assert (submission["state"], submission["recipients"], at_callfire(town, name)) == ("accepted", None, 1)


async def test_what_is_missing_is_said_at_its_field_and_has_the_focus(visit: Visit, page: Page) -> None:
    await page.get_by_role("button", name="Check and go on").click()
    await expect(page.get_by_label("Broadcast")).to_be_focused()
    for label, said in (
        ("Broadcast", "It must be the id of a broadcast"),
        ("Name", "It must have 1 to 100 characters."),
        ("Or pasted", "Nobody is named yet"),
    ):
        field = page.get_by_label(label, exact=True)
        await expect(field).to_have_attribute("aria-invalid", "true")
        await expect(page.locator(f"#{await field.get_attribute('id')}-error")).to_contain_text(said)
    assert await visit.faults() == []


async def test_a_file_that_is_no_text_is_refused(page: Page) -> None:
    odd: FilePayload = {"name": "autumn.xlsx", "mimeType": "application/zip", "buffer": b"PK\xff\xfe\x00"}
    await page.get_by_label("A CSV file").set_input_files(files=[odd])
    await expect(page.get_by_text("autumn.xlsx is not UTF-8 text: save it as CSV, UTF-8.")).to_be_visible()


async def test_a_file_that_is_dropped_is_read_as_one_that_is_chosen(page: Page) -> None:
    await page.locator(".drop").evaluate(DROPPING, CSV.decode())
    await expect(page.get_by_text("From dropped.csv.")).to_be_visible()
    await expect(page.get_by_text("4 recipients, 2 with something wrong.")).to_be_visible()
    await page.get_by_role("button", name="Take it out").click()
    await expect(page.get_by_label("Or pasted")).to_be_visible()
    await expect(page.get_by_text("4 recipients")).to_have_count(0)


async def test_ids_that_are_pasted_are_followed_and_each_says_what_came_of_it(
    visit: Visit, page: Page, town: Town, daemon: Daemon
) -> None:
    known, new = town.add(2, validating_for=3600)
    daemon.follow(known)
    await page.get_by_label("Ids of batches at CallFire").fill(f"{known}, {new}\nabc\n{new}\n0")
    left_out = page.get_by_role("region", name="Lines that are left out").locator("tbody tr")
    await expect(left_out).to_have_count(3)
    await expect(left_out.nth(1)).to_contain_text("it stands in line 1 already")
    assert await visit.faults() == []
    await page.get_by_label("Labels for all of them").fill("team=north")
    await page.get_by_role("button", name="Follow 2 batches").click()
    rows = page.get_by_role("region", name="What came of each").locator("tbody tr")
    await expect(rows).to_have_count(2)
    told = [re.sub(r"\s+", " ", text) for text in await rows.all_inner_texts()]
    assert told == [f"1 {known} ✓ was followed already", f"1 {new} ✓ followed from now on"]
    assert daemon.ask("GET", f"/v1/accounts/default/batches/{new}")["labels"] == {"team": "north"}
    assert await visit.faults() == []


async def test_who_may_only_read_sees_what_was_sent_and_no_form(guest: Visit, closed: Daemon) -> None:
    await guest.open("#/submit")
    await guest.sign_in(closed.reader())
    await guest.live()
    page = guest.page
    await expect(page.get_by_text("Your token may only read")).to_be_visible()
    await expect(page.get_by_role("heading", name="Sent to CallFire")).to_be_visible()
    await expect(page.get_by_role("main").get_by_role("button")).to_have_count(0)
    await expect(page.get_by_role("main").locator("form")).to_have_count(0)
    assert await guest.faults() == []


async def test_everything_is_reachable_by_keyboard_and_nothing_stands_out_on_a_phone(visit: Visit, page: Page) -> None:
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    assert await visit.fits()
    come, there = await visit.reachable()
    assert sorted(come) == sorted(there)
