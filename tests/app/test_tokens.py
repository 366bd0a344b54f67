"""Tokens made and removed in the database itself."""

from pathlib import Path

import pytest

from tests.app.house import daemon, settings_for
from tests.fakes import NOON, Ear, FakeClock
from watcher.app.tokens import NotDone, Wanted, is_in_use, kept_tokens, make_token, remove_token
from watcher.core.tokens import TOKENS_MOST, Token, digest_of
from watcher.settings import load
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.store.sqlite import open_store

ADMIN = Wanted(name="me", scopes=frozenset({"admin"}), accounts=None, lasts=None)


async def test_a_token_that_is_made_is_the_daemons_from_its_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "watcher.db"
    settings = load(
        None, {"CALLFIRE_LOGIN": "a", "CALLFIRE_PASSWORD": "b", "WATCHER_DATABASE_URL": f"sqlite:///{path}"}
    )
    assert (await is_in_use(settings), await kept_tokens(settings), await remove_token(settings, "tok_1")) == (
        False,
        [],
        False,
    )
    made = await make_token(settings, ADMIN)
    async with open_store(path, tell=Ear(), clock=FakeClock()) as store:
        assert await is_in_use(settings)
        (token,) = await store.tokens()
        assert (token.id, token.digest) == (made["id"], digest_of(made["token"]))
        for number in range(TOKENS_MOST - 1):
            await store.make_token(
                Token(id=str(number), name="x", digest=digest_of(str(number)), scopes=token.scopes, created=NOON)
            )
    with pytest.raises(NotDone, match="the most there may be"):
        await make_token(settings, ADMIN)
    assert await remove_token(settings, made["id"]) is True
    assert len(await kept_tokens(settings)) == TOKENS_MOST - 1


async def test_a_token_and_a_session_outlive_a_restart_and_when_they_were_used_is_known(tmp_path: Path) -> None:
    async with serve(SimulatorConfig(latency=0.0)) as callfire:
        settings = settings_for(tmp_path, callfire.api)
        async with daemon(settings) as first:
            made = await first.ask("POST", "/v1/tokens", {"name": "me", "scopes": ["admin"]})
            bearer = {"Authorization": f"Bearer {made['token']}"}
            async with first.session.post(f"{first.url}/v1/session", headers=bearer) as signed:
                cookie = {"Cookie": signed.headers["Set-Cookie"].partition(";")[0]}
        (kept,) = await kept_tokens(settings)
        assert (kept["id"], kept["used"] is None) == (made["id"], False)
        async with daemon(settings) as second:
            found = []
            for headers in ({}, bearer, cookie):
                async with second.session.get(f"{second.url}/v1/watches", headers=headers) as answer:
                    found.append(answer.status)
            assert found == [401, 200, 200]
        assert await remove_token(settings, made["id"]) is True
        async with daemon(settings) as third:
            async with third.session.get(f"{third.url}/v1/watches") as answer:
                assert answer.status == 200
            assert (await third.get("/v1/session"))[1]["holder"] == "loopback"
