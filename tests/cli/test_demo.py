"""The demo: a verdict that notices every kind of loss, and a stage that leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from rich.live import Live

from tests.cli.conftest import Watcher
from tests.cli.interface import PATIENCE
from watcher.cli.demo.picture import Lines, Painting, Silence, open_picture, plot, print_verdict
from watcher.cli.demo.play import Scene, kill_is_due
from watcher.cli.demo.stage import StageError, demo_file, open_stage
from watcher.cli.demo.verdict import Facts, judge, mean, quantile
from watcher.cli.printing import console

METRICS = """\
# TYPE watcher_looks_total counter
watcher_looks_total{account="default",by="single"} 3.0
watcher_looks_total{account="default",by="page"} 2.0
watcher_upstream_requests_total{account="default"} 4.0
watcher_transitions_total 2.0
watcher_delivery_attempts_total{endpoint="default"} 3.0
"""


def event(number: int, status: str, **data: Any) -> dict[str, Any]:
    return {
        "id": f"evt_x_default_1_{number}",
        "type": f"batch.{status.lower()}",
        "data": {
            "batch_id": 1,
            "number": number,
            "status": status,
            "final": status == "ACTIVE",
            "window": {"after": "1970-01-01T00:00:09.900Z", "by": "1970-01-01T00:00:10.250Z"},
            **data,
        },
    }


def message(number: int, at: float = 10_300.0, answered: int = 204, **more: Any) -> dict[str, Any]:
    body = {"data": {"batch_id": 1, "number": number}}
    return {"id": f"evt_x_default_1_{number}", "at": at, "verified": True, "answered": answered, "body": body, **more}


FACTS = Facts(
    truth=[
        {
            "id": 1,
            "end": "ACTIVE",
            "changes": [{"status": "NEW", "at": 5000.0}, {"status": "ACTIVE", "at": 10_000.0}],
        }
    ],
    expected=1,
    followed={1: 5000.0},
    watches=[{"batch_id": 1, "status": "ACTIVE"}],
    events=[event(1, "NEW", window={"after": None, "by": "1970-01-01T00:00:05.000Z"}), event(2, "ACTIVE")],
    received=[message(1, answered=503), message(1), message(2)],
    rate=10,
    requests=7,
    most_in_a_second=11,
    kills=1,
    seconds=12.34,
    metrics=METRICS,
)


def test_what_is_true_is_good() -> None:
    assert judge(FACTS).document() == {
        "good": True,
        "seconds": 12.3,
        "findings": [
            {"what": "kills", "figure": "the daemon was killed once, and started again", "wrong": []},
            {"what": "batches", "figure": "1 finished / 1 learnt", "wrong": []},
            {"what": "events", "figure": "2, numbered without gap or repeat", "wrong": []},
            {"what": "windows", "figure": "2 of 2 hold the true moment", "wrong": []},
            {"what": "webhooks", "figure": "2 events accepted, 0 of them again; 1 refused first", "wrong": []},
            {"what": "signatures", "figure": "3 of 3 good", "wrong": []},
            {"what": "requests", "figure": "7, at most 11 in any second; the budget is 10", "wrong": []},
            {"what": "metrics", "figure": "4 requests, 5 looks, 2 transitions, 3 attempts", "wrong": []},
        ],
        "delay_to_look": {"mean": 0.25, "p95": 0.25},
        "delay_to_webhook": {"mean": 0.3, "p95": 0.3},
    }


@pytest.mark.parametrize(
    ("facts", "wrong"),
    [
        (replace(FACTS, kills=0), ["the daemon was never killed"]),
        (replace(FACTS, kills=2), []),
        (replace(FACTS, expected=2), ["only 1 of 2 batches came"]),
        (replace(FACTS, watches=[]), ["batch 1 ended with ACTIVE, and None was learnt"]),
        (
            replace(FACTS, watches=[{"batch_id": 1, "status": "ERRORS"}]),
            ["batch 1 ended with ACTIVE, and ERRORS was learnt"],
        ),
        (
            replace(FACTS, events=[*FACTS.events, event(3, "ACTIVE")], received=[*FACTS.received, message(3)]),
            ["batch 1 has 2 events batch.active"],
        ),
        (
            replace(FACTS, events=[FACTS.events[0], event(3, "ACTIVE")], received=[message(1), message(3)]),
            ["batch 1 has events numbered [1, 3]"],
        ),
        (
            replace(FACTS, events=[*FACTS.events, event(2, "ACTIVE")]),
            ["batch 1 has events numbered [1, 2, 2]", "batch 1 has 2 events batch.active"],
        ),
        (
            replace(FACTS, events=[], received=[]),
            ["batch 1 has events numbered []", "batch 1 has no event of its end ACTIVE"][1:],
        ),
        (
            replace(FACTS, events=[*FACTS.events, {"id": "a", "type": "account.refused", "data": {}}]),
            ["there was an event account.refused", "event a was never accepted"],
        ),
        (
            replace(
                FACTS,
                events=[FACTS.events[0], event(2, "ACTIVE", window={"after": None, "by": "1970-01-01T00:00:09Z"})],
            ),
            ["batch 1 became ACTIVE outside of the window told"],
        ),
        (
            replace(FACTS, received=[message(1), message(2, answered=500)]),
            ["event evt_x_default_1_2 was never accepted"],
        ),
        (replace(FACTS, received=[message(1), message(2), message(2)]), []),
        (
            replace(FACTS, received=[message(1), message(2), message(2, id="evt_y")]),
            ["webhook evt_y belongs to no event", "batch 1 number 2 came under 2 ids"],
        ),
        (replace(FACTS, received=[message(1), message(2, verified=False)]), ["1 webhooks had a wrong signature"]),
        (replace(FACTS, most_in_a_second=12), ["more than 11 requests in one second"]),
        (
            replace(FACTS, metrics="watcher_looks_total 1.0\n"),
            ["no requests were counted", "no transitions were counted", "no attempts were counted"],
        ),
    ],
)
def test_whatever_is_lost_doubled_false_or_over_budget_is_noticed(facts: Facts, wrong: list[str]) -> None:
    verdict = judge(facts)
    assert [line for finding in verdict.findings for line in finding.wrong] == wrong
    assert verdict.good is not bool(wrong)


def test_delays_count_from_when_the_batch_was_registered_where_that_was_later() -> None:
    assert judge(replace(FACTS, followed={1: 10_200.0})).to_look == (0.05,)
    assert judge(replace(FACTS, followed={})).to_look == ()


def test_what_came_again_is_counted_and_no_fault() -> None:
    verdict = judge(replace(FACTS, received=[*FACTS.received, message(2), message(2)]))
    (webhooks,) = [finding for finding in verdict.findings if finding.what == "webhooks"]
    assert webhooks.figure == "2 events accepted, 1 of them again; 1 refused first"


def test_what_was_counted_before_the_kill_and_after_it_is_added_up() -> None:
    verdict = judge(replace(FACTS, metrics=METRICS + METRICS))
    assert verdict.findings[-1].figure == "8 requests, 10 looks, 4 transitions, 6 attempts"


@pytest.mark.parametrize(
    ("events", "settled", "batches", "due"),
    [
        (40, 15, 40, False),
        (40, 16, 40, True),
        (0, 0, 1, False),
        (1, 0, 1, True),
        (4, 0, 4, False),
        (5, 1, 4, True),
    ],
)
def test_the_daemon_is_killed_in_the_middle_however_few_batches_there_are(
    events: int, settled: int, batches: int, due: bool
) -> None:
    assert kill_is_due(events=events, settled=settled, batches=batches) is due


@pytest.mark.parametrize("batches", [1, 2, 3, 4, 40, 1000])
def test_the_daemon_is_killed_at_the_latest_when_everything_was_learnt(batches: int) -> None:
    assert kill_is_due(events=batches, settled=batches, batches=batches)


def test_mean_and_quantile() -> None:
    assert (mean([]), mean([1.0, 2.0])) == (0.0, 1.5)
    assert (quantile([], 0.95), quantile([float(n) for n in range(100)], 0.95), quantile([3.0], 0.95)) == (
        0.0,
        95.0,
        3.0,
    )


def test_the_plot_has_a_bar_for_every_range_up_to_the_greatest() -> None:
    assert plot([0.05] * 80 + [0.3]) == [f"  under 0.1 s {'█' * 40} 80", "  under 0.2 s · 0", "  under 0.5 s █ 1"]
    assert plot([11.0])[-1] == f"  from 10 s   {'█' * 40} 1"
    assert plot([]) == []


def test_the_verdict_is_printed_with_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    print_verdict(judge(FACTS))
    assert "In 12 s: nothing was lost, doubled or over budget." in capsys.readouterr().out
    print_verdict(judge(replace(FACTS, watches=[])))
    said = capsys.readouterr().out
    assert "batches: batch 1 ended with ACTIVE, and None was learnt" in said
    assert "WRONG" in said


SCENE = Scene(
    seconds=1.0,
    happened={"NEW": 2},
    learnt={"NEW": 1},
    come=2,
    ended=0,
    settled=0,
    accepted=1,
    refused=1,
    last=("something",),
)


def test_without_a_terminal_a_line_is_written_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    with open_picture(2, quiet=False) as picture:
        assert isinstance(picture, Lines)
        for seconds in (1.0, 2.0, 6.0):
            picture.see(replace(SCENE, seconds=seconds))
    assert capsys.readouterr().out == (
        "   1 s  2 batches, 0 ended, 0 learnt; webhooks: 1 accepted, 1 refused\n"
        "   6 s  2 batches, 0 ended, 0 learnt; webhooks: 1 accepted, 1 refused\n"
    )
    with open_picture(2, quiet=True) as nobody:
        assert isinstance(nobody, Silence)
        nobody.see(SCENE)
        nobody.hear("x")
    assert capsys.readouterr().out == ""


def test_on_a_terminal_there_is_a_table(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("TTY_COMPATIBLE", "1"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    with open_picture(2, quiet=False) as picture:
        assert isinstance(picture, Painting)
    there = console()
    with Live(console=there, auto_refresh=False) as live:
        painting = Painting(live, 2)
        painting.hear("hello")
        painting.see(SCENE)
        live.refresh()
    said = capsys.readouterr().out
    for word in ("hello", "VALIDATING", "ended in CallFire", "webhooks accepted", "something"):
        assert word in said


# The stage


async def test_a_process_that_does_not_start_is_told_with_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    async with open_stage() as stage:
        with pytest.raises(StageError, match=r"^the simulator did not start\n(.|\n)*Invalid value for '--arrivals'"):
            await stage.simulator(seed=1, batches=1, at_start=1, arrivals=-1.0, budget=1, longest=1.0)


async def test_what_does_not_answer_is_told() -> None:
    async with open_stage() as stage:
        stage.addresses["control"] = "http://127.0.0.1:9"
        with pytest.raises(StageError, match=r"^control does not answer"):
            await stage.ask("control", "/truth")


def test_the_demos_settings_are_there() -> None:
    assert demo_file().name == "demo.toml"
    assert demo_file().exists()


def performing(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    """The demo, with a folder of its own for what is temporary."""
    return subprocess.Popen(
        [sys.executable, "-m", "watcher", "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "TMPDIR": str(folder),
            "CALLFIRE_LOGIN": "a-real-one",
            "WATCHER_LISTEN": "not for the demo",
        },
    )


def is_up(url: str) -> bool:
    parts = urlsplit(url)
    with socket.socket() as probe:
        return probe.connect_ex((parts.hostname, parts.port)) == 0


@pytest.mark.parametrize("batches", [1, 6])
def test_the_demo_finds_nothing_wrong_and_leaves_nothing_behind(tmp_path: Path, batches: int) -> None:
    with performing(tmp_path, "--batches", str(batches), "-o", "json") as demo:
        said, _ = demo.communicate(timeout=300)
    verdict = json.loads(said)
    assert [line for finding in verdict["findings"] for line in finding["wrong"]] == []
    assert verdict["findings"][0]["figure"] == "the daemon was killed once, and started again"
    assert demo.returncode == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_the_demo_leaves_nothing_behind_when_it_is_stopped(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with performing(tmp_path) as demo:
        assert demo.stdout is not None
        addresses = [line.split(" at ")[1].split(",")[0].strip() for line in (demo.stdout.readline() for _ in range(3))]
        assert all(map(is_up, addresses))
        demo.send_signal(number)
        said, _ = demo.communicate(timeout=PATIENCE)
        assert demo.returncode == code, said
    assert not any(map(is_up, addresses))
    assert list(tmp_path.iterdir()) == []


def test_the_demo_says_why_it_cannot_run(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    result = watcher("demo")
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", "the simulator did not start\n")
