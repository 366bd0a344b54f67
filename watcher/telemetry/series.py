"""What keeps the number of series small and the counting quick: capped label values, and children looked up once.

Nothing here knows what is counted.
"""

from collections.abc import Sequence
from typing import Final, Generic

from watcher.telemetry.samples import Kind

OTHER: Final = "_other"
"""Stands for every label value beyond the cap."""


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


class Series(Generic[Kind]):
    """A metric with its labels, and its children kept: `labels()` of the library costs ten times the counting."""

    def __init__(self, metric: Kind, *, name: str, text: str, labels: Sequence[str] = ()) -> None:
        self.name = name
        """As in queries, with the prefix; a histogram's without `_bucket` and the like."""
        self.text = text
        self.labels = tuple(labels)
        self._metric: Kind = metric
        self._children: dict[tuple[str, ...], Kind] = {} if labels else {(): metric}

    @property
    def kind(self) -> str:
        """Counter, gauge or histogram."""
        return self._metric.kind

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper ends of a histogram's buckets, the last one infinite; of others there are none."""
        return self._metric.bounds

    def of(self, *values: str) -> Kind:
        """The child with these label values, in the order of the metric's labels."""
        child = self._children.get(values)
        if child is None:
            child = self._children[values] = self._metric.labels(*values)
        return child

    def has(self, *values: str) -> bool:
        """Whether there is a child with these label values."""
        return values in self._children

    def forget(self, first: str) -> None:
        """Removes every child whose first label has this value."""
        for values in [values for values in self._children if values[0] == first]:
            del self._children[values]
            self._metric.remove(*values)

    def write(self, lines: list[str], *, openmetrics: bool) -> None:
        """Adds all there is to a scrape. It may run in a thread beside the counting: it goes through a copy of the children."""
        name = self.name.removesuffix("_total") if openmetrics else self.name
        lines.append(f"# HELP {name} {self.text}\n# TYPE {name} {self.kind}\n")
        lines.extend([child.text(exemplars=openmetrics) for child in list(self._children.values())])
