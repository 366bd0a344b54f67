"""A leak of a known size is found, and where there is none nobody cries wolf, however noisy the figure."""

import math
import random
import statistics
from collections.abc import Callable

import pytest

from tests.chaos.soak.trends import Point, Trend, blocks, trend

COUNT = 24
SECONDS = 960.0
LEVEL = 200.0
DRAWS = 200

Noise = Callable[[random.Random], list[float]]


def white(draw: random.Random) -> list[float]:
    """Each value for itself, a hundredth of the level."""
    return [draw.gauss(0.0, 2.0) for _ in range(COUNT)]


def spikes(draw: random.Random) -> list[float]:
    """As white, and one in ten is off by as much as the level."""
    return [each + (LEVEL if draw.random() < 0.1 else 0.0) for each in white(draw)]


def sawtooth(draw: random.Random) -> list[float]:
    """Up for some blocks and down at once, as what is collected from time to time; where it begins is drawn."""
    begin = draw.randrange(4)
    return [2.0 * ((begin + number) % 4) + draw.gauss(0.0, 0.5) for number in range(COUNT)]


def steps(draw: random.Random) -> list[float]:
    """Whole numbers, mostly the same: open files."""
    return [float(draw.choice([0, 0, 0, 1, 2])) for _ in range(COUNT)]


def trends(noise: Noise, growth: float) -> list[Trend]:
    """Of figures with such noise that grow by so much from the first block to the last, many times."""
    found = []
    for seed in range(DRAWS):
        values = noise(random.Random(seed))
        found.append(
            trend(
                [
                    (number * SECONDS / (COUNT - 1), LEVEL + growth * number / (COUNT - 1) + value)
                    for number, value in enumerate(values)
                ]
            )
        )
    return found


@pytest.mark.parametrize("noise", [white, spikes, sawtooth, steps])
def test_without_a_leak_nobody_cries(noise: Noise) -> None:
    assert sum(each.surely > 0 for each in trends(noise, 0.0)) <= DRAWS / 100


@pytest.mark.parametrize(("noise", "growth"), [(white, 10.0), (spikes, 20.0), (sawtooth, 10.0), (steps, 10.0)])
def test_a_leak_of_a_few_hundredths_is_found_and_its_size_is_within_the_interval(noise: Noise, growth: float) -> None:
    found = trends(noise, growth)
    assert sum(each.surely > 0 for each in found) >= DRAWS * 0.95
    assert sum(each.low <= growth / SECONDS <= each.high for each in found) >= DRAWS * 0.95


def test_a_figure_that_does_not_move_is_known_to_the_digit() -> None:
    assert trend([(float(at), 7.0) for at in range(10)]) == Trend(level=7.0, slope=0.0, low=0.0, high=0.0, seconds=9.0)


def test_a_straight_line_is_found_as_it_is() -> None:
    told = trend([(float(at), 3.0 + 2.0 * at) for at in range(10)])
    assert told == Trend(level=12.0, slope=2.0, low=2.0, high=2.0, seconds=9.0)
    assert told.surely == 18.0


def test_what_falls_has_not_grown() -> None:
    assert trend([(float(at), -2.0 * at) for at in range(10)]).surely == 0.0


@pytest.mark.parametrize("count", [1, 2, 4])
def test_of_few_blocks_nothing_is_sure(count: int) -> None:
    told = trend([(float(at), float(at)) for at in range(count)])
    assert (told.low, told.high, told.surely) == (-math.inf, math.inf, 0.0)


def test_a_block_is_what_lies_within_it() -> None:
    points: list[Point] = [(-1.0, 99.0), (0.0, 1.0), (1.0, 3.0), (9.0, 5.0), (10.0, 99.0)]
    assert blocks(points, 0.0, 10.0, 5, statistics.fmean) == [(1.0, 2.0), (9.0, 5.0)]
