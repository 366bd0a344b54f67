"""What traces and spans are called, and which are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from watcher.core.tracing import Parent, first_span_of, is_sampled, parent_of, trace_of, traceparent

SHARES = st.floats(0, 1)


def test_an_event_has_one_trace_and_one_first_span_wherever_it_is_asked() -> None:
    assert (trace_of("evt_1"), first_span_of("evt_1")) == ("6a3d9cb58a794e0e5f5246a0049dbb9b", "d659aecd31a53f49")


@given(st.text(max_size=40), st.floats(0, 1, exclude_max=True), SHARES)
def test_the_header_says_the_trace_of_the_event_and_whether_it_is_kept(
    event_id: str, draw: float, share: float
) -> None:
    trace = trace_of(event_id)
    sent = parent_of(traceparent(event_id, draw, share))
    assert sent is not None
    assert (sent.trace, sent.sampled, int(sent.span, 16) > 0) == (trace, is_sampled(trace, share), True)


def test_without_traces_the_header_says_that_nothing_is_kept() -> None:
    assert parent_of(traceparent("evt_1", 0.25)) == Parent(trace_of("evt_1"), "4000000000000001", sampled=False)
    assert parent_of("") is None


@given(st.integers(1, 2**128 - 1), SHARES, SHARES)
def test_what_a_smaller_share_keeps_a_greater_one_keeps_too(number: int, one: float, other: float) -> None:
    trace = f"{number:032x}"
    assert is_sampled(trace, min(one, other)) <= is_sampled(trace, max(one, other))


@given(st.integers(1, 2**128 - 1), st.integers(0, 1000).map(lambda thousandths: thousandths / 1000))
def test_it_keeps_what_any_other_program_with_that_share_keeps(number: int, share: float) -> None:
    """Told by the sampler of the SDK."""
    decision = TraceIdRatioBased(share).should_sample(None, number, "").decision
    assert is_sampled(f"{number:032x}", share) == decision.is_sampled()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.25, 250), (1.0, 1000)])
def test_as_many_are_kept_as_the_share_says(share: float, kept: int) -> None:
    assert sum(is_sampled(trace_of(f"evt_{number}"), share) for number in range(1000)) == pytest.approx(kept, abs=40)
