"""What traces and their spans are called, and which traces are kept (W3C Trace Context). Pure.

The trace of an event, and its first span, are called after the event: so every replica knows them, at any time.
"""

import hashlib
from typing import Final, NamedTuple

SPANS: Final = 2**64
"""As many ids of spans there are; 0 stands for none."""
SAMPLED: Final = "-01"
"""How the header of a trace that is kept ends."""
TRACED: Final = ("batch.", "watch.")
"""How the types of those events begin that a look finds: their traces begin with it."""


class Parent(NamedTuple):
    """What a `traceparent` says: the trace, the span that asks, and whether they are kept."""

    trace: str
    span: str
    sampled: bool


def trace_of(event_id: str) -> str:
    """The trace of an event, in 32 hexadecimal digits."""
    return hashlib.blake2b(event_id.encode(), digest_size=16).hexdigest()


def first_span_of(event_id: str) -> str:
    """The span that the trace of an event begins with, in 16 hexadecimal digits."""
    return hashlib.blake2b(event_id.encode(), digest_size=8).hexdigest()


def is_sampled(trace: str, share: float) -> bool:
    """Whether a trace is kept where such a share of all is: told by its own id, as OpenTelemetry's TraceIdRatioBased does."""
    return int(trace[16:], 16) < share * SPANS


def traceparent(event_id: str, draw: float, share: float = 0.0) -> str:
    """The header of one attempt: the trace is the event, so that all attempts share it; each is a span of its own. `draw` is a
    random number in [0, 1), `share` that of the traces that are kept."""
    trace = trace_of(event_id)
    return f"00-{trace}-{1 + int(draw * SPANS):016x}{SAMPLED if share and is_sampled(trace, share) else '-00'}"


def parent_of(header: str) -> Parent | None:
    """What such a header says; None where there is none."""
    if not header:
        return None
    _, trace, span, _ = header.split("-")
    return Parent(trace, span, header.endswith(SAMPLED))
