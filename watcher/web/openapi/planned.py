"""Examples of what a plan is answered with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

LOAD: Final = {
    "in_flight": 300,
    "arrivals": 3.224,
    "duration": 93.06,
    "learnt": True,
    "over": 279.2,
    "part": 0.6667,
}
POINTS: Final = [
    {"rate": 1.25, "p50": None, "p95": None},
    {"rate": 2.5, "p50": 1.382, "p95": 5.758},
    {"rate": 5.0, "p50": 0.6872, "p95": 2.125},
    {"rate": 10.0, "p50": 0.5677, "p95": 1.155},
    {"rate": 20.0, "p50": 0.561, "p95": 1.083},
]
PLANNED: Final[Mapping[str, Sequence[Any]]] = {
    "Plan": [{"account": "default", "at": "2026-11-23T09:00:04.213Z", "load": LOAD, "rate": 5.0, "points": POINTS}],
    "Load": [LOAD],
    "Point": POINTS[:2],
}
"""By the name of the schema."""
