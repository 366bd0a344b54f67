"""What holds for all tests: nothing fails for having taken long, which only says that the machine was busy: no example of
Hypothesis, and nothing that has a time-out on a loop; and what takes longest goes first."""

import asyncio
import gc
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.unhurried import UnhurriedLoop

FIRST = ("chaos", "documents")
"""They wait for the most part, for what a whole module shares: one process does them while the others work through the rest, and
takes no part of them over in the end, which would set everything up a second time."""

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


class Unhurried(asyncio.DefaultEventLoopPolicy):
    """All loops that nobody chose are such ones, also in threads."""

    _loop_factory = UnhurriedLoop


asyncio.set_event_loop_policy(Unhurried())

signal.signal(signal.SIGINT, signal.default_int_handler)
"""Also in the background of a shell, which has it ignored there, and all that the tests start then ignores it too."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.relative_to(Path(__file__).parent).parts[0] not in FIRST)


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the collection of garbage need not walk through eleven thousand tests each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def logging_as_it_was() -> Iterator[None]:
    """Puts back what `configure` changes in the standard library: where log lines go, which is gone with the test."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
