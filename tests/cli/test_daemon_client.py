"""Asking a daemon: where it is, and what its odd answers mean."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from tests.cli.conftest import Watcher
from watcher.cli.daemon import DaemonError, NoDaemon, NotFollowed, Place, Refusal, Row, place_of, reach
from watcher.settings import BadSettings


def test_the_daemon_is_where_the_settings_put_it() -> None:
    assert place_of(None, {}) == Place(url="http://127.0.0.1:8080")
    assert place_of(None, {"WATCHER_LISTEN": "[::1]:81"}) == Place(url="http://[::1]:81")
    token = {"WATCHER_API_TOKEN": "t" * 20}
    assert place_of(None, {"WATCHER_LISTEN": "0.0.0.0:81", **token}) == Place(url="http://127.0.0.1:81", token="t" * 20)
    assert place_of(None, {"WATCHER_LISTEN": "[::]:81", **token}) == Place(url="http://[::1]:81", token="t" * 20)


def test_the_daemon_is_where_watcher_url_says() -> None:
    environ = {"WATCHER_URL": "https://watcher.example.org/", "WATCHER_API_TOKEN": "t" * 20}
    assert place_of(None, environ) == Place(url="https://watcher.example.org", token="t" * 20, named=True)


def test_the_settings_files_token_is_not_sent_to_another_address() -> None:
    file = Path("w.toml")
    file.write_text(f"[http]\ntoken = '{'t' * 20}'\n")
    assert place_of(file, {}).token == "t" * 20
    assert place_of(file, {"WATCHER_URL": "http://other:1"}).token is None


@pytest.mark.parametrize("url", ["watcher:8080", "ftp://a", "http://", "http://u:hunter2@a", "http://a:0", "http://[a"])
def test_a_bad_watcher_url_is_refused_without_echo(url: str) -> None:
    with pytest.raises(DaemonError, match="WATCHER_URL: is not a URL") as caught:
        place_of(None, {"WATCHER_URL": url})
    assert "hunter2" not in str(caught.value)


def test_a_port_that_nobody_knows_is_asked_for() -> None:
    with pytest.raises(DaemonError, match="set WATCHER_URL"):
        place_of(None, {"WATCHER_LISTEN": "127.0.0.1:0"})


def test_a_bad_token_is_told() -> None:
    with pytest.raises(BadSettings):
        place_of(None, {"WATCHER_URL": "http://a", "WATCHER_API_TOKEN_FILE": "nowhere"})


async def test_where_nobody_answers_it_is_said_how_to_start_one() -> None:
    port = unused_port()
    async with reach(Place(url=f"http://127.0.0.1:{port}")) as daemon:
        with pytest.raises(
            NoDaemon, match=f"no daemon answers at http://127.0.0.1:{port} .*: start it with `watcher run`"
        ):
            await daemon.accounts()


def answering(
    status: int, body: bytes, content_type: str = "application/json", *, server: str = "watcher"
) -> TestServer:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type=content_type, headers={"Server": server})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return TestServer(app)


@pytest.mark.parametrize(
    ("status", "body", "content_type", "error", "said"),
    [
        (200, b"<html>", "text/html", NoDaemon, "something else answers at http://127.0.0.1:[0-9]+: set WATCHER_URL"),
        (200, b"{", "application/json", NoDaemon, "something else answers at http://127.0.0.1:[0-9]+: set WATCHER_URL"),
        (
            200,
            b"[]",
            "application/json",
            NoDaemon,
            "something else answers at http://127.0.0.1:[0-9]+: set WATCHER_URL",
        ),
        (302, b"", "text/html", NoDaemon, "something else answers at http://127.0.0.1:[0-9]+: set WATCHER_URL"),
        (401, b'{"detail": "x"}', "application/problem+json", DaemonError, r"set WATCHER_API_TOKEN \(x\)"),
        (
            401,
            b'{"type": "/problems/token-wrong", "detail": "x"}',
            "application/problem+json",
            DaemonError,
            "^the daemon does not accept the token: set WATCHER_API_TOKEN to the one that the daemon was started with$",
        ),
        (
            404,
            b'{"type": "/problems/not-followed", "detail": "x"}',
            "application/json",
            NotFollowed,
            "^batch 13 of account default is not followed: `watcher add 13` follows it$",
        ),
        (503, b'{"title": "x"}', "application/json", Refusal, "^x$"),
        (500, b"{}", "application/json", Refusal, "^HTTP 500$"),
    ],
)
async def test_an_odd_answer_is_an_error_with_a_remedy(
    status: int, body: bytes, content_type: str, error: type[DaemonError], said: str
) -> None:
    async with (
        answering(status, body, content_type) as server,
        reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon,
    ):
        with pytest.raises(error, match=said) as caught:
            await daemon.watch("default", 13)
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"status": "ok"}'), (404, b'{"detail": "Not Found"}'), (401, b'{"type": "about:blank"}')],
)
async def test_what_answers_json_is_not_yet_a_watcher(status: int, body: bytes) -> None:
    async with (
        answering(status, body, server="uvicorn") as server,
        reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon,
    ):
        with pytest.raises(NoDaemon, match="something else answers at"):
            await daemon.accounts()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"items": [{"name": "a"}]}'), (404, b'{"type": "/problems/unknown-path", "detail": "x"}')],
)
async def test_a_watcher_is_known_behind_a_proxy_that_puts_its_own_name(status: int, body: bytes) -> None:
    async with (
        answering(status, body, server="nginx") as server,
        reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon,
    ):
        if status == 200:
            assert await daemon.accounts() == [{"name": "a"}]
        else:
            with pytest.raises(DaemonError, match=r"^x$"):
                await daemon.accounts()


@pytest.mark.parametrize("body", [{"batch_id": 13, "looks": 0}, {"batch_id": 13, "why": "new"}, {"broadcast_id": 9}])
async def test_behind_such_a_proxy_whatever_a_watcher_shows_of_a_batch_or_broadcast_is_known(
    body: Mapping[str, object],
) -> None:
    async with (
        answering(200, json.dumps(body).encode(), server="nginx") as server,
        reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon,
    ):
        assert await daemon.watch("default", 13) == body
        assert await daemon.explanation("default", 13) == body
        assert await daemon.broadcast("default", 9) == body


async def test_a_connection_that_breaks_is_no_daemon() -> None:
    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    app = web.Application()
    app.router.add_get("/v1/accounts", cut)
    async with TestServer(app) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        with pytest.raises(NoDaemon, match="Server disconnected"):
            await daemon.accounts()


async def test_rows_are_sent_in_portions_that_the_daemon_takes() -> None:
    portions: list[int] = []

    async def follow(request: web.Request) -> web.Response:
        rows = [json.loads(line) for line in (await request.read()).splitlines()]
        portions.append(len(rows))
        items = [
            {"row": n, "result": "created", "account": "a", "batch_id": row["batch_id"]} for n, row in enumerate(rows)
        ]
        return web.json_response({"items": items})

    app = web.Application(client_max_size=4 * 2**20)
    app.router.add_post("/v1/watches", follow)
    many = [Row(where=str(n), body={"batch_id": n}) for n in range(1, 10_002)]
    large = [Row(where=str(n), body={"batch_id": n, "labels": {"x": "y" * 1_700_000}}) for n in range(1, 4)]
    async with TestServer(app) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        outcomes = [outcome async for some in daemon.follow([*many, *large]) for outcome in some]
    assert portions == [10_000, 3, 1]
    assert [outcome.batch_id for outcome in outcomes] == [row.body["batch_id"] for row in [*many, *large]]


@pytest.mark.parametrize(
    ("names", "asked", "said"),
    [
        (["a", "b"], None, r"there are several accounts: name one with --account \(a, b\)"),
        (["a", "b"], "c", "there is no account c: --account takes one of a, b"),
    ],
)
async def test_which_account_is_meant_must_be_clear(names: list[str], asked: str | None, said: str) -> None:
    body = json.dumps({"items": [{"name": name} for name in names]}).encode()
    async with answering(200, body) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        with pytest.raises(DaemonError, match=said):
            await daemon.account(asked)
        assert await daemon.account("a") == "a"


@pytest.mark.parametrize(("names", "command"), [(["a"], "add 13"), (["a", "b"], "add 13 --account a")])
async def test_what_is_not_followed_is_told_with_the_command_that_follows_it(names: list[str], command: str) -> None:
    """As it is to be given: with the account where there are several."""

    async def answer(request: web.Request) -> web.Response:
        if request.path == "/v1/accounts":
            return web.json_response({"items": [{"name": name} for name in names]})
        if request.path.endswith("/explanation"):
            return web.json_response({"type": "/problems/not-open", "detail": "", "state": "settled"}, status=409)
        return web.json_response({"type": "/problems/not-followed", "detail": ""}, status=404)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    async with TestServer(app) as server, reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
        name = await daemon.account("a")
        with pytest.raises(NotFollowed, match=f"`watcher {command}` follows it$"):
            await daemon.watch(name, 13)
        with pytest.raises(NotFollowed, match=f"`watcher {command}` follows it again$"):
            await daemon.explanation(name, 13)


async def test_the_token_is_sent_as_a_bearer_token() -> None:
    async def show(request: web.Request) -> web.Response:
        return web.json_response({"items": [{"name": request.headers.get("Authorization")}]})

    app = web.Application()
    app.router.add_get("/v1/accounts", show)
    async with TestServer(app) as server:
        async with reach(Place(url=str(server.make_url("")).rstrip("/"), token="x")) as daemon:
            assert await daemon.account(None) == "Bearer x"
        async with reach(Place(url=str(server.make_url("")).rstrip("/"))) as daemon:
            assert [account["name"] for account in await daemon.accounts()] == [None]


def test_commands_say_that_no_daemon_answers(watcher: Watcher) -> None:
    port = unused_port()
    for arguments in (("ls",), ("add", "13"), ("show", "13"), ("explain", "13"), ("rm", "13"), ("events",)):
        result = watcher(*arguments, WATCHER_LISTEN=f"127.0.0.1:{port}")
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith(f"no daemon answers at http://127.0.0.1:{port} (")
        assert result.stderr.endswith("): start it with `watcher run`, or set WATCHER_URL\n")
