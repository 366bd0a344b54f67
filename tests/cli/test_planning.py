"""`watcher plan`: figures for people and for programs, and a word about what cannot be planned."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.cli.conftest import Watcher
from watcher.cli import printing
from watcher.clock import SystemClock
from watcher.core.hazard import UNKNOWN, Sight
from watcher.core.learnt import LearntHazard
from watcher.planning.plans import Plan
from watcher.store.sqlite import open_store

LOGIN = {"CALLFIRE_LOGIN": "a", "CALLFIRE_PASSWORD": "b"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """One draw says as much as many, where figures do not matter."""
    monkeypatch.setattr(Plan, "draws", 1)


def teach(path: Path, ends: int) -> None:
    """A database in which the account has seen so many ends of a known size, and of an unknown one."""
    clock = SystemClock()

    async def save() -> None:
        async with open_store(path, tell=lambda _: None, clock=clock) as store:
            learnt = LearntHazard(now=clock.now().timestamp())
            for _ in range(ends):
                learnt.saw(Sight(3, 0.0, 10.0, True))
                learnt.saw(Sight(UNKNOWN, 0.0, 10.0, True))
            await store.save_learnt("default", learnt.to_record(), clock.now())

    asyncio.run(save())


def document(watcher: Watcher, *arguments: object, **environ: str) -> Any:
    result = watcher("plan", *arguments, "-o", "json", **environ)
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_plan_shows_the_daemon_beside_scripts(watcher: Watcher) -> None:
    result = watcher("plan", "--batches", 20, "--over", "1m")
    assert (result.exit_code, result.stderr) == (0, "")
    head, *lines = result.stdout.splitlines()
    assert head.split() == ["MEAN", "P50", "P95", "P99", "REQUESTS"]
    assert [line.split("  ")[0] for line in lines] == [
        *("watcher", "every 10 s", "round robin", "backoff x1.5", "listing pages")
    ]


def test_the_same_seed_gives_the_same_figures_and_another_gives_others(watcher: Watcher) -> None:
    one, same, other = (document(watcher, "--in-flight", 10, "--over", "1m", "--seed", seed) for seed in (1, 1, 2))
    assert one == same
    assert one["strategies"] != other["strategies"]


def test_a_program_gets_the_whole_plan(watcher: Watcher) -> None:
    shown = document(watcher, "--batches", 20, "--rate", 2, "--no-pages", "--per-broadcast", 5, "--size-median", 100)
    assert {name: shown[name] for name in ("batches", "in_flight", "over", "rate", "pages", "draws", "seed")} == {
        "batches": 20,
        "in_flight": None,
        "over": 0.0,
        "rate": 2.0,
        "pages": False,
        "draws": 1,
        "seed": 1,
    }
    assert [each["strategy"] for each in shown["strategies"]] == [
        "watcher",
        "every 10 s",
        "round robin",
        "backoff x1.5",
    ]
    assert {"mean", "p50", "p95", "p99", "requests", "ended"} < set(shown["strategies"][0])
    assert "curve" not in shown


def test_delays_by_rate_are_drawn_where_asked_for(watcher: Watcher) -> None:
    drawn = (
        watcher("plan", "--batches", 20, "--rate", 1, "--plot").stdout.partition("mean delay by")[2].splitlines()[1:]
    )
    assert [line.split()[0] for line in drawn[::2]] == ["0.25/s", "0.5/s", "1/s", "2/s", "4/s"]
    assert all(line.endswith(" s") and len(line) <= 100 for line in drawn)
    assert sum("█" in line for line in drawn) >= 5
    curve = document(watcher, "--batches", 20, "--rate", 1, "--plot")["curve"]
    assert [point["rate"] for point in curve] == [0.25, 0.5, 1.0, 2.0, 4.0]
    assert {"watcher", "backoff x1.5"} < set(curve[0])


def test_the_least_rate_for_a_target_is_found(watcher: Watcher) -> None:
    plan = ("--batches", 40, "--over", "1m", "--find", "rate", "--target", "p95=5s")
    shown = document(watcher, *plan)
    assert shown["target"] == {"p95": 5.0}
    assert 0.1 < shown["rate"] < 5
    assert shown["result"]["p95"] <= 5.0
    result = watcher("plan", *plan)
    assert f"at {shown['rate']:g} requests a second\n" in result.stdout
    assert "or less" in watcher("plan", "--batches", 5, "--find", "rate", "--target", "mean=24h").stdout


def test_a_target_out_of_reach_is_said_with_how_near_it_comes(watcher: Watcher) -> None:
    result = watcher("plan", "--batches", 3, "--over", "1s", "--find", "rate", "--target", "mean=1ms")
    assert result.exit_code == 1
    assert result.stdout.startswith("no rate reaches mean 0.001 s: it is mean ")
    assert "at 100 requests a second" in result.stdout
    told = watcher("plan", "--batches", 3, "--over", "1s", "--find", "rate", "--target", "mean=1ms", "-o", "json")
    assert (told.exit_code, json.loads(told.stdout)["rate"]) == (1, None)


def test_what_an_account_has_learnt_is_shown_by_size(watcher: Watcher, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'watcher.db'}"
    teach(tmp_path / "watcher.db", 40)
    result = watcher("plan", "--learnt", WATCHER_DATABASE_URL=database, **LOGIN)
    assert (result.exit_code, result.stderr) == (0, "")
    first, _, *lines = result.stdout.splitlines()
    assert first == "account default has seen 80 ends"
    assert [line.split("  ")[0] for line in lines] == ["32 to 100", "not known"]
    shown = document(watcher, "--learnt", WATCHER_DATABASE_URL=database, **LOGIN)
    assert (shown["account"], shown["ends"]) == ("default", 80)
    assert [(each["smallest"], each["largest"]) for each in shown["sizes"]] == [(32, 100), (None, None)]
    assert 0 < shown["sizes"][0]["p50"] < shown["sizes"][0]["p90"]


def test_too_few_ends_of_a_size_are_not_made_into_figures(watcher: Watcher, tmp_path: Path) -> None:
    teach(tmp_path / "watcher.db", 2)
    database = f"sqlite:///{tmp_path / 'watcher.db'}"
    assert "too few to say" in watcher("plan", "--learnt", WATCHER_DATABASE_URL=database, **LOGIN).stdout


def test_what_is_learnt_is_asked_for_alone(watcher: Watcher) -> None:
    """What has no part in it would be taken to have one."""
    for option in (("--rate", 2), ("--over", "1m"), ("--target", "p95=1s"), ("--size-median", 5), ("--plot",)):
        result = watcher("plan", "--learnt", *option, **LOGIN)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("--learnt shows what is known")


def test_a_database_that_is_not_there_is_named(watcher: Watcher, tmp_path: Path) -> None:
    """It may be another than the daemon's."""
    path = tmp_path / "mistyped.db"
    result = watcher("plan", "--learnt", WATCHER_DATABASE_URL=f"sqlite:///{path}", **LOGIN)
    assert (result.exit_code, result.stdout) == (0, "account default has seen no end yet\n")
    assert result.stderr == (
        f"there is no database {path}: if a daemon has another, name that with WATCHER_DATABASE_URL\n"
    )
    assert not path.exists()


def test_figures_that_rest_on_no_end_are_not_told(watcher: Watcher) -> None:
    """0 s would be read as a delay."""
    few = ("--in-flight", 0.001, "--over", "1s")
    for more in ((), ("-o", "json"), ("--find", "rate", "--target", "p95=1s")):
        result = watcher("plan", *few, *more)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.startswith("no batch ends in that time")


def test_a_narrow_terminal_is_shown_fewer_figures(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = Console(width=30, force_terminal=True, color_system=None)
    monkeypatch.setattr(printing, "console", lambda: narrow)
    with narrow.capture() as shown:
        watcher("plan", "--batches", 3)
    head, *lines = shown.get().splitlines()
    assert head.split() == ["MEAN", "P95"]
    assert [line.split("  ")[0] for line in lines[:2]] == ["watcher", "every 10 s"]


def test_an_account_is_planned_with_what_it_learnt_and_its_settings(watcher: Watcher, tmp_path: Path) -> None:
    teach(tmp_path / "watcher.db", 40)
    mine = {"WATCHER_DATABASE_URL": f"sqlite:///{tmp_path / 'watcher.db'}", "CALLFIRE_RATE": "3", **LOGIN}
    learnt = document(watcher, "--batches", 30, "--account", "default", **mine)
    usual = document(watcher, "--batches", 30, "--rate", 3)
    assert learnt["rate"] == 3.0
    assert learnt["strategies"][1] != usual["strategies"][1]  # another law of durations
    sized = document(watcher, "--batches", 30, "--account", "default", "--size-sigma", 0, "--rate", 4, **mine)
    assert sized["rate"] == 4.0
    assert sized["strategies"] != learnt["strategies"]


def test_an_account_that_has_learnt_nothing_is_planned_as_usual_and_that_is_said(
    watcher: Watcher, tmp_path: Path
) -> None:
    teach(tmp_path / "watcher.db", 0)
    mine = {"WATCHER_DATABASE_URL": f"sqlite:///{tmp_path / 'watcher.db'}", **LOGIN}
    assert watcher("plan", "--learnt", **mine).stdout == "account default has seen no end yet\n"
    result = watcher("plan", "--batches", 5, "--account", "default", **mine)
    assert result.exit_code == 0
    assert result.stderr == "account default has seen no end yet: it is planned with the usual durations\n"


def test_an_account_whose_database_is_unusable_ends_with_its_place(watcher: Watcher, tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    path.write_text("no database, but long enough to be taken for one" * 100)
    result = watcher("plan", "--learnt", WATCHER_DATABASE_URL=f"sqlite:///{path}", **LOGIN)
    assert result.exit_code == 2
    assert str(path) in result.stderr


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--batches or --in-flight"),
        (("--batches", 1, "--in-flight", 1), "give one of them"),
        (("--batches", 0), "--batches 0: give 1 or more"),
        (("--in-flight", 0), "--in-flight 0: give a number above 0"),
        (("--in-flight", "inf"), "--in-flight inf"),
        (("--in-flight", "nan"), "--in-flight nan"),
        (("--batches", 1, "--rate", 0), "--rate 0: give requests a second"),
        (("--batches", 1, "--rate", "nan"), "--rate nan"),
        (("--batches", 1, "--seed", -1), "--seed -1"),
        (("--batches", 1, "--over", "soon"), "--over soon: soon is not a duration"),
        (("--batches", 1, "--over", "25h"), "--over 25h"),
        (("--in-flight", 1, "--over", "0s"), "--over 0s"),
        (("--batches", 200_000), "--batches: 200000 batches are too many"),
        (("--in-flight", 100_000), "--in-flight and --over"),
        (("--batches", 1, "--size-median", 0), "--size-median 0"),
        (("--batches", 1, "--size-sigma", 99), "--size-sigma 99"),
        (("--batches", 1, "--per-broadcast", 0), "--per-broadcast 0"),
        (("--batches", 1, "--find", "rate"), "Give --target"),
        (("--batches", 1, "--target", "p95=1s"), "is for --find rate"),
        (("--batches", 1, "--find", "rate", "--target", "p95"), "--target p95: write a figure"),
        (("--batches", 1, "--find", "rate", "--target", "p42=1s"), "--target p42=1s"),
        (("--batches", 1, "--find", "rate", "--target", "p95=never"), "--target p95=never: never is not a duration"),
        (("--batches", 1, "--find", "rate", "--target", "p95="), "--target p95=: nothing is not a duration"),
        (("--batches", 1, "--find", "rate", "--target", "p95=1s", "--rate", 3), "--rate 3: is what --find rate finds"),
        (("--batches", 1, "--find", "rate", "--target", "p95=1s", "--plot"), "--plot: is not for --find rate"),
        (("--batches", 1, "--config", "x.toml"), "--config x.toml: only a plan of an account"),
        (("--batches", 10_000, "--rate", 1000, "--over", "24h"), "--rate 1000: 87600000 requests are too many"),
        (("--batches", 1, "--find", "rate", "--target", "p95=0s"), "--target p95=0s"),
        (("--batches", 1, "--learnt"), "--learnt shows what is known"),
    ],
)
def test_what_cannot_be_planned_is_said_with_the_option(
    watcher: Watcher, arguments: tuple[object, ...], word: str
) -> None:
    result = watcher("plan", *arguments)
    assert result.exit_code == 2
    assert word in result.stderr
    assert result.stdout == ""
