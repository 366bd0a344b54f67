"""`watcher plan`: what a budget buys, played in virtual time by the daemon's own code, beside scripts; asks nobody."""

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.chart import bars, short
from watcher.cli.formats import PEOPLE, say_data
from watcher.cli.lengths import say_learnt
from watcher.cli.options import As, Config, account_of, settings_in_force
from watcher.cli.printing import Output, complain, console, say, say_table, stop
from watcher.cli.progress import sharing
from watcher.cli.running import run_to_end

if TYPE_CHECKING:
    from watcher.app.planning import Experience
    from watcher.planning.plans import Figure, Plan, Result

RATE: Final = 5.0
OVER: Final = "20m"
MOST: Final = 20_000
"""Batches in one draw: beyond that a plan would take longer than anybody waits."""
MOST_TURNS: Final = 5_000_000
"""Requests that the rate allows in all draws together: beyond that, too, nobody waits, even where few of them are made."""
LONGEST: Final = 24 * 3600.0
BESIDE: Final = "backoff x1.5"
"""The script whose delays the chart shows beside the daemon's."""
FIGURES: "Final[tuple[Figure, ...]]" = ("mean", "p50", "p95", "p99")
CHART_WIDTH: Final = 100
SPARE: Final = ("P50", "P99", "REQUESTS")
"""Columns for which a narrow terminal has no room, the first of them first."""


class Find(StrEnum):
    """What is looked for."""

    RATE = "rate"


def plan(
    batches: Annotated[int | None, typer.Option("--batches", help="So many batches.")] = None,
    in_flight: Annotated[
        float | None, typer.Option("--in-flight", help="Or: batches keep coming, about so many unfinished at a time.")
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Batches are made evenly over that time (else all at once); with --in-flight: how long it goes on, else 20m.",
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Requests a second; else 5, or what the settings give the --account.")
    ] = None,
    size_median: Annotated[
        float | None, typer.Option(help="Contacts that half of the batches have at most; else 3000.")
    ] = None,
    size_sigma: Annotated[float | None, typer.Option(help="How far sizes spread (lognormal); else 1.8.")] = None,
    per_broadcast: Annotated[int, typer.Option(help="Batches in one broadcast.")] = 20,
    pages: Annotated[bool, typer.Option("--pages/--no-pages", help="Whether CallFire's lists can be used.")] = True,
    account: Annotated[
        str | None,
        typer.Option("--account", "-a", help="Sizes, durations, rate and pace of this account, as learnt so far."),
    ] = None,
    learnt: Annotated[
        bool, typer.Option("--learnt", help="Only show what the account has learnt of how long validation takes.")
    ] = False,
    find: Annotated[Find | None, typer.Option("--find", help="Find the least rate that reaches the --target.")] = None,
    target: Annotated[
        str | None, typer.Option(metavar="FIGURE=DURATION", help="As in p95=10s; figures: mean, p50, p95, p99.")
    ] = None,
    plot: Annotated[
        bool | None, typer.Option("--plot/--no-plot", help="Delays by rate as a chart; else on a terminal only.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same batches.")] = 1,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Say what a request budget buys: how late ends are noticed, and how many requests that takes.

    It plays such batches in virtual time through the daemon's own schedule, and through what scripts do with the same
    budget. It asks nobody. Delays are in seconds, from the end of validation to the look that sees it; requests are those
    of one play. The daemon starts knowing nothing, unless an --account is named.

    \b
    watcher plan --in-flight 300 --rate 5
    watcher plan --batches 1000 --over 4m --rate 5 --no-pages
    watcher plan --in-flight 300 --find rate --target p95=10s
    watcher plan --learnt --account north

    Batches are as in CallFire's accounts at large: 10 to a million contacts, (2 + contacts/2000) seconds with much luck in
    it, two in a hundred stuck for 30 to 120 minutes. Exit codes: 0 done, 1 no rate reaches the target, 2 usage or settings.
    """
    if learnt:
        if any(
            each is not None for each in (batches, in_flight, over, rate, size_median, size_sigma, find, target, plot)
        ):
            stop("--learnt shows what is known, and plans nothing: give it alone, or with --account")
        say_learnt(_experience(config, account), output)
        return
    if find is None and target is not None:
        stop(f"--target {target}: is for --find rate: give both")
    if find is not None and rate is not None:
        stop(f"--rate {rate:g}: is what --find rate finds: leave it out")
    if find is not None and plot:
        stop("--plot: is not for --find rate: leave it out")
    if account is None and config is not None:
        stop(f"--config {config}: only a plan of an account goes by the settings: name it with --account")
    wanted = None if find is None else _target(target)
    one = _plan(batches, in_flight, over, rate=rate, pages=pages, seed=seed)
    known = None if account is None else _experience(config, account)
    one = _with_law(one, known, size_median=size_median, size_sigma=size_sigma, per_broadcast=per_broadcast)
    if known is not None:
        one = replace(one, pace=known.pace, begins=known.at, rate=known.rate if rate is None else rate)
    if one.expected > MOST:
        name = "--batches" if in_flight is None else "--in-flight and --over"
        stop(f"{name}: {one.expected:.0f} batches are too many to play: plan for {MOST} at most")
    turns = one.rate * one.seconds * one.draws
    if wanted is None and turns > MOST_TURNS:
        least = f"no more than {MOST_TURNS / (one.seconds * one.draws):.3g} a second, or a shorter time"
        stop(f"--rate {one.rate:g}: {turns:.0f} requests are too many to play: plan for {least}")
    if wanted is not None:
        _find(one, *wanted, output)
    else:
        _compare(one, output, plot=console().is_terminal and output is Output.TABLE if plot is None else plot)


def _plan(
    batches: int | None, in_flight: float | None, over: str | None, *, rate: float | None, pages: bool, seed: int
) -> "Plan":
    from watcher.planning.plans import Plan

    if batches is None and in_flight is None:
        stop("how many batches? Give --batches or --in-flight, as in: watcher plan --in-flight 100")
    if batches is not None and in_flight is not None:
        stop("--batches and --in-flight are two ways to say how many: give one of them")
    if batches is not None and batches < 1:
        stop(f"--batches {batches}: give 1 or more")
    if in_flight is not None and not 0 < in_flight < math.inf:
        stop(f"--in-flight {in_flight:g}: give a number above 0")
    if rate is not None and not 0.01 <= rate <= 1000:
        stop(f"--rate {rate:g}: give requests a second, 0.01 to 1000")
    if seed < 0:
        stop(f"--seed {seed}: give 0 or more")
    seconds = 0.0 if over is None and in_flight is None else _seconds("--over", OVER if over is None else over)
    if seconds > LONGEST or (in_flight is not None and seconds == 0):
        stop(f"--over {over}: give more than 0s, and no more than 24h")
    return Plan(
        rate=RATE if rate is None else rate,
        over=seconds,
        batches=batches,
        in_flight=in_flight,
        pages=pages,
        seed=seed,
    )


def _with_law(
    one: "Plan",
    known: "Experience | None",
    *,
    size_median: float | None,
    size_sigma: float | None,
    per_broadcast: int,
) -> "Plan":
    """The plan with how large batches are and how long they take: as somebody says, as an account has learnt, or as usual."""
    from watcher.planning.plans import law_of

    if size_median is not None and not 1 <= size_median <= 1e6:
        stop(f"--size-median {size_median:g}: give contacts, 1 to 1000000")
    if size_sigma is not None and not 0 <= size_sigma <= 10:
        stop(f"--size-sigma {size_sigma:g}: give 0 to 10")
    if per_broadcast < 1:
        stop(f"--per-broadcast {per_broadcast}: give 1 or more")
    law = replace(
        one.law,
        median=one.law.median if size_median is None else size_median,
        sigma=one.law.sigma if size_sigma is None else size_sigma,
        per_broadcast=per_broadcast,
    )
    if known is not None:
        own = None
        if known.learnt is not None:
            own = law_of(known.learnt, law, sizes=size_median is None and size_sigma is None)
        if own is None:
            complain(f"account {known.account} has seen no end yet: it is planned with the usual durations")
        else:
            return replace(one, law=own, learnt=known.learnt)
    return replace(one, law=law)


def _seconds(option: str, text: str, given: str | None = None) -> float:
    """The duration that the text of an option is, or ends with: `given` is all of it."""
    from watcher.settings.values import duration

    try:
        return duration(text).total_seconds()
    except ValueError:
        whole = text if given is None else given
        stop(f"{option} {whole}: {text or 'nothing'} is not a duration: write 10s, 4m or 2h")


def _target(text: str | None) -> "tuple[Figure, float]":
    if text is None:
        stop("--find rate: which delay is to be reached? Give --target, as in --target p95=10s")
    name, equals, value = text.partition("=")
    figure = next((each for each in FIGURES if each == name), None)
    seconds = _seconds("--target", value, text) if figure and equals else 0.0
    if figure is None or seconds <= 0:
        stop(f"--target {text}: write a figure ({', '.join(FIGURES)}) and a duration above 0s, as in p95=10s")
    return figure, seconds


def _experience(config: Path | None, account: str | None) -> "Experience":
    from watcher.app import CannotStart
    from watcher.app.planning import experience

    settings = settings_in_force(config)
    try:
        known = run_to_end(experience(settings, account_of(settings, account)))
    except CannotStart as error:
        stop(str(error))
    if known.absent is not None:
        complain(f"there is no database {known.absent}: if a daemon has another, name that with WATCHER_DATABASE_URL")
    return known


def _compare(one: "Plan", output: Output, *, plot: bool) -> None:
    from watcher.planning.plans import compared, curve

    share = 0.5 if plot else 1.0
    with sharing("playing") as tell:
        results = compared(one, lambda done: tell(done * share))
        points = curve(one, BESIDE, lambda done: tell(share + done * (1 - share))) if plot else []
    _require_ends(results[0])
    if output is Output.CSV:
        say_data([_of_result(each) for each in results], output)
        return
    if output not in PEOPLE:
        shown = {**_of_plan(one), "strategies": [_of_result(each) for each in results]}
        if plot:
            shown["curve"] = [
                {"rate": ours.rate, **{e.strategy: _of_result(e) for e in (ours, beside)}} for ours, beside in points
            ]
        say_data(shown, output)
        return
    _say_results(results)
    if plot:
        say("")
        say("mean delay by requests a second:")
        groups = [
            (f"{ours.rate:g}/s", [(each.strategy, each.mean) for each in (ours, beside)]) for ours, beside in points
        ]
        for line in bars(groups, unit="s", width=min(console().width, CHART_WIDTH)):
            say(line)


def _find(one: "Plan", figure: "Figure", target: float, output: Output) -> None:
    from watcher.planning.plans import LEAST_RATE, least_rate

    with sharing("playing") as tell:
        result, reached = least_rate(one, figure, target, tell)
    _require_ends(result)
    if output not in PEOPLE:
        found = {"rate": result.rate if reached else None, "target": {figure: target}, "result": _of_result(result)}
        say_data({**_of_plan(one), **found}, output)
    else:
        less = " or less" if reached and result.rate <= LEAST_RATE else ""
        told = f"{figure} {short(result.of(figure))} s at {result.rate:g} requests a second{less}"
        say(told if reached else f"no rate reaches {figure} {short(target)} s: it is {told}")
        _say_results([result])
    if not reached:
        raise typer.Exit(1)


def _require_ends(result: "Result") -> None:
    """Ends the command where the figures rest on nothing: a delay of 0 would be read as a good one."""
    if not result.ended:
        stop("no batch ends in that time, so nothing can be told: plan for more batches, or for a longer --over")


def _say_results(results: "Sequence[Result]") -> None:
    say_table(
        ("", "MEAN", "P50", "P95", "P99", "REQUESTS"),
        [
            (
                each.strategy,
                *(f"{short(value)} s" for value in (each.mean, each.p50, each.p95, each.p99)),
                f"{each.requests:.0f}",
            )
            for each in results
        ],
        spare=SPARE,
    )


def _of_plan(one: "Plan") -> dict[str, object]:
    return {
        "batches": one.batches,
        "in_flight": one.in_flight,
        "over": one.over,
        "rate": one.rate,
        "pages": one.pages,
        "draws": one.draws,
        "seed": one.seed,
    }


def _of_result(result: "Result") -> dict[str, object]:
    return {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(result).items()
        if name != "rate"
    }
