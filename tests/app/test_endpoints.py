"""Endpoints of both kinds in the whole daemon, over real HTTP: what is made, changed, taken out and put back acts, and stays."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from standardwebhooks import Webhook

from tests.app.house import PATIENCE, Daemon, asked, daemon, settings_for
from tests.fakes import settle_down
from tests.sockets import Heard, Listening, http, listening
from watcher.app import CannotStart, run
from watcher.core.news import Attempted, Changed, EndpointChanged, EndpointTold
from watcher.ports import Cutoffs, Forgotten, Store
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

QUIET = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KEY = base64.b64encode(b"k" * 32).decode()
OTHER_KEY = base64.b64encode(b"o" * 32).decode()


async def end_one(running: Daemon, callfire: Addresses) -> int:
    """One more batch is followed, and has ended: there is one more event; its id."""
    made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"})
    await running.follow(*made["ids"])
    (batch_id,) = made["ids"]
    return int(batch_id)


def batches(receiver: Listening) -> list[int]:
    """The batches whose events came, in that order."""
    return [json.loads(heard.body)["data"]["batch_id"] for heard in receiver.heard]


def verified(heard: Heard, secret: str) -> Any:
    """The event, where the library verifies it by that secret."""
    return Webhook(secret).verify(heard.body, heard.headers)


def named(receiver: Listening, **environ: str) -> dict[str, str]:
    """An endpoint of the settings."""
    return {"WATCHER_WEBHOOK_URL": receiver.url + "/", "WATCHER_WEBHOOK_SECRET": SECRET, **environ}


def kept_in(folder: Path) -> bytes:
    """All that the database keeps, its log included."""
    return b"".join(file.read_bytes() for file in sorted(folder.iterdir()))


@asynccontextmanager
async def scene(*replies: bytes) -> AsyncIterator[tuple[Addresses, Listening]]:
    """A CallFire and a receiver."""
    async with serve(QUIET) as callfire, listening(*(replies or (http(204),))) as receiver:
        yield callfire, receiver


async def test_one_that_is_made_gets_the_next_event_and_keeps_its_secrets_over_a_rotation_and_a_restart(
    tmp_path: Path,
) -> None:
    async with scene() as (callfire, receiver):
        settings = settings_for(tmp_path, callfire.api, WATCHER_DATABASE__ENCRYPTION_KEY=KEY)
        async with daemon(settings) as first:
            made = await first.ask("POST", "/v1/endpoints", {"id": "hook", "url": receiver.url + "/"})
            (old,) = made["secrets"]
            batch_id = await end_one(first, callfire)
            await first.until(Attempted, outcome="done")
            assert verified(receiver.heard[0], old)["data"]["batch_id"] == batch_id
            _, hour = await first.get("/v1/endpoints/hook?recent=true")
            assert (sum(hour["recent"]["done"]), sum(hour["recent"]["failed"])) == (1, 0)
            _, owed = await first.get(f"/v1/deliveries?account=default&batch_id={batch_id}")
            assert [(each["endpoint"], each["state"]) for each in owed["items"]] == [("hook", "done")]
            _, looks = await first.get(f"/v1/accounts/default/batches/{batch_id}/looks")
            assert [(look["by"], look["result"]) for look in looks["items"]] == [("single", "changed")]
            assert (looks["total"], looks["since"]) == (1, None)

            (new,) = (await first.ask("POST", "/v1/endpoints/hook/rotate", {}))["secrets"]
            assert new != old
            await end_one(first, callfire)
            await first.until(Attempted, times=2, outcome="done")
        async with daemon(settings) as second:
            await end_one(second, callfire)
            await second.until(Attempted, outcome="done")
            assert "secrets" not in (await second.get("/v1/endpoints/hook"))[1]
        for heard in receiver.heard[1:]:
            assert len(heard.headers["webhook-signature"].split(" ")) == 2
            assert verified(heard, old) == verified(heard, new) == json.loads(heard.body)
        assert len(receiver.heard) == 3

        kept = kept_in(tmp_path)
        for secret in (old[6:], new[6:]):
            assert secret.encode() not in kept
            assert base64.b64decode(secret) not in kept


async def test_without_its_key_the_database_is_not_opened_and_a_new_key_beside_the_old_takes_over(
    tmp_path: Path,
) -> None:
    async with scene() as (callfire, receiver):
        async with daemon(settings_for(tmp_path, callfire.api, WATCHER_DATABASE__ENCRYPTION_KEY=KEY)) as first:
            await first.ask("POST", "/v1/endpoints", {"id": "hook", "url": receiver.url + "/", "secret": SECRET})
        for keys in ({}, {"WATCHER_DATABASE__ENCRYPTION_KEY": OTHER_KEY}):
            with pytest.raises(CannotStart, match=r"database\.encryption_key|database\.old_encryption_keys") as refusal:
                await run(settings_for(tmp_path, callfire.api, **keys), announce=lambda _: None)
            assert not any(secret in str(refusal.value) for secret in (KEY, OTHER_KEY, SECRET[6:]))
        both = {"WATCHER_DATABASE__ENCRYPTION_KEY": OTHER_KEY, "WATCHER_DATABASE__OLD_ENCRYPTION_KEYS": KEY}
        for keys in (both, {"WATCHER_DATABASE__ENCRYPTION_KEY": OTHER_KEY}):
            async with daemon(settings_for(tmp_path, callfire.api, **keys)) as running:
                await end_one(running, callfire)
                await running.until(Attempted, outcome="done")
        assert [verified(heard, SECRET)["type"] for heard in receiver.heard] == ["batch.errors"] * 2


async def test_one_that_is_taken_out_of_the_settings_is_held_for_and_gets_it_when_it_is_put_back(
    tmp_path: Path,
) -> None:
    async with scene() as (callfire, receiver):
        with_it = settings_for(tmp_path, callfire.api, **named(receiver))
        async with daemon(with_it) as first:
            one = await end_one(first, callfire)
            await first.until(Attempted, outcome="done")
        async with daemon(settings_for(tmp_path, callfire.api)) as second:
            two = await end_one(second, callfire)
            while not (await second.get("/v1/events"))[1]["items"][1:]:
                assert not second.ended.done()
            _, shown = await second.get("/v1/endpoints/default")
            assert (shown["kept_by"], shown["condition"], shown["held"]) == ("settings", "disabled", 1)
        assert batches(receiver) == [one]
        async with daemon(with_it) as third:
            await third.until(Attempted, outcome="done")
        assert batches(receiver) == [one, two]
        assert all(verified(heard, SECRET) for heard in receiver.heard)


async def test_one_of_the_settings_is_set_up_there_and_no_secret_of_it_is_in_the_database(tmp_path: Path) -> None:
    pair = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="
    former = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
    async with scene() as (callfire, receiver):
        settings = settings_for(
            tmp_path,
            callfire.api,
            **named(
                receiver,
                WATCHER_ENDPOINTS__DEFAULT__PRIVATE_KEY=pair,
                WATCHER_ENDPOINTS__DEFAULT__OLD_SECRETS=former,
                WATCHER_ENDPOINTS__DEFAULT__HEADERS="X-Tenant: the-seventh",
                WATCHER_ENDPOINTS__DEFAULT__USERNAME="anna",
                WATCHER_ENDPOINTS__DEFAULT__PASSWORD="hunter2-hunter2",
                WATCHER_ENDPOINTS__DEFAULT__FORM="cloudevents",
                WATCHER_ENDPOINTS__DEFAULT__LABELS="campaign=autumn",
            ),
        )
        async with daemon(settings) as running:
            await end_one(running, callfire)  # without the label
            made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"})
            row = {"batch_id": made["ids"][0], "labels": {"campaign": "autumn"}}
            await running.ask("POST", "/v1/watches", [row])
            await running.until(Attempted, outcome="done")
            _, shown = await running.get("/v1/endpoints/default")
            async with running.session.patch(f"{running.url}/v1/endpoints/default", json={"rate": 5}) as refused:
                assert refused.status == 409
        (heard,) = receiver.heard
        assert [part.partition(",")[0] for part in heard.headers["webhook-signature"].split(" ")] == ["v1", "v1a", "v1"]
        assert verified(heard, former) == verified(heard, SECRET)
        assert json.loads(heard.body)["data"]["batch_id"] == row["batch_id"]
        assert heard.headers["content-type"] == "application/cloudevents+json"
        assert heard.headers["x-tenant"] == "the-seventh"
        login = base64.b64encode(b"anna:hunter2-hunter2").decode()
        assert heard.headers["authorization"] == f"Basic {login}"
        assert (shown["headers"], shown["authorization"], shown["form"]) == (["X-Tenant"], "basic", "cloudevents")
        assert shown["public_keys"] == ["whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="]
    kept = kept_in(tmp_path)
    for secret in (SECRET[6:], pair[5:], former[6:], "the-seventh", "hunter2", login):
        assert secret.encode() not in kept
        assert secret not in json.dumps(shown)


async def test_an_address_that_is_not_allowed_is_not_connected_to_and_the_operator_is_told_at_once(
    tmp_path: Path,
) -> None:
    """It was allowed when the endpoint was made: what counts is the moment of connecting."""
    async with scene() as (callfire, receiver):
        async with daemon(settings_for(tmp_path, callfire.api)) as first:
            await first.ask("POST", "/v1/endpoints", {"id": "hook", "url": receiver.url + "/"})
        async with daemon(settings_for(tmp_path, callfire.api, WATCHER_WEBHOOKS__ALLOW_NETWORKS="")) as second:
            await end_one(second, callfire)
            await second.until(EndpointTold, type="endpoint.failing", deliveries=0)
            assert [news.outcome for news in second.heard if isinstance(news, Attempted)] == ["dead"]
            _, deliveries = await second.get("/v1/deliveries")
            _, delivery = await second.get(f"/v1/deliveries/{deliveries['items'][0]['id']}")
            _, log = await second.get("/v1/events?type=endpoint.*")
            async with second.session.post(f"{second.url}/v1/endpoints", json={"url": receiver.url}) as refused:
                assert (refused.status, "allow_networks" in await refused.text()) == (422, True)
        assert receiver.connections == 0
    assert (delivery["state"], [each["error"] for each in delivery["history"]]) == ("dead", ["refused"])
    assert "127.0.0.1 is a loopback address" in delivery["history"][0]["detail"]
    (told,) = log["items"]
    assert (told["type"], told["data"]["endpoint"], told["data"]["error"]) == ("endpoint.failing", "hook", "refused")


async def test_an_operator_event_is_sent_at_once_to_the_others(tmp_path: Path) -> None:
    async with scene(http(410)) as (callfire, receiver), listening(http(204)) as other:
        async with daemon(settings_for(tmp_path, callfire.api, **named(receiver))) as running:
            await running.ask("POST", "/v1/endpoints", {"url": other.url + "/", "types": ["endpoint.*"]})
            await end_one(running, callfire)
            await running.until(EndpointTold, type="endpoint.disabled", deliveries=1)
            await running.until(Attempted, outcome="done")
            assert (
                EndpointChanged(endpoint="default", state="disabled", reason="the receiver answered 410 Gone")
                in running.heard
            )
        (heard,) = other.heard
        told = json.loads(heard.body)
        assert (told["type"], told["data"]["endpoint"]) == ("endpoint.disabled", "default")


async def test_what_flies_when_the_daemon_is_asked_to_stop_is_finished_and_the_rest_goes_later(tmp_path: Path) -> None:
    going = asyncio.Event()

    async def late(writer: asyncio.StreamWriter) -> None:
        await going.wait()
        writer.write(http(204))
        await writer.drain()

    async with serve(QUIET) as callfire, listening(late, http(204)) as receiver:
        settings = settings_for(tmp_path, callfire.api, **named(receiver), WATCHER_ENDPOINTS__DEFAULT__CONCURRENCY="1")
        async with daemon(settings) as first:
            both = [await end_one(first, callfire), await end_one(first, callfire)]
            await first.until(Changed, times=2)
            while not receiver.heard:
                await first.get("/readyz")
            first.stop.set()
            await settle_down()
            going.set()
        assert len(receiver.heard) == 1
        assert [news.outcome for news in first.heard if isinstance(news, Attempted)] == ["done"]
        async with daemon(settings) as second:
            await second.until(Attempted, outcome="done", attempts=1)
        assert sorted(batches(receiver)) == sorted(both)


async def test_what_is_older_than_the_settings_say_is_forgotten(tmp_path: Path) -> None:
    asked_for: asyncio.Future[Cutoffs] = asyncio.get_running_loop().create_future()

    class Forgetful:
        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
            if not asked_for.done():
                asked_for.set_result(cutoffs)
            return Forgotten(ended=True)

    kept = {"EVENTS": "20d", "DELIVERIES": "10d", "BROADCASTS": "40d"}
    environ = {f"WATCHER_RETENTION__{name}": value for name, value in kept.items()}
    settings = settings_for(tmp_path, "http://127.0.0.1:9", **environ)
    async with daemon(settings, lambda parts: replace(parts, store=cast(Store, Forgetful(parts.store)))):
        cutoffs = await asyncio.wait_for(asked_for, PATIENCE)
    assert (cutoffs.deliveries - cutoffs.events, cutoffs.events - cutoffs.broadcasts) == (
        timedelta(days=10),
        timedelta(days=20),
    )
    assert timedelta(0) <= datetime.now(UTC) - timedelta(days=20) - cutoffs.events < timedelta(hours=1)


async def test_webhooks_go_through_the_proxy_of_the_settings(tmp_path: Path) -> None:
    async with scene() as (callfire, proxy):
        settings = settings_for(
            tmp_path,
            callfire.api,
            WATCHER_WEBHOOK_URL="http://hook.example.org:8000/callfire",
            WATCHER_WEBHOOK_SECRET=SECRET,
            WATCHER_ENDPOINTS__DEFAULT__BEARER="the-receivers-token",
            WATCHER_WEBHOOKS__PROXY=proxy.url,
        )
        async with daemon(settings) as running:
            await end_one(running, callfire)
            await running.until(Attempted, outcome="done")
        (heard,) = proxy.heard
        assert heard.line == "POST http://hook.example.org:8000/callfire HTTP/1.1"
        assert heard.headers["authorization"] == "Bearer the-receivers-token"


async def test_receivers_may_be_signed_by_an_authority_of_the_settings(tmp_path: Path) -> None:
    authority, tls = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    async with serve(QUIET) as callfire, listening(http(204), tls=tls) as receiver:
        known = {"WATCHER_WEBHOOKS__CA_FILE": str(tmp_path / "authority.pem")}
        async with daemon(settings_for(tmp_path, callfire.api, **named(receiver), **known)) as first:
            await end_one(first, callfire)
            await first.until(Attempted, outcome="done")
        async with daemon(settings_for(tmp_path, callfire.api, **named(receiver))) as second:
            await end_one(second, callfire)
            await second.until(Attempted, outcome="retried", error="tls")
    assert len(receiver.heard) == 1


async def test_a_private_key_whose_halves_do_not_belong_together_is_no_reason_to_start(tmp_path: Path) -> None:
    damaged = "whsk_" + base64.b64encode(bytes(64)).decode()
    settings = settings_for(
        tmp_path, "http://127.0.0.1:9", WATCHER_WEBHOOK_URL="https://example.org", WATCHER_WEBHOOK_SECRET=damaged
    )
    with pytest.raises(CannotStart, match=r"of endpoints\.default is damaged, its halves do not belong together"):
        await run(settings, announce=lambda _: None)
