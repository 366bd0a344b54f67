"""The library's counters, gauges and histograms, each of which also writes its own lines of a scrape.

The library makes every line anew at each scrape, letter by letter of name and labels, which is nearly all that a scrape costs.
Here what has not changed since the scrape before is written as it was.
"""

from collections.abc import Iterable
from typing import Any, ClassVar, Final, TypeVar

from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

PLAIN: Final = 1_000_000.0
"""From here on numbers are written with an exponent."""


class _OneLine(MetricWrapperBase):
    """One whose series are a line each, with a number that `_value` has; `ENDING` is what that line's name has behind its own."""

    ENDING: ClassVar[str] = ""
    bounds: Final[tuple[float, ...]] = ()
    _value: Any

    def _metric_init(self) -> None:
        super()._metric_init()  # type: ignore[no-untyped-call]
        self._head = _head(f"{self._name}{self.ENDING}", zip(self._labelnames, self._labelvalues, strict=True))
        self._written = (float("nan"), "")

    def text(self, *, exemplars: bool) -> str:  # noqa: ARG002 # as all kinds have it
        """What a scrape gets of this one series."""
        written, text = self._written
        value = self._value.get()
        if value != written:
            text = f"{self._head}{_number(value)}\n"
            self._written = (value, text)
        return text


class Count(_OneLine, Counter):
    """A counter."""

    kind: Final = "counter"
    ENDING = "_total"


class Level(_OneLine, Gauge):
    """A gauge."""

    kind: Final = "gauge"


class Spread(Histogram):
    """A histogram."""

    kind: Final = "histogram"

    def _metric_init(self) -> None:
        super()._metric_init()
        labels = list(zip(self._labelnames, self._labelvalues, strict=True))
        bounds = map(floatToGoString, self._upper_bounds)
        self._heads = [_head(f"{self._name}_bucket", [*labels, ("le", bound)]) for bound in bounds]
        self._count_head = _head(f"{self._name}_count", labels)
        self._sum_head = _head(f"{self._name}_sum", labels)
        self._observed = 0
        self._written = (-1, False, "")

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper ends of the buckets; the last one is infinite."""
        return tuple(self._upper_bounds)

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:
        super().observe(amount, exemplar)
        self._observed += 1  # afterwards: what is written meanwhile is written anew the next time

    def text(self, *, exemplars: bool) -> str:
        """What a scrape gets of this one series, with exemplars where there are any and they are wanted."""
        written, had_exemplars, text = self._written
        observed = self._observed
        if (written, had_exemplars) != (observed, exemplars):
            text = "".join(self._lines(exemplars=exemplars))
            self._written = (observed, exemplars, text)
        return text

    def _lines(self, *, exemplars: bool) -> Iterable[str]:
        count = 0.0
        for head, bucket in zip(self._heads, self._buckets, strict=True):
            count += bucket.get()
            exemplar = bucket.get_exemplar() if exemplars else None
            yield f"{head}{_number(count)}{_exemplar(exemplar) if exemplar else ''}\n"
        yield f"{self._count_head}{_number(count)}\n{self._sum_head}{_number(self._sum.get())}\n"


Kind = TypeVar("Kind", Count, Level, Spread)


def _head(name: str, labels: Iterable[tuple[str, str]]) -> str:
    """A line up to its number."""
    text = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels))
    return f"{name}{{{text}}} " if text else f"{name} "


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")


def _number(value: float) -> str:
    return repr(value) if -PLAIN < value < PLAIN else str(floatToGoString(value))  # type: ignore[no-untyped-call]


def _exemplar(exemplar: Exemplar) -> str:
    labels = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(exemplar.labels.items()))
    return f" # {{{labels}}} {_number(exemplar.value)} {exemplar.timestamp}"
