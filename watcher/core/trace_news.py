"""What is told of the collector that gets the traces. To be had from `news`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SpansLost:
    """So many spans, since the last such news, did not get to the collector of traces, nor ever will."""

    spans: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesFailed:
    """The collector of traces takes none any more; told when that begins."""

    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TracesRecovered:
    """It takes them again."""
