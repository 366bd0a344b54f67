"""What is counted, under which names and labels."""

import typing
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.fakes import NOON
from tests.telemetry.every_news import EVERYTHING, attempted, changed
from watcher.core import news as told
from watcher.core.news import News
from watcher.core.streamrank import StreamRank
from watcher.telemetry.labels import ACCOUNTS_MOST
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.series import OTHER, Capped

NAMES = {
    "upstream_requests": ("counter", ("account", "operation", "outcome")),
    "upstream_request_duration_seconds": ("histogram", ("operation",)),
    "account_rate_configured": ("gauge", ("account",)),
    "account_rate_effective": ("gauge", ("account",)),
    "account_rate_used": ("gauge", ("account",)),
    "account_state": ("gauge", ("account", "state")),
    "account_throttled": ("counter", ("account",)),
    "account_unpolled": ("gauge", ("account",)),
    "account_breaker_opened": ("counter", ("account", "reason")),
    "watches": ("gauge", ("account", "status")),
    "watches_overdue": ("gauge", ("account",)),
    "watch_oldest_look_age_seconds": ("gauge", ("account",)),
    "watches_stuck": ("gauge", ("account",)),
    "looks": ("counter", ("account", "by", "result")),
    "expected_wait_seconds": ("gauge", ("account",)),
    "transition_window_seconds": ("histogram", ()),
    "transitions": ("counter", ("account", "from", "to")),
    "batch_validation_duration_seconds": ("histogram", ("final",)),
    "status_unknown": ("counter", ("account",)),
    "watches_ended": ("counter", ("account", "reason")),
    "submissions": ("counter", ("account", "state")),
    "deliveries": ("counter", ("endpoint", "outcome")),
    "delivery_attempts": ("counter", ("endpoint", "result")),
    "delivery_delay_seconds": ("histogram", ()),
    "delivery_attempt_duration_seconds": ("histogram", ("endpoint",)),
    "deliveries_pending": ("gauge", ("endpoint",)),
    "delivery_oldest_age_seconds": ("gauge", ("endpoint",)),
    "endpoint_state": ("gauge", ("endpoint", "state")),
    "endpoint_events": ("counter", ("endpoint", "type")),
    "streamrank_total_time_average_seconds": ("gauge", ("account", "by")),
    "streamrank_size_download_average_bytes": ("gauge", ("account", "by")),
    "streamrank_saved_percentage": ("gauge", ("account", "of")),
    "streamrank_change_percentage": ("gauge", ("account",)),
    "retention_deleted": ("counter", ("kind",)),
    "stream_clients": ("gauge", ()),
    "stream_dropped": ("counter", ("reason",)),
    "poller_last_step_timestamp_seconds": ("gauge", ("account",)),
    "event_loop_lag_seconds": ("histogram", ()),
    "leases_held": ("gauge", ()),
    "replicas": ("gauge", ()),
    "lease_lost": ("counter", ()),
    "fenced_writes": ("counter", ()),
    "clock_skew_seconds": ("gauge", ()),
    "store_operation_duration_seconds": ("histogram", ("operation",)),
    "settings_last_reload_successful": ("gauge", ()),
    "settings_last_reload_timestamp_seconds": ("gauge", ()),
    "build_info": ("gauge", ("version", "python")),
    "worker_failures": ("counter", ("worker",)),
    "trace_spans_lost": ("counter", ()),
    "http_request_failures": ("counter", ("route",)),
    "auth_failures": ("counter", ("reason",)),
}
"""The table of operations.md, as far as it is fed, and what is ours beside it."""

UNCOUNTED = {
    told.SetAside,  # what became of the requests is counted
    told.AccountTold,
    told.DividedOtherwise,
    told.MigrationsWait,
    told.SecretsExposed,
    told.AuthCalm,
    told.RateLearnt,  # BudgetUsed says what is in force
    told.WorkerRecovered,
    told.StoreFailed,
    told.StoreRecovered,
    told.FilesFew,  # process_open_fds and process_max_fds say it
    told.FilesPlenty,
    told.TracesFailed,
    told.TracesRecovered,
    told.Started,
    told.Stopping,
    told.SharesNamed,  # takes away what is of no share that is named
}
"""News that counts nothing."""


def metrics_after(*news: News) -> Metrics:
    metrics = Metrics(version="1.2.3", loaded=NOON)
    for each in news:
        metrics(each)
    return metrics


def samples(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The values of one sample name, by label values in the order of the labels' names."""
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in metrics.catalogue.registry.collect()
        for sample in family.samples
        if sample.name == f"watcher_{name}"
    }


def counted(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The same, without what has only begun at 0."""
    return {labels: value for labels, value in samples(metrics, name).items() if value}


def test_every_kind_of_news_is_counted_or_left_to_the_logs_on_purpose() -> None:
    assert [type(news) for news in EVERYTHING] == list(typing.get_args(News))
    silent = _ours(metrics_after().render("")[0])
    counted = {type(news) for news in EVERYTHING if _ours(metrics_after(news).render("")[0]) != silent}
    assert counted == set(typing.get_args(News)) - UNCOUNTED


def test_names_types_and_labels_are_those_of_the_table() -> None:
    text = metrics_after(*EVERYTHING).render("")[0].decode()
    found = {
        family.name.removeprefix("watcher_"): (family.type, tuple(family.samples[0].labels))
        for family in read_text(text)
        if family.name.startswith("watcher_") and not family.name.endswith("_created")
    }
    shown = {name: (kind, tuple(label for label in labels if label != "le")) for name, (kind, labels) in found.items()}
    assert {name: (kind, tuple(sorted(labels))) for name, (kind, labels) in shown.items()} == {
        name: (kind, tuple(sorted(labels))) for name, (kind, labels) in NAMES.items()
    }


def test_buckets_are_those_of_the_table() -> None:
    buckets = {
        series.name.removeprefix("watcher_"): series.bounds[:-1]
        for series in metrics_after().catalogue.series
        if series.bounds
    }
    assert buckets == {
        "upstream_request_duration_seconds": (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15),
        "transition_window_seconds": (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
        "batch_validation_duration_seconds": (1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400),
        "delivery_delay_seconds": (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600),
        "delivery_attempt_duration_seconds": (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15, 30),
        "event_loop_lag_seconds": (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
        "store_operation_duration_seconds": (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
    }


def test_requests_are_counted_by_operation_and_outcome_and_timed() -> None:
    metrics = metrics_after(
        told.Answered(account="a", operation="batch", outcome="200", took=0.3),
        told.Answered(account="a", operation="batch", outcome="200", took=0.2),
        told.Answered(account="b", operation="batch", outcome="timeout", took=15.0),
    )
    assert samples(metrics, "upstream_requests_total") == {("a", "batch", "200"): 2.0, ("b", "batch", "timeout"): 1.0}
    assert samples(metrics, "upstream_request_duration_seconds_sum") == {("batch",): 15.5}


def test_an_answer_that_says_nothing_of_the_batch_is_no_look() -> None:
    metrics = metrics_after(
        told.Looked(account="a", by="single", result="changed"),
        told.Looked(account="a", by="single", result="untouched"),
    )
    assert samples(metrics, "looks_total") == {("a", "single", "changed"): 1.0}


def test_a_transition_is_counted_with_its_window_and_the_time_validation_took() -> None:
    metrics = metrics_after(
        changed("batch.validating", "VALIDATING", previous=None), changed(window=2.0, validation=40.0)
    )
    assert counted(metrics, "transitions_total") == {
        ("a", "none", "validating"): 1.0,
        ("a", "validating", "active"): 1.0,
    }
    assert samples(metrics, "transition_window_seconds_sum") == {(): 2.0}
    assert samples(metrics, "transition_window_seconds_count") == {(): 1.0}
    assert counted(metrics, "batch_validation_duration_seconds_sum") == {("active",): 40.0}


def test_a_status_that_nobody_knows_makes_no_label_of_its_own() -> None:
    metrics = metrics_after(
        changed("batch.unknown", "PONDERING"), changed("batch.unknown", "MUSING", previous="PONDERING")
    )
    assert counted(metrics, "transitions_total") == {
        ("a", "validating", "unknown"): 1.0,
        ("a", "unknown", "unknown"): 1.0,
    }


def test_an_occurrence_is_no_transition() -> None:
    metrics = metrics_after(changed("batch.stuck", "NEW"), changed("batch.unstuck", "NEW"))
    assert counted(metrics, "transitions_total") == {}
    assert set(samples(metrics, "watches_ended_total").values()) == {0.0}


def test_watches_that_end_are_counted_by_the_reason() -> None:
    metrics = metrics_after(
        changed("batch.errors", "ERRORS"),
        changed("batch.missing", "NEW"),
        changed("watch.expired", "NEW"),
        changed("watch.expired", "NEW"),
        told.Following(account="a", batch_id=8, what="created"),
        told.Following(account="a", batch_id=8, what="stopped"),
    )
    assert samples(metrics, "watches_ended_total") == {
        ("a", "settled"): 1.0,
        ("a", "missing"): 1.0,
        ("a", "expired"): 2.0,
        ("a", "stopped"): 1.0,
    }


def test_watches_are_shown_by_status_and_those_no_longer_there_as_none() -> None:
    metrics = metrics_after(
        told.Tally(
            account="a", by_status={"new": 3, "odd": 2}, overdue=1, oldest_look_age=4.5, stuck=2, expected_wait=0.5
        ),
        told.Tally(
            account="a", by_status={"active": 5, "odd": 1}, overdue=0, oldest_look_age=1.5, stuck=0, expected_wait=0.1
        ),
    )
    expected = dict.fromkeys(
        ("unseen", "new", "validating", "active", "errors", "source_error", "unknown", "missing", "expired"), 0.0
    )
    assert samples(metrics, "watches") == {
        ("a", status): count for status, count in (expected | {"active": 5.0, "unknown": 1.0}).items()
    }
    assert samples(metrics, "watch_oldest_look_age_seconds") == {("a",): 1.5}
    assert samples(metrics, "watches_overdue") == {("a",): 0.0}


def test_an_account_is_in_one_state_at_a_time_and_ok_until_told_otherwise() -> None:
    metrics = metrics_after(told.Stepped(account="a", at=NOON))
    states = dict.fromkeys((("a", state) for state in ("ok", "throttled", "down", "refused", "paused")), 0.0)
    assert samples(metrics, "account_state") == states | {("a", "ok"): 1.0}
    for condition in ("down", "throttled", "refused", "ok"):
        metrics(told.ConditionChanged(account="a", condition=condition, previous="", reason="", until=None))
        assert samples(metrics, "account_state") == states | {("a", condition): 1.0}
    assert samples(metrics, "account_breaker_opened_total") == {("a", "down"): 1.0, ("a", "refused"): 1.0}


def test_a_pause_made_longer_by_an_answer_under_way_is_one_pause() -> None:
    metrics = metrics_after(
        told.Throttled(account="a", until=NOON),
        told.Throttled(account="a", until=NOON + timedelta(seconds=1), again=True),
    )
    assert samples(metrics, "account_throttled_total") == {("a",): 1.0}


def test_deliveries_are_counted_by_what_became_of_them_and_where_nothing_did_only_the_attempt_counts() -> None:
    metrics = metrics_after(
        attempted(delay=0.02),
        attempted("retried", code=503),
        attempted("returned", code=429),
        attempted("lost", code=200),
        attempted("dead", code=None, error="timeout"),
    )
    assert samples(metrics, "deliveries_total") == {
        ("e", "done"): 1.0,
        ("e", "retried"): 1.0,
        ("e", "dead"): 1.0,
        ("e", "held"): 0.0,
    }
    assert samples(metrics, "delivery_attempts_total") == {
        ("e", "2xx"): 2.0,
        ("e", "5xx"): 1.0,
        ("e", "4xx"): 1.0,
        ("e", "timeout"): 1.0,
    }
    assert samples(metrics, "delivery_delay_seconds_sum") == {(): 0.02}


def test_an_endpoint_shows_its_backlog_and_one_state() -> None:
    metrics = metrics_after(told.Backlog(endpoint="e", pending=4, oldest_age=12.0, state="paused"))
    assert samples(metrics, "deliveries_pending") == {("e",): 4.0}
    assert samples(metrics, "delivery_oldest_age_seconds") == {("e",): 12.0}
    assert samples(metrics, "endpoint_state") == {
        ("e", "active"): 0.0,
        ("e", "paused"): 1.0,
        ("e", "open"): 0.0,
        ("e", "disabled"): 0.0,
    }


@pytest.mark.parametrize("state", ["active", "paused", "open", "disabled"])
def test_an_endpoint_is_in_the_state_that_was_told_last_and_in_no_other(state: str) -> None:
    metrics = metrics_after(
        told.EndpointChanged(endpoint="e", state="disabled", reason="why"),
        told.EndpointChanged(endpoint="e", state=state, reason="why"),
    )
    assert samples(metrics, "endpoint_state") == {
        ("e", each): float(each == state) for each in ("active", "paused", "open", "disabled")
    }


def test_clients_of_streams_are_counted_and_those_that_were_let_go_by_reason() -> None:
    opened = [told.StreamOpened(stream=stream) for stream in ("events", "events", "page", "page", "page")]
    left = told.StreamClosed(stream="events", reason="left")
    slow = told.StreamClosed(stream="page", reason="slow")
    stopped = told.StreamClosed(stream="page", reason="stopping")
    metrics = metrics_after(*opened, left, slow, slow, stopped)
    assert samples(metrics, "stream_clients") == {(): 1}
    assert samples(metrics, "stream_dropped_total") == {("slow",): 2, ("stalled",): 0, ("token",): 0, ("store",): 0}


def test_what_polling_costs_and_streaming_saves_is_shown_by_account() -> None:
    rank = StreamRank(
        polling_total_time_average=0.2,
        polling_size_download_average=500.0,
        streaming_total_time_average=0.05,
        streaming_size_download_average=400.0,
        time_percentage=90.0,
        size_percentage=80.0,
        change_percentage=12.5,
    )
    metrics = metrics_after(told.StreamRanked(account="a", rank=rank))
    assert samples(metrics, "streamrank_total_time_average_seconds") == {
        ("a", "polling"): 0.2,
        ("a", "streaming"): 0.05,
    }
    assert samples(metrics, "streamrank_size_download_average_bytes") == {
        ("a", "polling"): 500.0,
        ("a", "streaming"): 400.0,
    }
    assert samples(metrics, "streamrank_saved_percentage") == {("a", "time"): 90.0, ("a", "size"): 80.0}
    assert samples(metrics, "streamrank_change_percentage") == {("a",): 12.5}


def test_operator_events_are_counted_by_kind_from_0_on() -> None:
    def committed(kind: str) -> told.EndpointTold:
        return told.EndpointTold(endpoint="e", type=kind, position=4, deliveries=1)

    metrics = metrics_after(attempted(), *[committed("endpoint.failing")] * 2, committed("delivery.exhausted"))
    assert samples(metrics, "endpoint_events_total") == {
        ("e", "endpoint.failing"): 2.0,
        ("e", "endpoint.disabled"): 0.0,
        ("e", "endpoint.recovered"): 0.0,
        ("e", "delivery.exhausted"): 1.0,
    }


def test_what_the_retention_deletes_is_added_up() -> None:
    metrics = metrics_after(
        told.Swept(events=3, deliveries=2, broadcasts=0, took=0.5),
        told.Swept(events=1, deliveries=0, broadcasts=1, took=0.5),
    )
    assert samples(metrics, "retention_deleted_total") == {
        ("events",): 4.0,
        ("deliveries",): 2.0,
        ("broadcasts",): 1.0,
    }


def test_workers_are_counted_by_kind_not_by_account() -> None:
    metrics = metrics_after(
        *(told.WorkerFailed(worker=name, error="E", pause=1.0, trace="") for name in ("poller a", "poller b", "keeper"))
    )
    assert samples(metrics, "worker_failures_total") == {("poller",): 2.0, ("keeper",): 1.0}


def test_a_reload_that_failed_shows_and_leaves_the_time_of_the_settings_in_force() -> None:
    metrics = metrics_after()
    assert samples(metrics, "settings_last_reload_successful") == {(): 1.0}
    later = NOON + timedelta(hours=1)
    metrics(told.Reloaded(at=later, error="no such key"))
    assert samples(metrics, "settings_last_reload_successful") == {(): 0.0}
    assert samples(metrics, "settings_last_reload_timestamp_seconds") == {(): NOON.timestamp()}
    metrics(told.Reloaded(at=later, error=None))
    assert samples(metrics, "settings_last_reload_successful") == {(): 1.0}
    assert samples(metrics, "settings_last_reload_timestamp_seconds") == {(): later.timestamp()}


def test_a_strange_upstream_makes_no_end_of_series() -> None:
    metrics = metrics_after(
        *(told.Answered(account="a", operation="batch", outcome=str(code), took=0.1) for code in range(100, 1_000))
    )
    assert len(samples(metrics, "upstream_requests_total")) == 65


def test_series_of_a_removed_account_go_away_and_what_it_still_brings_is_counted_with_all_others() -> None:
    look = told.Looked(account="a", by="single", result="changed")
    metrics = metrics_after(
        *EVERYTHING, told.Stepped(account="b", at=NOON), told.SharesNamed(shares=("b@1/2", "b@2/2"))
    )
    assert 'account="a"' not in metrics.render("")[0].decode()
    assert samples(metrics, "poller_last_step_timestamp_seconds") == {("b",): NOON.timestamp()}
    for news in (look, told.Stepped(account="a", at=NOON)):
        metrics(news)
    assert samples(metrics, "looks_total") == {(OTHER, "single", "changed"): 1.0}
    assert samples(metrics, "poller_last_step_timestamp_seconds") == {("b",): NOON.timestamp()}
    metrics(told.SharesNamed(shares=("a", "b")))
    metrics(look)
    assert samples(metrics, "looks_total") == {(OTHER, "single", "changed"): 1.0, ("a", "single", "changed"): 1.0}


def test_a_removed_account_makes_room_for_another() -> None:
    names = tuple(map("account-{}".format, range(ACCOUNTS_MOST + 1)))
    metrics = metrics_after(*(told.UnknownStatus(account=name, batch_id=7, status="ODD") for name in names))
    metrics(told.SharesNamed(shares=names[1:]))
    metrics(told.UnknownStatus(account=names[-1], batch_id=7, status="ODD"))
    unknown = samples(metrics, "status_unknown_total")
    assert (len(unknown), unknown[OTHER,], unknown[names[-1],]) == (ACCOUNTS_MOST + 1, 1.0, 1.0)


def test_series_of_a_removed_endpoint_go_away_and_one_made_anew_under_its_name_is_counted_anew() -> None:
    gone = [told.EndpointChanged(endpoint=name, state="removed", reason="deleted") for name in ("e", "unseen")]
    metrics = metrics_after(*EVERYTHING, *gone)
    assert 'endpoint="' not in metrics.render("")[0].decode()
    metrics(attempted())
    assert samples(metrics, "deliveries_total")["e", "done"] == 1.0
    assert samples(metrics, "endpoint_state")["e", "active"] == 1.0


def test_build_info_and_the_process_are_there() -> None:
    text = metrics_after().render("")[0].decode()
    assert 'watcher_build_info{python="' in text
    assert 'version="1.2.3"} 1.0' in text
    assert "process_resident_memory_bytes" in text
    assert "process_open_fds" in text


@given(st.lists(st.text(min_size=1, max_size=3)), st.integers(1, 5))
def test_a_cap_is_never_exceeded_and_never_changes_its_mind(values: list[str], most: int) -> None:
    capped = Capped(most)
    labels = [capped.label(value) for value in values]
    assert len(set(labels) - {OTHER}) <= most
    assert [capped.label(value) for value in values] == labels


def _ours(text: bytes) -> list[bytes]:
    return [line for line in text.splitlines() if line.startswith(b"watcher_") and b"_created" not in line]


def test_wrong_tokens_are_counted_by_what_was_wrong() -> None:
    wrong = told.AuthFailed(reason="unknown", address="10.0.0.7")
    metrics = metrics_after(wrong, wrong, told.AuthFailed(reason="expired", address="10.0.0.8"))
    assert samples(metrics, "auth_failures_total") == {
        ("malformed",): 0.0,
        ("unknown",): 2.0,
        ("expired",): 1.0,
    }


def test_what_becomes_of_submissions_is_counted_by_state() -> None:
    def submitted(state: str) -> told.Submitted:
        what = {"account": "a", "broadcast_id": 14, "submission": "sub_1", "batch_id": None, "tries": 1, "detail": ""}
        return told.Submitted(state=state, **what)  # type: ignore[arg-type]

    metrics = metrics_after(*map(submitted, ("intended", "sending", "unclear", "sending", "accepted")))
    assert samples(metrics, "submissions_total") == {
        ("a", "intended"): 1.0,
        ("a", "sending"): 2.0,
        ("a", "unclear"): 1.0,
        ("a", "accepted"): 1.0,
    }


# Leases


def test_how_an_account_stands_is_shown_by_whoever_polls_it_and_by_nobody_else() -> None:
    metrics = metrics_after(
        told.LeasesMoved(taken=("a", "b")),
        told.BudgetUsed(account="a", configured=5.0, effective=2.5, used=1.0),
        told.BudgetUsed(account="b", configured=5.0, effective=5.0, used=1.0),
        told.Answered(account="a", operation="batch", outcome="200", took=0.3),
        told.LeasesMoved(given_back=("a",)),
    )
    assert samples(metrics, "account_rate_effective") == {("b",): 5.0}
    assert {account for account, _ in samples(metrics, "account_state")} == {"b"}
    assert samples(metrics, "upstream_requests_total") == {("a", "batch", "200"): 1.0}  # it was asked here all the same
    metrics(told.LeasesMoved(taken=("a@1/2", "c")))
    assert {account for account, _ in samples(metrics, "account_state")} == {"a", "b"}  # c is only being loaded
    metrics(told.Stepped(account="c", at=NOON))
    states = {labels for labels, value in samples(metrics, "account_state").items() if value}
    assert states == {("a", "ok"), ("b", "ok"), ("c", "ok")}


@pytest.mark.parametrize("part", ["", "a@1/2"])
def test_what_is_told_late_of_an_account_that_left_shows_nothing_for_another_tells_of_it_now(part: str) -> None:
    """A report was under way when it was given back: its figures would stay, and be added to those of whoever polls it."""
    share = part or "a"
    late = (
        told.Tally(
            account="a", by_status={"new": 1}, overdue=1, oldest_look_age=5.0, stuck=1, expected_wait=0.5, part=part
        ),
        told.BudgetUsed(account="a", configured=5.0, effective=2.5, used=1.0, part=part),
        told.Stepped(account="a", at=NOON, part=part),
        told.ConditionChanged(account="a", condition="refused", previous="ok", reason="401", until=NOON),
    )
    metrics = metrics_after(told.LeasesMoved(taken=(share,)), *late, told.LeasesMoved(given_back=(share,)), *late)
    shown = [series.name for series in metrics.catalogue.standing_of_accounts if samples(metrics, series.name[8:])]
    assert shown == []
    assert samples(metrics, "account_breaker_opened_total")["a", "refused"] == 2.0  # what was counted stays
    metrics(told.LeasesMoved(taken=(share,)))
    metrics(late[0])
    assert samples(metrics, "watches")["a", "new"] == 1.0


def test_an_account_that_another_replica_polls_has_no_state_here_though_somebody_asked_here_for_it() -> None:
    metrics = metrics_after(
        told.LeasesSeen(held=0, replicas=2, skew=0.0, unpolled={}),
        told.Submitted(
            account="a", broadcast_id=9, submission="s", state="accepted", batch_id=None, tries=1, detail=""
        ),
    )
    assert samples(metrics, "account_state") == {}
    assert samples(metrics, "submissions_total") == {("a", "accepted"): 1.0}


def test_an_account_beyond_the_cap_is_counted_with_all_others_and_by_its_name_when_there_is_room() -> None:
    """A sum over all of them never goes back but by what an account that was taken out had."""
    names = tuple(map("account-{}".format, range(ACCOUNTS_MOST + 1)))
    looks = [told.Looked(account=name, by="single", result="changed") for name in names]
    metrics = metrics_after(*looks, *looks)
    counted = samples(metrics, "looks_total")
    assert (len(counted), counted[OTHER, "single", "changed"], sum(counted.values())) == (1_001, 2.0, 2_002.0)
    metrics(told.SharesNamed(shares=names[1:]))
    metrics(looks[-1])
    counted = samples(metrics, "looks_total")
    assert (counted[OTHER, "single", "changed"], counted[names[-1], "single", "changed"]) == (2.0, 1.0)
    metrics(told.SharesNamed(shares=names))
    for look in looks:
        metrics(look)
    counted = samples(metrics, "looks_total")
    assert (counted[OTHER, "single", "changed"], counted[names[-1], "single", "changed"]) == (3.0, 2.0)
    assert sum(counted.values()) == 2_002.0 - 2.0 + 1.0 + 1_001.0


def test_of_a_divided_account_its_parts_that_are_here_are_added_up() -> None:
    tally = told.Tally(
        account="a", by_status={"new": 1}, overdue=1, oldest_look_age=5.0, stuck=1, expected_wait=0.5, part="a@1/3"
    )
    budget = told.BudgetUsed(account="a", configured=2.0, effective=1.0, used=0.5, part="a@1/3")
    second = "a@2/3"
    metrics = metrics_after(
        told.LeasesMoved(taken=("a@1/3", "a@2/3")),
        tally,
        replace(tally, by_status={"new": 2, "active": 7}, oldest_look_age=3.0, part=second),
        budget,
        replace(budget, used=0.25, part=second),
        replace(budget, used=0.75, part=second),
    )
    names = ("watches_overdue", "watch_oldest_look_age_seconds", "watches_stuck", "expected_wait_seconds")
    rates = ("account_rate_configured", "account_rate_effective", "account_rate_used")
    assert [samples(metrics, name)[("a",)] for name in (*names, *rates)] == [2.0, 5.0, 2.0, 1.0, 4.0, 2.0, 1.25]
    assert [samples(metrics, "watches")[("a", status)] for status in ("new", "active")] == [3.0, 7.0]
    metrics(told.LeasesMoved(given_back=("a@1/3",)))
    metrics(replace(budget, used=0.75, part=second))
    assert samples(metrics, "account_rate_used") == {("a",): 0.75}
    metrics(told.LeasesMoved(lost=("a@2/3",)))
    assert samples(metrics, "account_rate_used") == {}


def test_parts_of_an_account_that_is_divided_otherwise_are_added_up_no_more() -> None:
    def tally(part: str) -> told.Tally:
        return told.Tally(
            account="a", by_status={}, overdue=1, oldest_look_age=5.0, stuck=0, expected_wait=0.5, part=part
        )

    metrics = metrics_after(
        tally("a@1/2"), tally("a@2/2"), told.SharesNamed(shares=("a@1/3", "a@2/3", "a@3/3")), tally("a@1/3")
    )
    assert samples(metrics, "watches_overdue") == {("a",): 1.0}
    metrics(tally("a@2/2"))  # under way when it was divided anew
    assert samples(metrics, "watches_overdue") == {("a",): 1.0}
    metrics(told.SharesNamed(shares=("a@1/4",)))
    metrics(tally("a@1/3"))
    assert samples(metrics, "watches_overdue") == {("a",): 0.0}


def test_of_a_divided_account_the_part_that_stands_still_is_the_one_that_is_seen() -> None:
    step = told.Stepped(account="a", at=NOON, part="a@1/2")
    later = NOON + timedelta(minutes=1)
    metrics = metrics_after(
        told.LeasesMoved(taken=("a@1/2", "a@2/2")), step, replace(step, part="a@2/2"), replace(step, at=later)
    )
    assert samples(metrics, "poller_last_step_timestamp_seconds") == {("a",): NOON.timestamp()}
    metrics(replace(step, at=later, part="a@2/2"))
    assert samples(metrics, "poller_last_step_timestamp_seconds") == {("a",): later.timestamp()}


def test_leases_are_counted() -> None:
    metrics = metrics_after(
        told.LeasesSeen(held=2, replicas=3, skew=-0.25, unpolled={}),
        told.LeasesMoved(lost=("a", "b")),
        told.WriteFenced(operation="commit"),
    )
    names = ("leases_held", "replicas", "clock_skew_seconds", "lease_lost_total", "fenced_writes_total")
    assert [samples(metrics, name)[()] for name in names] == [2.0, 3.0, -0.25, 2.0, 1.0]


def seen(**unpolled: int) -> told.LeasesSeen:
    return told.LeasesSeen(held=0, replicas=2, skew=0.0, unpolled=unpolled)


def test_that_nobody_polls_an_account_is_told_by_everybody_as_long_as_the_settings_have_it() -> None:
    metrics = metrics_after(seen(a=0, b=2), told.LeasesMoved(taken=("a",)), told.LeasesMoved(given_back=("a",)))
    assert samples(metrics, "account_unpolled") == {("a",): 0.0, ("b",): 2.0}
    assert samples(metrics, "account_state") == {}
    metrics(seen(a=1))
    assert samples(metrics, "account_unpolled") == {("a",): 1.0}


def test_accounts_that_nobody_polls_are_added_up_beyond_the_cap_and_get_names_when_there_is_room() -> None:
    names = list(map("account-{}".format, range(ACCOUNTS_MOST + 2)))
    metrics = metrics_after(seen(**dict.fromkeys(names, 1)))
    assert samples(metrics, "account_unpolled") == {(name,): 1.0 for name in names[:-2]} | {(OTHER,): 2.0}
    metrics(seen(**dict.fromkeys(names[2:], 1)))
    assert samples(metrics, "account_unpolled") == {(name,): 1.0 for name in names[2:]}
