"""What each metric is good for, and a query to begin with: the part of deploy/metrics.md that no code knows."""

from typing import Final, NamedTuple


class Use(NamedTuple):
    """What to do with it, in a sentence or two; and what to ask Prometheus."""

    text: str
    query: str


USES: Final[dict[str, dict[str, Use]]] = {
    "Asking CallFire": {
        "upstream_requests_total": Use(
            "Which share of the requests fails, and how. `switch` is a batch that is enabled or disabled.",
            'sum by (account, outcome) (rate(watcher_upstream_requests_total{outcome!~"2.."}[5m]))',
        ),
        "upstream_request_duration_seconds": Use(
            "CallFire is slow: compare with yesterday's. All accounts together.",
            "histogram_quantile(0.95, sum by (operation, le) (rate(watcher_upstream_request_duration_seconds_bucket[5m])))",
        ),
        "account_rate_configured": Use(
            "What the settings allow (`rate`).", "sum by (account) (watcher_account_rate_configured)"
        ),
        "account_rate_effective": Use(
            "Below the configured one: CallFire has answered 429 and the daemon found out what it may do.",
            "sum by (account) (watcher_account_rate_effective) / sum by (account) (watcher_account_rate_configured)",
        ),
        "account_rate_used": Use(
            "Near the effective one and watches overdue: the budget is too small.",
            "sum by (account) (watcher_account_rate_used) / sum by (account) (watcher_account_rate_effective)",
        ),
        "account_state": Use(
            "`refused`: correct the login. `down`: CallFire does not answer. `throttled`: it asked for a pause.",
            'max by (account, state) (watcher_account_state{state!="ok"}) == 1',
        ),
        "account_throttled_total": Use(
            "More than one or two an hour: somebody else uses the same login, or `rate` is too high.",
            "sum by (account) (increase(watcher_account_throttled_total[1h]))",
        ),
        "account_breaker_opened_total": Use(
            "How often an account came to be `down` or `refused`.",
            "sum by (account, reason) (increase(watcher_account_breaker_opened_total[1d]))",
        ),
        "account_unpolled": Use(
            "For long not 0: nobody has the account, or it cannot be loaded. Each replica tells it of all accounts it knows.",
            "max by (account) (watcher_account_unpolled) > 0",
        ),
        "poller_last_step_timestamp_seconds": Use(
            "A poller steps every 15 s at least, also with nothing to do. Of parts of an account it is the slowest.",
            "max by (account) (time() - watcher_poller_last_step_timestamp_seconds)",
        ),
    },
    "Following batches": {
        "watches": Use(
            "How many batches stand where, those that have settled included.",
            "sum by (account, status) (watcher_watches)",
        ),
        "watches_overdue": Use(
            "More than a few for minutes: the budget does not reach. Raise `rate`, or follow less.",
            "sum by (account) (watcher_watches_overdue)",
        ),
        "watch_oldest_look_age_seconds": Use(
            "Should stay below `polling.max_interval`.",
            "max by (account) (watcher_watch_oldest_look_age_seconds)",
        ),
        "watches_stuck": Use(
            "Batches that should long have ended by what was learnt: ask CallFire's support.",
            "sum by (account) (watcher_watches_stuck)",
        ),
        "expected_wait_seconds": Use(
            "How late the schedule is, by its own measure. It grows without end where the budget is too small.",
            "sum by (account) (watcher_expected_wait_seconds)",
        ),
        "looks_total": Use(
            "Looks per request say what pages save; changed looks per look, what polling yields. An answer that says nothing of "
            "a batch (429, 401) is no look.",
            "sum by (account, result) (rate(watcher_looks_total[1h]))",
        ),
        "transition_window_seconds": Use(
            "How late changes are noticed at most. The number to watch: an ACTIVE unseen is a campaign that starts late.",
            "histogram_quantile(0.95, sum by (le) (rate(watcher_transition_window_seconds_bucket[10m])))",
        ),
        "transitions_total": Use(
            "What happens to batches. Those out of `validating` into a final status begin at 0 with their account.",
            "sum by (account, to) (increase(watcher_transitions_total[1h]))",
        ),
        "batch_validation_duration_seconds": Use(
            "How long CallFire takes to validate, by how it ended; its `_count` says how many failed.",
            'histogram_quantile(0.5, sum by (le) (rate(watcher_batch_validation_duration_seconds_bucket{final="active"}[1h])))',
        ),
        "status_unknown_total": Use(
            "CallFire has a new word: such batches are polled on, and nobody knows what they mean. The log has the word.",
            "sum by (account) (increase(watcher_status_unknown_total[1d]))",
        ),
        "watches_ended_total": Use(
            "`missing`: CallFire has the batch no longer. `expired`: it did not settle in the time it was given.",
            'sum by (account, reason) (increase(watcher_watches_ended_total{reason=~"missing|expired"}[1d]))',
        ),
        "submissions_total": Use(
            "`unclear`: sent, and whether CallFire took it is being found out. `absent`, `refused`: it does not have it.",
            'sum by (account, state) (increase(watcher_submissions_total{state=~"absent|refused|unclear"}[1d]))',
        ),
    },
    "What polling costs": {
        "streamrank_total_time_average_seconds": Use(
            "How much sooner whoever gets webhooks knows than whoever polls.",
            "max by (account, by) (watcher_streamrank_total_time_average_seconds)",
        ),
        "streamrank_size_download_average_bytes": Use(
            "How much less is sent.",
            "max by (account, by) (watcher_streamrank_size_download_average_bytes)",
        ),
        "streamrank_saved_percentage": Use(
            "0 to 100: what webhooks have saved those who would poll.",
            "max by (account, of) (watcher_streamrank_saved_percentage)",
        ),
        "streamrank_change_percentage": Use(
            "0 to 100: low where much is asked and little happens.",
            "max by (account) (watcher_streamrank_change_percentage)",
        ),
    },
    "Delivering webhooks": {
        "deliveries_total": Use(
            "`dead`: given up after all attempts; `watcher endpoints recover` sends them anew. `held`: kept until its "
            "endpoint is enabled.",
            'sum by (endpoint) (increase(watcher_deliveries_total{outcome="dead"}[1h]))',
        ),
        "delivery_attempts_total": Use(
            "What the receiver answers, or why it does not.",
            'sum by (endpoint, result) (rate(watcher_delivery_attempts_total{result!="2xx"}[5m]))',
        ),
        "delivery_delay_seconds": Use(
            "From the moment a change is kept to the receiver's 2xx, repeated attempts included. All endpoints together.",
            "histogram_quantile(0.95, sum by (le) (rate(watcher_delivery_delay_seconds_bucket[10m])))",
        ),
        "delivery_attempt_duration_seconds": Use(
            "A receiver that is slow holds up its own deliveries only.",
            "histogram_quantile(0.95, sum by (endpoint, le) (rate(watcher_delivery_attempt_duration_seconds_bucket[10m])))",
        ),
        "deliveries_pending": Use(
            "Owed and not accepted. Each replica tells the same number: take the greatest.",
            "max by (endpoint) (watcher_deliveries_pending)",
        ),
        "delivery_oldest_age_seconds": Use(
            "Over some minutes: the receiver does not take what it is sent.",
            "max by (endpoint) (watcher_delivery_oldest_age_seconds)",
        ),
        "endpoint_state": Use(
            "`open`: left alone for a while, as it kept failing. `disabled`: by an operator, by a 410, or after days of it.",
            'max by (endpoint, state) (watcher_endpoint_state{state!="active"}) == 1',
        ),
        "endpoint_events_total": Use(
            "What operators were told of, also by webhook.",
            "sum by (endpoint, type) (increase(watcher_endpoint_events_total[1d]))",
        ),
    },
    "Several replicas": {
        "leases_held": Use(
            "0 at one of many is fine; all of them together: every account, or part of one.", "sum(watcher_leases_held)"
        ),
        "replicas": Use(
            "As each of them sees it. They should agree, and be as many as are running.",
            "max(watcher_replicas) - count(watcher_replicas)",
        ),
        "lease_lost_total": Use(
            "Another one took an account over: this process stood still, or did not reach the database.",
            "sum(increase(watcher_lease_lost_total[1h]))",
        ),
        "fenced_writes_total": Use(
            "Each was one that would have been too late, and was refused. A few where a lease was lost.",
            "sum(increase(watcher_fenced_writes_total[1h]))",
        ),
        "clock_skew_seconds": Use(
            "From 60 on (ahead or behind) `/readyz` fails: set the clock right.",
            "max(abs(watcher_clock_skew_seconds))",
        ),
    },
    "The daemon": {
        "event_loop_lag_seconds": Use(
            "Over half a second: the process has too little of a core.",
            "histogram_quantile(0.99, sum by (instance, le) (rate(watcher_event_loop_lag_seconds_bucket[5m])))",
        ),
        "store_operation_duration_seconds": Use(
            "Which operation of the database is slow. `commit` keeps a change, `claim` and `settle` are deliveries.",
            "histogram_quantile(0.99, sum by (operation, le) (rate(watcher_store_operation_duration_seconds_bucket[5m])))",
        ),
        "retention_deleted_total": Use(
            "What was old enough to go.", "sum by (kind) (increase(watcher_retention_deleted_total[1d]))"
        ),
        "worker_failures_total": Use(
            "A mistake of ours, or a machine in trouble: the log (`worker.failed`) has what it was. It is tried again by itself.",
            "sum by (worker) (increase(watcher_worker_failures_total[1h]))",
        ),
        "http_request_failures_total": Use(
            "A mistake of ours: the log (`request.failed`) has what it was.",
            "sum by (route) (increase(watcher_http_request_failures_total[1h]))",
        ),
        "trace_spans_lost_total": Use(
            "The collector of traces is away, too slow, or refuses them (`traces.failed` in the log says which).",
            "sum by (instance) (increase(watcher_trace_spans_lost_total[1h]))",
        ),
        "stream_clients": Use("Who listens to `/v1/events/stream` and to the page.", "sum(watcher_stream_clients)"),
        "stream_dropped_total": Use(
            "`slow` and `stalled`: the client, or what lies between, does not keep up.",
            "sum by (reason) (increase(watcher_stream_dropped_total[1h]))",
        ),
        "auth_failures_total": Use(
            "Somebody has an old token, or tries some.",
            "sum by (reason) (increase(watcher_auth_failures_total[1h]))",
        ),
        "settings_last_reload_successful": Use(
            "0: the settings that were read last are wrong, and those before are in force. The log says what is wrong.",
            "watcher_settings_last_reload_successful == 0",
        ),
        "settings_last_reload_timestamp_seconds": Use(
            "How old the settings in force are.",
            "time() - watcher_settings_last_reload_timestamp_seconds",
        ),
        "build_info": Use("Which versions run.", "count by (version) (watcher_build_info)"),
    },
}
"""By section and name, without the prefix, in the order of the document."""
