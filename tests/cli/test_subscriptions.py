"""Asking a daemon about endpoints and deliveries: its answers are known as a watcher's, its faults told by option."""

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.cli.interface import Interface
from tests.fakes import NOON
from tests.fakes_subscribing import a_delivery
from watcher.cli.daemon import NoDaemon, Place, Refusal, reach
from watcher.cli.subscriptions import Subscriptions, faults
from watcher.core.endpoint import Endpoint, Secrets, SigningKey


async def test_behind_a_proxy_that_puts_its_own_name_whatever_is_shown_is_known(there: Interface) -> None:
    """Each answer of the interface, from a server of another name."""
    key = SigningKey(key=b"a" * 32)
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/", secrets=Secrets(keys=(key,))))
    there.subscribing.owe(a_delivery(1, now=NOON))

    async def passed_on(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {"Content-Type": "application/json"} if body else {}
        async with session.request(request.method, there.url + request.path, data=body, headers=headers) as answer:
            return web.Response(status=answer.status, body=await answer.read(), headers={"Server": "nginx"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", passed_on)
    async with TestServer(app) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        session = daemon._session
        asked = Subscriptions(daemon)
        assert [each["id"] for each in await asked.endpoints()] == ["crm"]
        made = await asked.make({"url": "https://example.com/", "id": "ops"})
        shown = [await asked.endpoint("crm"), made, await asked.change("crm", {"rate": 1.0})]
        shown += [await asked.disable("crm", {}), await asked.enable("crm", send_held=True)]
        shown += [await asked.rotate("crm", {})]
        assert [each["id"] for each in shown] == ["crm", "ops", *["crm"] * 4]
        assert (await asked.test("crm", "ping"))["accepted"]
        assert (await asked.recover("crm", {"since": "2026-11-23T09:00:00Z"}))["after"] is None
        assert [each["id"] async for each in asked.deliveries(None, [])] == [1]
        assert [each["id"] async for each in asked.deliveries("crm", ["pending"])] == [1]
        assert (await asked.delivery(1))["id"] == (await asked.resend(1))["id"] == 1
        await asked.remove("crm")
        assert await asked.endpoints() == [await asked.endpoint("ops")]


@pytest.mark.parametrize("endpoint_id", ["a/b", "a?b", "ä", "..", "%2e"])
async def test_an_id_that_there_cannot_be_asks_for_nothing_else(there: Interface, endpoint_id: str) -> None:
    there.subscribing.keep(Endpoint(id="a", url="https://example.com/"))
    async with reach(Place(url=there.url)) as daemon:
        with pytest.raises(Exception, match="There is no"):
            await Subscriptions(daemon).remove(endpoint_id)
    assert list(there.subscribing.views) == ["a"]


@pytest.mark.parametrize(
    ("errors", "wanted"),
    [
        ([], ["No."]),
        ([{"parameter": "state", "message": "Wrong"}], ["No."]),
        ([{"pointer": "", "message": "Wrong"}], ["Wrong"]),
        ([{"pointer": "/url", "message": "Wrong"}], ["URL: Wrong"]),
        ([{"pointer": "/types/1", "message": "Wrong"}], ["--type: Wrong"]),
        ([{"pointer": "/labels/a~1b", "message": "Wrong"}], ["--label a/b: Wrong"]),
        ([{"pointer": "/headers/X-Team", "message": "Wrong"}], ["--header X-Team: Wrong"]),
        ([{"pointer": "/authorization/bearer", "message": "Wrong"}], ["--bearer-file: Wrong"]),
        ([{"pointer": "/authorization/basic/username", "message": "Wrong"}], ["--basic-file: Wrong"]),
        (
            [{"pointer": "/secret", "message": "A"}, {"pointer": "/rate", "message": "B"}],
            ["--secret-file: A", "--rate: B"],
        ),
        ([{"pointer": "/verification", "message": "Wrong"}], ["--verify: Wrong"]),
        ([{"pointer": "/dry_run", "message": "Wrong"}], ["--dry-run: Wrong"]),
    ],
)
def test_a_fault_is_told_by_the_option_that_it_is_about(errors: list[Any], wanted: list[str]) -> None:
    from watcher.cli.subscriptions import OPTIONS

    assert faults(Refusal("No.", {"errors": errors}), {**OPTIONS, "url": "URL"}) == wanted


async def test_what_is_no_watcher_is_told(there: Interface) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=json.dumps({"id": "crm"}).encode(), content_type="application/json")

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        with pytest.raises(NoDaemon, match="something else answers"):
            await Subscriptions(daemon).endpoint("crm")
