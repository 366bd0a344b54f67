"""What the settings say of how webhooks are sent acts: nothing of it is accepted and then left aside."""

import asyncio
import base64
import socket
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from tests.app.house import PATIENCE, daemon, settings_for
from watcher.app.assembly import endpoints_of
from watcher.core.endpoint import Delivery, Endpoint, Secrets
from watcher.core.keys import parse_key
from watcher.ports import Store
from watcher.webhooks.sender import CONNECT

NOBODY = "http://127.0.0.1:9"
URL = "https://hook.example.org/"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
PAIR = "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg=="


def test_an_endpoint_of_the_settings_is_all_that_they_say_of_it(tmp_path: Path) -> None:
    more = {
        "PRIVATE_KEY": PAIR,
        "OLD_SECRETS": OLD_SECRET,
        "TYPES": "batch.*,account.refused",
        "ACCOUNTS": "default",
        "BROADCASTS": "8,9",
        "LABELS": "team=north",
        "CONCURRENCY": "1",
        "RATE": "0.5",
        "ORDERING": "batch",
        "FORM": "cloudevents",
        "HEADERS": "X-Team: north",
    }
    environ = {
        "WATCHER_WEBHOOK_URL": URL,
        "WATCHER_WEBHOOK_SECRET": SECRET,
        "WATCHER_WEBHOOKS__TIMEOUT": "4s",
        **{f"WATCHER_ENDPOINTS__DEFAULT__{name}": value for name, value in more.items()},
    }
    bearer = {"WATCHER_ENDPOINTS__DEFAULT__BEARER": "token", "WATCHER_ENDPOINTS__DEFAULT__TIMEOUT": "5s"}
    basic = {"WATCHER_ENDPOINTS__DEFAULT__USERNAME": "user", "WATCHER_ENDPOINTS__DEFAULT__PASSWORD": "word"}
    first, second = (
        endpoints_of(settings_for(tmp_path, NOBODY, **environ, **login))["default"] for login in (bearer, basic)
    )
    secrets = Secrets(
        keys=tuple(map(parse_key, (SECRET, PAIR, OLD_SECRET))),
        headers={"X-Team": "north"},
        authorization="Bearer token",
    )
    assert first == Endpoint(
        id="default",
        url=URL,
        kept_by="settings",
        types=("batch.*", "account.refused"),
        accounts=("default",),
        broadcasts=(8, 9),
        labels={"team": "north"},
        timeout=timedelta(seconds=5),
        concurrency=1,
        rate=0.5,
        ordering="batch",
        form="cloudevents",
        secrets=secrets,
    )
    basic_secrets = replace(secrets, authorization=f"Basic {base64.b64encode(b'user:word').decode()}")
    assert second == replace(first, timeout=timedelta(seconds=4), secrets=basic_secrets)


@pytest.mark.parametrize(("per_endpoint", "in_all"), [(3, 7), (7, 3)])
async def test_no_more_are_in_flight_than_the_settings_say(tmp_path: Path, per_endpoint: int, in_all: int) -> None:
    claimed: asyncio.Future[dict[str, int]] = asyncio.get_running_loop().create_future()

    class Asked:
        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def claim(self, room: dict[str, int], **more: Any) -> list[Delivery]:
            if not claimed.done():
                claimed.set_result(dict(room))
            return await self._real.claim(room, **more)

    settings = settings_for(
        tmp_path,
        NOBODY,
        WATCHER_WEBHOOK_URL=URL,
        WATCHER_WEBHOOK_SECRET=SECRET,
        WATCHER_WEBHOOKS__PER_ENDPOINT=str(per_endpoint),
        WATCHER_WEBHOOKS__MAX_IN_FLIGHT=str(in_all),
    )
    async with daemon(settings, lambda parts: replace(parts, store=cast(Store, Asked(parts.store)))):
        assert await asyncio.wait_for(claimed, PATIENCE) == {"default": 3}


async def test_one_that_is_made_has_the_time_out_of_the_settings(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOBODY, WATCHER_WEBHOOKS__TIMEOUT="4s")
    async with daemon(settings) as running:
        made = await running.ask("POST", "/v1/endpoints", {"id": "hook", "url": URL})
    assert made["timeout"] == 4.0


async def test_no_connection_is_waited_for_longer_than_the_settings_say(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOBODY, WATCHER_WEBHOOKS__CONNECT_TIMEOUT="50ms")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with daemon(settings) as running:
            url = f"https://127.0.0.1:{mute.getsockname()[1]}/"
            await running.ask("POST", "/v1/endpoints", {"id": "hook", "url": url})
            attempt = await running.ask("POST", "/v1/endpoints/hook/test", {})
    assert attempt["error"] == "connect"
    assert attempt["took"] < CONNECT.total_seconds()  # which is what is usual
