"""What keeps the number of series small and the counting quick: capped label values, and children looked up once.

Nothing here knows what is counted.
"""

from typing import Final, Generic, TypeVar

from prometheus_client import Counter, Gauge, Histogram

OTHER: Final = "_other"
"""Stands for every label value beyond the cap."""

Metric = TypeVar("Metric", Counter, Gauge, Histogram)


class Capped:
    """Label values, at most so many different ones at a time; all further ones are `_other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._admitted: set[str] = set()

    def label(self, value: str) -> str:
        """The value itself, or `_other` where there are enough already."""
        if value in self._admitted:
            return value
        if len(self._admitted) >= self._most:
            return OTHER
        self._admitted.add(value)
        return value

    def forget(self, value: str) -> None:
        """Makes room: the value is no longer in use."""
        self._admitted.discard(value)


class Series(Generic[Metric]):
    """A metric with labels, its children kept: `labels()` of the library costs ten times the counting."""

    def __init__(self, metric: Metric) -> None:
        self._metric: Metric = metric
        self._children: dict[tuple[str, ...], Metric] = {}

    def of(self, *values: str) -> Metric:
        """The child with these label values, in the order of the metric's labels."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child

    def has(self, first: str) -> bool:
        """Whether there is a child whose first label has this value."""
        return any(values[0] == first for values in self._children)

    def forget(self, first: str) -> None:
        """Removes every child whose first label has this value."""
        for values in [values for values in self._children if values[0] == first]:
            del self._children[values]
            self._metric.remove(*values)
