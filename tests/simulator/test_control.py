"""The truth that the control address tells, and the batches that it adds."""

from typing import Any

import pytest

from tests.simulator.house import START, House, open_house
from watcher.simulator.world import Workload

MS = START * 1000


async def truth(house: House, since: int = 0) -> list[dict[str, Any]]:
    """Every batch after that one."""
    batches = (await house.control("GET", f"/truth?since={since}")).json["batches"]
    assert isinstance(batches, list)
    return batches


# The truth.


async def test_the_truth_is_the_whole_life_of_every_batch(house: House) -> None:
    [number], broadcast = await house.more(kind="texts", new_for=1.5, validating_for=2.25, size=42, end="ERRORS")
    house.clock.turn(1.5)
    assert (await house.control("GET", "/truth")).json == {
        "now": MS + 1500,
        "batches": [
            {
                "id": number,
                "account": "default",
                "broadcast_id": broadcast,
                "kind": "texts",
                "name": f"API {number}",
                "size": 42,
                "end": "ERRORS",
                "changes": [
                    {"status": "NEW", "at": MS, "happened": True},
                    {"status": "VALIDATING", "at": MS + 1500, "happened": True},
                    {"status": "ERRORS", "at": MS + 3750, "happened": False},
                ],
            }
        ],
    }


async def test_the_truth_can_be_told_from_a_batch_on(house: House) -> None:
    ids, _ = await house.more(count=3)
    assert [batch["id"] for batch in await truth(house, since=ids[0])] == ids[1:]
    assert await truth(house, since=2**63 - 1) == []


async def test_what_is_true_is_what_is_shown() -> None:
    async with open_house(workload=Workload(at_start=12, arrivals=0.5, batches=8, texts_share=0.5)) as house:
        for _ in range(3):
            house.clock.turn(20.0)
            for batch in await truth(house):
                happened = [change["status"] for change in batch["changes"] if change["happened"]]
                path = f"/campaigns/batches/{batch['id']}?fields=id,name,status,size,broadcastId"
                assert (await house.ask("GET", path, account=batch["account"])).json == {
                    "id": batch["id"],
                    "name": batch["name"],
                    "status": happened[-1],
                    "size": batch["size"],
                    "broadcastId": batch["broadcast_id"],
                }


async def test_the_state_counts_what_there_is() -> None:
    async with open_house(workload=Workload(at_start=1, arrivals=100.0, batches=3, lists_share=0.0)) as house:
        assert (await house.control("GET", "/state")).json["batches"] == 1
        house.clock.turn(1e6)
        await house.more(validating_for=5.0)
        await house.more(new_for=5.0, validating_for=5.0, end="PONDERING")
        await house.status(1)
        state = (await house.control("GET", "/state")).json
        ended = state["by_status"].get("ACTIVE", 0) + state["by_status"].get("ERRORS", 0)
        assert state == {
            "batches": 6,
            "broadcasts": state["broadcasts"],
            "by_status": {**state["by_status"], "VALIDATING": 1, "NEW": 1},
            "requests": 1,
        }
        assert ended == 4
        assert len({batch["broadcast_id"] for batch in await truth(house)}) == state["broadcasts"]


# More batches.


async def test_nothing_said_makes_one_batch_as_the_workload_has_them(house: House) -> None:
    hows: list[dict[str, Any]] = [{}, {"data": b""}, {"json": {}}, {"json": {"count": 1}}]
    for how in hows:
        answer = await house.control("POST", "/batches", **how)
        assert answer.status == 200
        [batch] = await truth(house, since=answer.json["ids"][0] - 1)
        assert (batch["account"], batch["broadcast_id"]) == ("default", answer.json["broadcast_id"])
    assert len(await truth(house)) == 4


async def test_as_many_come_as_asked_for_to_the_account_asked_for(house: House) -> None:
    ids, broadcast = await house.more(count=25, account="other")
    batches = await truth(house)
    assert [batch["id"] for batch in batches] == ids
    assert {batch["account"] for batch in batches} == {"other"}
    assert batches[-1]["broadcast_id"] == broadcast != batches[0]["broadcast_id"]


async def test_a_life_can_be_given(house: House) -> None:
    await house.more(validating_for=2.0)
    await house.more(new_for=1.0, validating_for=2.0, size=0, end="PONDERING", skips=True, kind="texts")
    first, second = await truth(house)
    assert (first["kind"], first["size"], first["end"]) == ("calls", 1000, "ACTIVE")
    assert [(change["status"], change["at"] - MS) for change in first["changes"]] == [
        ("NEW", 0),
        ("VALIDATING", 0),
        ("ACTIVE", 2000),
    ]
    assert (second["kind"], second["size"], second["end"]) == ("texts", 0, "PONDERING")
    assert [(change["status"], change["at"] - MS) for change in second["changes"]] == [("NEW", 0), ("PONDERING", 3000)]


async def test_a_name_can_be_given(house: House) -> None:
    await house.more(count=2, name="Autumn appeal")
    await house.more(name="Winter appeal", validating_for=1.0)
    assert [batch["name"] for batch in await truth(house)] == ["Autumn appeal", "Autumn appeal", "Winter appeal"]


async def test_what_is_given_of_a_life_holds_and_the_rest_is_drawn(house: House) -> None:
    await house.more(count=20, new_for=3.0, size=70, end="SOURCE_ERROR", kind="calls")
    await house.more(count=20, skips=True)
    batches = await truth(house)
    for batch in batches[:20]:
        assert (batch["kind"], batch["size"], batch["end"]) == ("calls", 70, "SOURCE_ERROR")
        assert batch["changes"][1]["at"] == pytest.approx(MS + 3000, abs=0.01)
        assert batch["changes"][2]["at"] > batch["changes"][1]["at"]
    assert len({batch["changes"][2]["at"] for batch in batches[:20]}) == 20
    for batch in batches[20:]:
        assert [change["status"] for change in batch["changes"]] == ["NEW", batch["end"]]
    assert len({batch["size"] for batch in batches[20:]}) > 10


async def test_what_comes_by_itself_comes_before_what_is_asked_for() -> None:
    async with open_house(workload=Workload(arrivals=100.0, batches=3)) as house:
        house.clock.turn(10.0)
        ids, _ = await house.more(count=2)
        assert [batch["id"] for batch in await truth(house)][3:] == ids


async def test_a_batch_can_be_ended_at_once(house: House) -> None:
    [number], _ = await house.more(new_for=1.0, validating_for=3600.0, end="ERRORS")
    house.clock.turn(5.0)
    ended = (await house.control("POST", f"/batches/{number}/end")).json
    assert ended["changes"] == [
        {"status": "NEW", "at": MS, "happened": True},
        {"status": "VALIDATING", "at": MS + 1000, "happened": True},
        {"status": "ERRORS", "at": MS + 5000, "happened": True},
    ]
    house.clock.turn(5.0)
    assert (await house.control("POST", f"/batches/{number}/end")).json == ended
    shown = (await house.ask("GET", f"/campaigns/batches/{number}?fields=status")).json
    assert shown == {"status": "ERRORS"}


async def test_one_that_did_not_begin_is_through_at_once(house: House) -> None:
    [number], _ = await house.more(new_for=10.0, validating_for=3600.0)
    house.clock.turn(5.0)
    ended = (await house.control("POST", f"/batches/{number}/end")).json
    assert [change["at"] for change in ended["changes"]] == [MS, MS + 5000, MS + 5000]


async def test_no_other_batch_can_be_ended(house: House) -> None:
    assert (await house.control("POST", "/batches/1/end")).status == 404
    assert (await house.control("POST", "/batches/one/end")).status == 400


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("{", "Invalid JSON"),
        ("null", "object"),
        ('{"count": 0}', "count: "),
        ('{"count": 100001}', "count: "),
        ('{"count": "many"}', "count: "),
        ('{"account": "nobody"}', "no account nobody"),
        ('{"account": ""}', "no account "),
        ('{"kind": "faxes"}', "kind: "),
        ('{"size": -1}', "size: "),
        ('{"size": 2147483648}', "size: "),
        ('{"new_for": -1}', "new_for: "),
        ('{"new_for": 1e306}', "new_for: "),
        ('{"validating_for": -0.1}', "validating_for: "),
        ('{"validating_for": Infinity}', "validating_for: "),
        ('{"end": ""}', "end: "),
        ('{"skips": "perhaps"}', "skips: "),
        ('{"colour": "red"}', "colour: Extra inputs are not permitted"),
    ],
)
async def test_batches_that_cannot_be_are_refused_with_what_is_wrong(house: House, body: str, word: str) -> None:
    answer = await house.control("POST", "/batches", data=body)
    assert (answer.status, set(answer.json)) == (400, {"error"})
    assert word in answer.json["error"]
    assert await truth(house) == []


async def test_the_control_address_has_no_other_paths(house: House) -> None:
    assert (await house.control("GET", "/nowhere")).status == 404
    assert (await house.control("GET", "/faults")).status == 405
    assert await house.outcomes() == []
