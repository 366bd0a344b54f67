"""Who may ask, and from where."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from tests.web.house import House, open_house
from watcher.web.auth import Guard
from watcher.web.problems import Problem

TOKEN = "correct-horse"
WATCHES = "/v1/watches"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class Wire:
    """The two ends of a connection."""

    def __init__(self, peer: Any, here: Any = ("10.0.0.1", 8080)) -> None:
        self.ends = {"peername": peer, "sockname": here}

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self.ends.get(name, default)


def request(peer: Any, host: str | None = "127.0.0.1:8080", path: str = WATCHES, **headers: str) -> web.Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_mocked_request(
        "GET", path, headers=named if host is None else {"Host": host} | named, transport=Wire(peer)
    )


def verdict(asked: web.Request, token: str | None = None) -> str:
    try:
        Guard(token).check(asked)
    except Problem as problem:
        return problem.kind
    return "ok"


async def test_without_a_token_this_machine_may_ask_by_its_local_names(house: House) -> None:
    port = house.url.rpartition(":")[2]
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"LocalHost:{port}", f"[::1]:{port}", f"127.0.0.2:{port}"):
        assert (await house.ask("GET", WATCHES, headers={"Host": host})).status == 200, host


@pytest.mark.parametrize(
    "host",
    ["evil.example:{port}", "localhost", "localhost:1", "localhost.evil.example:{port}", "127.0.0.1.evil.example:{port}",
     "[::1]", "10.0.0.1:{port}", "localhost:{port}x", "", ":{port}", "localhost:99999999999", "169.254.169.254:{port}"],
)  # fmt: skip
async def test_without_a_token_a_request_for_another_host_is_refused(house: House, host: str) -> None:
    port = house.url.rpartition(":")[2]
    answer = await house.ask("GET", WATCHES, headers={"Host": host.format(port=port)})
    assert (answer.status, answer.json["type"]) == (403, "/problems/wrong-host")
    assert f"at port {port}" in answer.json["detail"]
    assert "WATCHER_API_TOKEN" in answer.json["detail"]


def test_without_a_token_no_other_machine_may_ask() -> None:
    assert verdict(request(("127.0.0.1", 5))) == "ok"
    assert verdict(request(("::1", 5, 0, 0))) == "ok"
    assert verdict(request(("::ffff:127.0.0.1", 5, 0, 0))) == "ok"
    for peer in (
        ("10.0.0.7", 5),
        ("192.168.1.1", 5),
        ("::ffff:10.0.0.7", 5, 0, 0),
        ("fe80::1%eth0", 5, 0, 2),
        "",
        None,
    ):
        assert verdict(request(peer)) == "local-only"
    assert verdict(request(("10.0.0.7", 5), X_Forwarded_For="127.0.0.1", Forwarded="for=127.0.0.1")) == "local-only"


def test_the_port_may_be_left_out_of_the_host_where_it_is_80() -> None:
    for host in ("localhost", "[::1]", "127.0.0.1"):
        asked = make_mocked_request(
            "GET", WATCHES, headers={"Host": host}, transport=Wire(("127.0.0.1", 5), ("127.0.0.1", 80))
        )
        assert verdict(asked) == "ok"


def test_a_request_without_a_host_or_a_known_end_is_refused() -> None:
    assert verdict(request(("127.0.0.1", 5), host=None)) == "wrong-host"
    nowhere = make_mocked_request(
        "GET", WATCHES, headers={"Host": "localhost:8080"}, transport=Wire(("127.0.0.1", 5), "")
    )
    assert verdict(nowhere) == "wrong-host"


async def test_with_a_token_whoever_bears_it_may_ask_by_any_name() -> None:
    async with open_house(token=TOKEN) as house:
        for headers in (
            bearer(TOKEN),
            {"Authorization": f"bearer {TOKEN}"},
            bearer(TOKEN) | {"Host": "watcher.example"},
        ):
            assert (await house.ask("GET", WATCHES, headers=headers)).status == 200
    assert verdict(request(("10.0.0.7", 5), host="watcher.example", **bearer(TOKEN)), TOKEN) == "ok"


async def test_without_the_token_the_answer_is_401_on_every_path_but_the_probes() -> None:
    async with open_house(token=TOKEN) as house:
        for path in (WATCHES, "/v1/events", "/v1/accounts", "/v1/accounts/default/batches/1", "/nowhere"):
            answer = await house.ask("GET", path)
            assert (answer.status, answer.json["type"]) == (401, "/problems/token-wanted")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="watcher"'
        for path in ("/livez", "/readyz"):
            assert (await house.ask("GET", path)).status == 200
        assert house.following.asked == []


@pytest.mark.parametrize(
    "authorization", [TOKEN, "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer wrong", f"Bearer {TOKEN} x", "ä"]
)  # fmt: skip
async def test_a_wrong_token_is_refused(authorization: str) -> None:
    async with open_house(token=TOKEN) as house:
        for path in (WATCHES, "/metrics"):
            answer = await house.ask("GET", path, headers={"Authorization": authorization})
            assert (answer.status, answer.json["type"]) == (401, "/problems/token-wrong")
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="watcher", error="invalid_token"'
            assert TOKEN not in answer.body.decode()


def test_two_tokens_are_one_too_many() -> None:
    headers = CIMultiDict([("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")])
    asked = make_mocked_request("GET", WATCHES, headers=headers, transport=Wire(("10.0.0.7", 5)))
    assert verdict(asked, TOKEN) == "token-wrong"


def test_probes_may_be_asked_from_anywhere_and_metrics_from_here() -> None:
    for path in ("/livez", "/readyz"):
        assert verdict(request(("10.0.0.7", 5), "pod:8080", path)) == "ok"
        assert verdict(request(("10.0.0.7", 5), "pod:8080", path), TOKEN) == "ok"
    assert verdict(request(("127.0.0.1", 5), path="/metrics"), TOKEN) == "ok"
    assert verdict(request(("127.0.0.1", 5), "evil.example:8080", path="/metrics"), TOKEN) == "token-wanted"
    assert verdict(request(("10.0.0.7", 5), path="/metrics"), TOKEN) == "token-wanted"
    assert verdict(request(("10.0.0.7", 5), path="/metrics")) == "local-only"
    assert verdict(request(("10.0.0.7", 5), path="/metrics", **bearer(TOKEN)), TOKEN) == "ok"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("token", [None, TOKEN])
async def test_a_page_of_another_site_may_not_write(headers: dict[str, str], token: str | None) -> None:
    async with open_house(token=token) as house:
        headers = headers | bearer(TOKEN)
        for method, path in (
            ("PUT", "/v1/accounts/default/batches/1"),
            ("DELETE", "/v1/accounts/default/batches/1"),
            ("POST", WATCHES),
        ):
            answer = await house.ask(method, path, headers=headers)
            assert (answer.status, answer.json["type"]) == (403, "/problems/wrong-origin")
        assert (await house.ask("GET", WATCHES, headers=headers)).status == 200


async def test_our_own_page_may_write(house: House) -> None:
    for headers in ({"Origin": house.url}, {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        answer = await house.ask("PUT", "/v1/accounts/default/batches/1", headers=headers)
        assert answer.status in (200, 201)


@given(st.text(alphabet=st.characters(codec="latin-1", exclude_characters="\r\n\0")))
def test_no_host_and_no_authorization_whatsoever_get_in(text: str) -> None:
    host = verdict(request(("127.0.0.1", 5), host=text))
    assert host == "wrong-host" or text.lower().rpartition(":")[0] in ("localhost", "[::1]") or text.startswith("127.")
    assert verdict(request(("127.0.0.1", 5), Authorization=f"Bearer {text}"), "another token") == "token-wrong"
