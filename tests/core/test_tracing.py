"""What traces and spans are called, and which are kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased

from watcher.core.model import EVENT_TYPES
from watcher.core.tracing import TRACED, Parent, first_span_of, is_sampled, parent_of, trace_of, traceparent

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


def test_the_header_is_as_the_standard_has_it() -> None:
    trace = "6a3d9cb58a794e0e5f5246a0049dbb9b"
    headers = [
        traceparent("evt_1", draw, share) for draw, share in ((0.0, 1.0), (0.25, 1.0), (0.25, 0.0), (0.25, 1e-9))
    ]
    assert headers == [
        f"00-{trace}-0000000000000001-01",
        f"00-{trace}-4000000000000001-01",
        f"00-{trace}-4000000000000001-00",
        f"00-{trace}-4000000000000001-00",
    ]
    assert parent_of(headers[1]) == Parent(trace, "4000000000000001", sampled=True)


def test_traces_of_what_a_look_finds_begin_with_it() -> None:
    found = [each for each in EVENT_TYPES if each.startswith(TRACED)]
    assert found == [each for each in EVENT_TYPES if each.split(".")[0] in ("batch", "watch")]


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


@pytest.mark.parametrize(("number", "share"), [(0, 0.0), (2**63, 0.5)])
def test_a_trace_at_the_limit_is_not_kept(number: int, share: float) -> None:
    assert not is_sampled(f"{number:032x}", share)


@pytest.mark.parametrize(("share", "kept"), [(0.0, 0), (0.25, 250), (1.0, 1000)])
def test_as_many_are_kept_as_the_share_says(share: float, kept: int) -> None:
    assert sum(is_sampled(trace_of(f"evt_{number}"), share) for number in range(1000)) == pytest.approx(kept, abs=40)
