"""A page over HTTP: once as a whole, then what changes, then why it ends."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import aiohttp
import jsonpatch
import pytest

from tests.fake_store import FakeStore
from tests.fakes import FakeClock, settle_down
from tests.web.hearing import Hearer, Told, hearing, until_closed, until_held
from tests.web.hearing import told as told_of
from tests.web.house import FakeFollowing, House, bearer, open_house
from watcher.core import news as told
from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import FAILING_AT, Health
from watcher.core.model import Key, LastLook
from watcher.core.viewing import Sight
from watcher.ports import Eta, Wish
from watcher.web.auth import LOOPBACK
from watcher.web.event_stream import HEARTBEAT
from watcher.web.frames import Frames, frames
from watcher.web.listeners import FULL
from watcher.web.page_stream import BEAT, SLOW_BEAT, Shared
from watcher.web.troubled import APART, SHOWN_MOST
from watcher.web.views import View

STREAM = "/v1/stream"


class Page:
    """What somebody has who looks at the stream: the document as it stands, and what came last."""

    def __init__(self, hearer: Hearer) -> None:
        self.hearer = hearer
        self.document: Any = None
        self.last: Told = Told()

    async def next(self) -> Told:
        """The next thing told; it is taken in."""
        self.last = await self.hearer.next()
        if self.last.event == "data":
            self.document = self.last.data
        elif self.last.event == "patch":
            self.document = jsonpatch.apply_patch(self.document, self.last.data)
        return self.last

    async def begin(self) -> None:
        """Reads the greeting and the whole."""
        await self.next()
        await self.next()

    async def catch_up(self, house: House) -> None:
        """Takes in everything that is told up to the next sign of life, which is due at once."""
        house.clock.turn(seconds=HEARTBEAT)
        await house.streams.page.step()
        while (await self.next()).comment != "alive":
            pass


async def follow(house: House, *batch_ids: int, account: str = "default", **body: Any) -> None:
    for batch_id in batch_ids:
        answer = await house.ask("PUT", f"/v1/accounts/{account}/batches/{batch_id}", json=body)
        assert answer.status in (200, 201), answer.json
        house.streams.hear(told.Following(account=account, batch_id=batch_id, what="created"))


async def see(house: House, batch_id: int, *statuses: str, **batch: Any) -> None:
    await house.see(batch_id, *statuses, **batch)
    position = (await house.store.log_span()).last
    house.streams.hear(
        told.Changed(
            account="default",
            batch_id=batch_id,
            type="batch.new",
            number=1,
            position=position,
            status=statuses[-1],
            previous=None,
            at=house.clock.now(),
        )
    )


async def listed(house: House, query: str = "") -> dict[str, Any]:
    """What GET shows of the same."""
    watches = (await house.ask("GET", f"/v1/watches?limit=1000&{query}")).json["items"]
    accounts = (await house.ask("GET", "/v1/accounts")).json["items"]
    return {
        "watches": {f"{each['account']}/{each['batch_id']}": each for each in watches},
        "accounts": {each["name"]: each for each in accounts},
    }


def shown(page: Page) -> dict[str, Any]:
    return {name: page.document[name] for name in ("watches", "accounts")}


async def test_a_page_begins_with_all_of_it_and_goes_on_with_what_changes(house: House) -> None:
    await follow(house, 1, 2, labels={"team": "north"})
    await see(house, 1, "NEW")
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        position = (await house.store.log_span()).last
        assert await page.next() == Told(retry=2000, id=position)
        first = await page.next()
        assert (first.event, first.id) == ("data", position)
        assert shown(page) == await listed(house)
        assert {name: value for name, value in page.document.items() if name not in ("watches", "accounts")} == {
            "more": False,
            "counts": {"default": {"new": 1, "unseen": 1}},
            "endpoints": {},
            "position": position,
        }
        await see(house, 1, "ACTIVE")
        await house.streams.page.step()
        patch = await page.next()
        assert (patch.event, patch.id) == ("patch", position + 1)
        assert shown(page) == await listed(house)
        assert page.document["position"] == position + 1


@pytest.mark.parametrize(
    "query",
    [
        "account=default",
        "status=active",
        "state=open",
        "final=true",
        "stuck=false",
        "label=team:north",
        "broadcast=14",
        "q=NORTH",
        "limit=2",
    ],
)
async def test_what_is_asked_for_is_what_the_list_shows_to_the_same_query(house: House, query: str) -> None:
    await follow(house, 1, 2, 3)
    await follow(house, 4, labels={"team": "north"})
    await see(house, 1, "NEW", broadcast_id=14)
    async with hearing(house, f"{STREAM}?{query}") as hearer:
        page = Page(hearer)
        await page.begin()
        everything = query.replace("limit=2", "")
        expected = (await listed(house, everything))["watches"]
        limit = 2 if query == "limit=2" else 1000
        assert page.document["watches"] == dict(list(expected.items())[:limit])
        for batch_id, status in ((2, "ACTIVE"), (1, "VALIDATING"), (4, "ERRORS")):
            await see(house, batch_id, status)
        await page.catch_up(house)
        expected = (await listed(house, everything))["watches"]
        assert page.document["watches"] == dict(list(expected.items())[:limit])


async def test_looks_that_show_nothing_new_are_told_at_the_slow_beat(house: House) -> None:
    await follow(house, 1)
    await see(house, 1, "VALIDATING")
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        key = Key("default", 1)
        house.following.last[key] = LastLook(
            batch_id=1, asked=house.clock.now(), answered=house.clock.now(), looks=9, size=70, remaining=7
        )
        house.following.next[key] = house.clock.now()
        await page.catch_up(house)
        assert page.document["watches"]["default/1"]["looks"] == 9
        assert shown(page) == await listed(house)


async def test_patches_are_gathered_for_a_quarter_of_a_second(house: House) -> None:
    changed = told.Following(account="default", batch_id=1, what="relabelled")
    async with hearing(house, STREAM) as hearer:
        await Page(hearer).begin()
        house.clock.turn(seconds=1)
        house.clock.slept.clear()
        for _ in range(3):
            house.streams.hear(changed)
            await house.streams.page.step()
        assert house.clock.slept == pytest.approx([0, BEAT, BEAT])


async def test_who_looks_at_the_same_is_served_by_one_view(house: House) -> None:
    await follow(house, 1)
    async with (
        hearing(house, STREAM) as one,
        hearing(house, STREAM) as two,
        hearing(house, f"{STREAM}?limit=9") as three,
    ):
        pages = [Page(one), Page(two), Page(three)]
        for page in pages:
            await page.begin()
        house.ear.heard.clear()
        await see(house, 1, "ACTIVE")
        await house.streams.page.step()
        for page in pages:
            assert (await page.next()).event == "patch"
            assert page.document["watches"]["default/1"]["status"] == "ACTIVE"
        took = [news for news in house.ear.heard if isinstance(news, told.StoreTook) and news.operation == "find"]
        assert len(took) == 2
        assert pages[0].document == pages[1].document


async def test_a_sign_of_life_comes_where_nothing_happens(house: House) -> None:
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        await page.catch_up(house)
        assert page.last == Told(comment="alive", id=0)


async def test_an_account_that_comes_into_another_condition_is_shown_at_once(house: House) -> None:
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        house.following.held["condition"] = "refused"
        house.streams.hear(
            told.ConditionChanged(account="default", condition="refused", previous="ok", reason="401", until=None)
        )
        await house.streams.page.step()
        await page.next()
        assert page.document["accounts"]["default"]["condition"] == "refused"
        assert shown(page) == await listed(house)


async def test_the_end_is_told_with_its_reason(house: House) -> None:
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        house.streams.hear(told.Stopping(reason="SIGTERM"))
        last = await page.next()
        assert (last.event, last.data["type"]) == ("error", "/problems/stopping")
        assert await hearer.at_end()


async def test_a_store_that_fails_delays_what_changes_and_loses_nothing() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)
        async with hearing(house, STREAM) as hearer:
            page = Page(hearer)
            await page.begin()
            await see(house, 1, "ACTIVE")
            store.failing.add("find")
            await house.streams.page.step()
            store.failing.clear()
            before = house.clock.monotonic()
            await house.streams.page.step()
            assert house.clock.monotonic() - before <= BEAT
            await page.next()
            assert page.document["watches"]["default/1"]["status"] == "ACTIVE"
        store.failing.add("find")
        answer = await house.ask("GET", f"{STREAM}?limit=9")  # nobody looks at that yet
        assert (answer.status, answer.json["type"]) == (503, "/problems/store-unavailable")


async def test_what_changes_while_the_page_is_read_and_written_is_told_behind_it() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, *range(1, 4))
        store.gates["tally"] = gate = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_first_two(house), name="reading")
            await until_held(store, "tally")
            await see(house, 2, "ACTIVE")
            gate.set()
            page = await reading
        try:
            await page.catch_up(house)
            assert page.document["watches"]["default/2"]["status"] == "ACTIVE"
            assert shown(page)["watches"] == (await listed(house))["watches"]
        finally:
            page.hearer.response.close()


async def test_a_view_that_is_being_read_holds_up_no_other() -> None:
    store = FakeStore(FakeClock())
    async with asyncio.timeout(60), open_house(store=store) as house, aiohttp.ClientSession() as session:
        await follow(house, 1)
        store.gates["find"] = gate = asyncio.Event()
        asked = asyncio.ensure_future(session.get(f"{house.url}{STREAM}?limit=9"))
        await until_held(store, "find")
        async with hearing(house, STREAM) as hearer:
            page = Page(hearer)
            await page.begin()
            await see(house, 1, "ACTIVE")
            await house.streams.page.step()
            assert (await page.next()).event == "patch"
        gate.set()
        async with await asked as response:
            late = Page(Hearer(response))
            await late.begin()
            before = house.clock.monotonic()
            await house.streams.page.step()  # what was told meanwhile is looked at now
            assert house.clock.monotonic() - before <= BEAT
            await late.catch_up(house)
            assert shown(late) == await listed(house)


async def test_who_goes_while_the_page_is_read_for_them_is_no_failure_of_ours() -> None:
    store = FakeStore(FakeClock())
    async with asyncio.timeout(60), open_house(store=store) as house, aiohttp.ClientSession() as session:
        await follow(house, 1)
        store.gates["find"] = gate = asyncio.Event()
        asked = asyncio.ensure_future(session.get(f"{house.url}{STREAM}?limit=9"))
        await until_held(store, "find")
        asked.cancel()
        await asyncio.wait([asked])
        await settle_down()
        gate.set()
        await settle_down()
        assert (await house.ask("GET", "/livez")).status == 200
        assert house.ear.of(told.RequestFailed, told.StreamOpened) == []


# In the order of what needs a person


async def test_a_page_in_the_order_of_what_needs_a_person_says_what_is_where_and_how_many_there_are(
    house: House,
) -> None:
    await follow(house, *range(1, 6))
    await see(house, 2, "ERRORS")
    await see(house, 3, "ACTIVE")
    at = house.clock.now()
    house.following.etas[Key("default", 5)] = Eta(p50=at, p90=at)
    async with hearing(house, f"{STREAM}?order=attention&limit=4") as hearer:
        page = Page(hearer)
        await page.begin()
        names = ("order", "total", "attention", "more")
        assert {name: page.document[name] for name in names} == {
            "order": ["default/2", "default/5", "default/1", "default/4"],
            "total": 5,
            "attention": 1,
            "more": True,
        }
        everything = (await listed(house))["watches"]
        assert page.document["watches"] == {name: everything[name] for name in page.document["order"]}
        await see(house, 4, "SOURCE_ERROR")
        await page.catch_up(house)
        assert page.document["order"] == ["default/4", "default/2", "default/5", "default/1"]
        assert page.document["attention"] == 2
        assert shown(page) == {
            "watches": {name: each for name, each in (await listed(house))["watches"].items() if name != "default/3"},
            "accounts": (await listed(house))["accounts"],
        }
    async with hearing(house, f"{STREAM}?order=attention&offset=3&limit=1&account=default") as hearer:
        page = Page(hearer)
        await page.begin()
        assert (page.document["order"], page.document["total"]) == (["default/1"], 5)


async def test_who_looks_at_the_same_in_the_same_order_is_served_by_one_view() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)
        path = f"{STREAM}?order=attention"
        async with hearing(house, path) as one, hearing(house, path) as two:
            pages = [Page(one), Page(two)]
            for page in pages:
                await page.begin()
            before = store.done["in_band"]
            await see(house, 1, "ERRORS")
            await house.streams.page.step()
            for page in pages:
                await page.next()
                assert page.document["attention"] == 1
            assert store.done["in_band"] - before == 2  # both bands, once
            assert pages[0].document == pages[1].document


async def test_a_token_for_one_account_is_shown_and_counted_nothing_of_others() -> None:
    async with open_house(accounts=("east", "west"), token="t" * 32) as house:
        for account, status in (("east", "ERRORS"), ("east", "VALIDATING"), ("west", "ERRORS"), ("west", "ACTIVE")):
            batch_id = len(house.following.known) + 1
            await house.following.follow([Wish(key=Key(account, batch_id))])
            await house.see(batch_id, status, account=account)
        made = await house.ask(
            "POST",
            "/v1/tokens",
            json={"name": "east", "scopes": ["read"], "accounts": ["east"]},
            headers=bearer("t" * 32),
        )
        for query in ("order=attention", "order=attention&q=3", "order=attention&stuck=false"):
            response = await house.session.get(f"{house.url}{STREAM}?{query}", headers=bearer(made.json["token"]))
            page = Page(Hearer(response))
            await page.begin()
            response.close()
            shown_of = [] if "q=" in query else ["east/1", "east/2"]
            assert (page.document["order"], page.document["total"]) == (shown_of, len(shown_of))
            assert page.document["attention"] == len(shown_of[:1])
            assert list(page.document["watches"]) == shown_of


# Endpoints that need a person


def keep(house: House, endpoint_id: str, *, accounts: tuple[str, ...] = (), **changed: Any) -> None:
    endpoint = Endpoint(id=endpoint_id, url="https://crm.example.com/in", accounts=accounts)
    house.subscribing.keep(replace(endpoint, **changed))


OFF: Any = {"state": EndpointState.DISABLED, "disabled_reason": "410 Gone"}


async def test_a_page_shows_the_endpoints_that_need_a_person(house: House) -> None:
    keep(house, "fine")
    keep(house, "off", **OFF)
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        whole = {item["id"]: item for item in (await house.ask("GET", "/v1/endpoints")).json["items"]}
        assert page.document["endpoints"] == {"off": whole["off"]}
        keep(house, "fine", health=Health(failures_in_a_row=FAILING_AT, failing_since=house.clock.now()))
        keep(house, "off")
        house.clock.turn(seconds=APART)
        house.streams.hear(told.EndpointTold(endpoint="fine", type="endpoint.failing", position=0, deliveries=0))
        before = house.clock.monotonic()
        await house.streams.page.step()
        assert house.clock.monotonic() - before <= BEAT
        await page.next()
        assert list(page.document["endpoints"]) == ["fine"]
        keep(house, "fine")
        await page.catch_up(house)  # also where nobody told of it
        assert page.document["endpoints"] == {}


async def test_what_is_read_of_endpoints_for_a_new_page_is_shown_to_all_others_too(house: House) -> None:
    keep(house, "fine")
    async with asyncio.timeout(60), hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        keep(house, "fine", **OFF)
        house.clock.turn(seconds=SLOW_BEAT)
        async with hearing(house, f"{STREAM}?limit=9") as late:
            newer = Page(late)
            await newer.begin()
        assert list(newer.document["endpoints"]) == ["fine"]
        assert (await page.next()).event == "patch"
        assert page.document["endpoints"] == newer.document["endpoints"]


async def test_of_very_many_endpoints_in_trouble_the_first_are_shown(house: House) -> None:
    for number in range(SHOWN_MOST + 1):
        keep(house, f"off-{number:03}", **OFF)
    async with asyncio.timeout(60), hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        assert list(page.document["endpoints"]) == [f"off-{number:03}" for number in range(SHOWN_MOST)]


async def test_of_endpoints_each_sees_only_those_that_exist_for_them() -> None:
    async with open_house(accounts=("east", "west"), token="t" * 32) as house:
        keep(house, "both", accounts=("east", "west"), **OFF)
        keep(house, "east", accounts=("east",), **OFF)
        keep(house, "every", **OFF)
        made = await house.ask(
            "POST",
            "/v1/tokens",
            json={"name": "east", "scopes": ["read"], "accounts": ["east"]},
            headers=bearer("t" * 32),
        )
        found = {}
        for token in ("t" * 32, made.json["token"]):
            response = await house.session.get(f"{house.url}{STREAM}?account=east", headers=bearer(token))
            page = Page(Hearer(response))
            await page.begin()
            found[token] = list(page.document["endpoints"])
            response.close()
        assert list(found.values()) == [["both", "east", "every"], ["east"]]


async def test_endpoints_are_not_read_again_and_again_where_much_is_told_of_them(house: House) -> None:
    reads: list[float] = []
    real = house.subscribing.endpoints

    async def counted() -> Any:
        reads.append(house.clock.monotonic())
        return await real()

    house.subscribing.endpoints = counted  # type: ignore[method-assign]
    house.streams.hear(told.EndpointChanged(endpoint="off", state="disabled", reason=""))  # nobody looks
    async with hearing(house, STREAM) as hearer:
        await Page(hearer).begin()
        begun = house.clock.monotonic()
        for _ in range(10):
            house.streams.hear(told.EndpointChanged(endpoint="off", state="disabled", reason=""))
            await house.streams.page.step()
        took = house.clock.monotonic() - begun
        assert 2 <= len(reads) <= 2 + took / APART


async def test_a_view_that_nobody_looks_at_any_more_is_not_kept() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)
        read = []
        for times in (1, 2):
            async with hearing(house, STREAM) as one, hearing(house, STREAM) as two:
                await Page(one).begin()
                await Page(two).begin()
            await until_closed(house, 2 * times)
            read.append(store.done["find"])
        assert read == [1, 2]


async def test_a_page_begins_where_the_log_is_also_when_nothing_was_heard_of_it(house: House) -> None:
    await follow(house, 1)
    await house.see(1, "NEW", "ACTIVE")  # before the daemon was started
    async with hearing(house, STREAM) as hearer:
        page = Page(hearer)
        await page.begin()
        assert (page.last.id, page.document["position"]) == (2, 2)


async def _first_two(house: House) -> Page:
    page = Page(Hearer(await house.session.get(house.url + STREAM)))
    await page.begin()
    return page


class Dawdler:
    """A client that takes what is written to it alone only when the test lets it. One that is let go takes nothing any more."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.heard: list[bytes] = []
        self.reason: str | None = None

    async def write(self, *parts: bytes) -> None:
        await self.gate.wait()
        if self.reason is None:
            self.heard += parts

    def send(self, sent: Frames) -> None:
        self.heard.append(sent.plain)

    def end(self, reason: str) -> None:
        self.reason = reason


async def an_empty_view() -> Shared:
    clock = FakeClock()
    store = FakeStore(clock)
    view = View(Sight(), (), store=store, following=FakeFollowing(store, clock, ()))
    await view.load(7)
    return Shared(view, LOOPBACK, maker=LOOPBACK)


async def test_what_changes_while_the_whole_is_being_written_comes_behind_it_in_order() -> None:
    shared, dawdler = await an_empty_view(), Dawdler()
    showing = asyncio.ensure_future(shared.show(dawdler))  # type: ignore[arg-type]  # a stand-in
    await settle_down()
    for number in (1, 2):
        shared.tell([{"op": "replace", "path": "/position", "value": number}])
    shared.tell([])
    dawdler.gate.set()
    await showing
    shared.send(frames(b"live"))
    begin, whole, end, first, second, live = dawdler.heard
    assert (begin, json.loads(whole)["position"], end) == (b"id: 7\nevent: data\ndata: ", 7, b"\n\n")
    assert [told_of(text).data[0]["value"] for text in (first, second)] == [1, 2]
    assert live == b"live"
    shared.leave(dawdler)  # type: ignore[arg-type]  # a stand-in
    shared.send(frames(b"later"))
    assert dawdler.heard[-1] == b"live"


async def test_for_whom_too_much_waits_is_let_go() -> None:
    shared, dawdler = await an_empty_view(), Dawdler()
    showing = asyncio.ensure_future(shared.show(dawdler))  # type: ignore[arg-type]  # a stand-in
    await settle_down()
    shared.send(frames(b"x" * FULL))
    reasons = [dawdler.reason]
    shared.send(frames(b"x"))
    assert [*reasons, dawdler.reason] == [None, "slow"]
    dawdler.gate.set()
    await showing
    shared.send(frames(b"later"))
    assert dawdler.heard == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=10001", "limit"),
        ("limit=0", "limit"),
        ("label=team", "label"),
        ("state=gone", "state"),
        ("cursor=x", "cursor"),
        ("order=name", "order"),
        ("offset=1", "offset"),
        ("offset=1&order=key", "offset"),
        ("offset=1000001&order=attention", "offset"),
        ("limit=1001&order=attention", "limit"),
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=a%0Ab", "q"),
        ("q=" + "x" * 201, "q"),
    ],
)
async def test_a_query_that_is_not_right_is_refused(house: House, query: str, parameter: str) -> None:
    answer = await house.ask("GET", f"{STREAM}?{query}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]


async def test_the_head_of_it_is_answered_without_a_stream(house: House) -> None:
    answer = await house.ask("HEAD", STREAM)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")
    assert house.ear.of(told.StreamOpened) == []
