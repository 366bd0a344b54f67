"""What is logged, how often, and how lines look."""

import io
import json
import logging
import warnings
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON, FakeClock
from tests.telemetry.every_news import EVERYTHING, attempted, changed
from watcher.core import news as told
from watcher.core.news import News
from watcher.telemetry.account_lines import CALM
from watcher.telemetry.lines import MASK, Format, Level, mask, own_logger
from watcher.telemetry.logs import Logs, configure
from watcher.telemetry.remedies import FILES, RESTART
from watcher.telemetry.troubles import SAY_AGAIN

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


class Scribe:
    """Logs into memory."""

    def __init__(self, form: Format = "json", level: Level = "info", stream: io.StringIO | None = None) -> None:
        self.stream = stream or io.StringIO()
        self.clock = FakeClock()
        configure(format=form, level=level, stream=self.stream)
        self.logs = Logs(clock=self.clock)

    def hear(self, *news: News) -> list[dict[str, Any]]:
        """The lines that the news led to, without the time."""
        self.stream.seek(0)
        self.stream.truncate()
        for each in news:
            self.logs(each)
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        for line in lines:
            assert line.pop("timestamp").endswith("Z")
        return lines

    def said(self, *news: News) -> list[str]:
        return [line["event"] for line in self.hear(*news)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def failed(worker: str = "poller a", error: str = "ValueError: no") -> told.WorkerFailed:
    return told.WorkerFailed(worker=worker, error=error, pause=0.5, trace="Traceback\n  here\n")


def test_a_transition_is_one_line_with_its_facts() -> None:
    assert Scribe().hear(changed(window=2.0004, deliveries=1)) == [
        {
            "level": "info",
            "event": "batch.changed",
            "account": "a",
            "batch_id": 7,
            "number": 2,
            "status": "ACTIVE",
            "previous": "VALIDATING",
            "window": 2.0,
            "position": 9,
            "deliveries": 1,
        }
    ]


def test_what_somebody_must_look_into_is_a_warning_under_its_own_name() -> None:
    lines = Scribe().hear(changed("batch.stuck", "NEW"), changed("batch.errors", "ERRORS"), changed("watch.expired"))
    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "batch.stuck"),
        ("warning", "batch.changed"),
        ("warning", "watch.expired"),
    ]


def test_looks_and_answers_are_logged_only_at_level_debug() -> None:
    chatter = (
        told.Answered(account="a", operation="batch", outcome="200", took=0.3),
        told.Looked(account="a", by="single", result="unchanged"),
        told.Following(account="a", batch_id=1, what="created"),
        told.AccountTold(account="a", type="account.refused", position=3, deliveries=1),
        told.Throttled(account="a", until=NOON),
        attempted(),
        told.EndpointTold(endpoint="e", type="endpoint.disabled", position=4, deliveries=1),
        told.EndpointTold(endpoint="e", type="delivery.exhausted", position=5, deliveries=1),
    )
    assert Scribe().said(*chatter) == []
    assert Scribe(level="debug").said(*chatter) == [
        "request.answered",
        "batch.looked",
        "watch.created",
        "event.committed",
        "account.waits",
        "delivery.done",
        "event.committed",
        "event.committed",
    ]


def test_a_collector_of_traces_is_logged_when_it_fails_and_when_it_is_back() -> None:
    lines = Scribe().hear(told.TracesFailed(error="no connection"), told.TracesRecovered())
    assert [(line["level"], line["event"], line.get("error")) for line in lines] == [
        ("warning", "traces.failed", "no connection"),
        ("info", "traces.recovered", None),
    ]


def test_few_files_are_said_with_what_to_do_and_when_it_is_over() -> None:
    assert Scribe().hear(told.FilesFew(limit=1024), told.FilesPlenty(limit=4096)) == [
        {"level": "error", "event": "files.few", "limit": 1024, "remedy": FILES},
        {"level": "info", "event": "files.recovered", "limit": 4096},
    ]


def test_every_kind_of_news_can_be_heard_at_every_level() -> None:
    levels: tuple[Level, ...] = ("debug", "info", "warning", "error")
    for level in levels:
        Scribe(level=level).hear(*EVERYTHING)


def test_an_unknown_status_is_logged_once_per_word() -> None:
    scribe = Scribe()
    words = [told.UnknownStatus(account="a", batch_id=number, status=f"ODD{number % 2}") for number in range(6)]
    assert [line["status"] for line in scribe.hear(*words)] == ["ODD0", "ODD1"]


def test_there_is_an_end_to_the_unknown_statuses_that_are_logged() -> None:
    words = (told.UnknownStatus(account="a", batch_id=1, status=f"W{number}") for number in range(1_005))
    assert len(Scribe().said(*words)) == 1_000


def into(condition: str, previous: str = "ok") -> told.ConditionChanged:
    return told.ConditionChanged(account="a", condition=condition, previous=previous, reason="why", until=NOON)


def test_an_account_in_trouble_is_logged_by_the_name_of_the_trouble() -> None:
    lines = Scribe().hear(into("throttled"), into("refused"), into("down"), into("paused"), into("ok", "down"))
    assert [(line["level"], line["event"]) for line in lines] == [
        ("warning", "account.throttled"),
        ("error", "account.refused"),
        ("warning", "account.down"),
        ("warning", "account.paused"),
        ("info", "account.recovered"),
    ]
    assert lines[1] | {"until": "2026-11-23T12:00:00.000Z", "reason": "why"} == lines[1]
    assert lines[4]["previous"] == "down"


def test_an_account_that_is_slowed_down_time_and_again_is_logged_as_one_trouble_until_nothing_more_comes() -> None:
    scribe, used = Scribe(), told.BudgetUsed(account="a", configured=5.0, effective=5.0, used=1.0)
    again = into("ok", "throttled"), used, into("throttled")
    first = {"level": "warning", "event": "account.throttled", "account": "a", "reason": "why"}
    first |= {"until": "2026-11-23T12:00:00.000Z"}
    assert scribe.hear(into("throttled"), *again, *again) == [first]
    scribe.clock.turn(seconds=SAY_AGAIN)
    assert scribe.hear(*again) == [first | {"times": 3}]
    scribe.clock.turn(seconds=CALM - 1)
    assert scribe.hear(*again) == [first]
    scribe.clock.turn(seconds=CALM)
    recovered = {"level": "info", "event": "account.recovered", "account": "a", "previous": "throttled"}
    assert scribe.hear(into("ok", "throttled"), used, used) == [recovered]
    assert scribe.hear(into("throttled")) == [first]


def test_an_account_that_was_slowed_down_and_fails_is_in_one_trouble_which_ends_once() -> None:
    scribe, used = Scribe(), told.BudgetUsed(account="a", configured=5.0, effective=5.0, used=1.0)
    assert scribe.said(into("throttled"), into("down", "throttled")) == ["account.throttled", "account.down"]
    scribe.clock.turn(seconds=CALM)
    assert scribe.said(used, into("ok", "down"), used) == ["account.recovered"]


def learnt(rate: float, reason: told.RateReason, account: str = "a") -> told.RateLearnt:
    return told.RateLearnt(account=account, rate=rate, previous=5.0, configured=5.0, reason=reason)


def test_a_learnt_rate_is_logged_when_it_falls_when_it_is_found_and_when_all_may_be_used_again() -> None:
    scribe = Scribe()
    assert scribe.hear(learnt(2.5, "lowered")) == [
        {
            "level": "warning",
            "event": "account.rate_lowered",
            "account": "a",
            "rate": 2.5,
            "configured": 5.0,
            "reason": "lowered",
        }
    ]
    assert scribe.said(learnt(1.25, "lowered"), learnt(1.5, "grown")) == []
    assert scribe.hear(learnt(5 / 3, "found")) == [
        {"level": "info", "event": "account.rate_found", "account": "a", "rate": 1.667, "configured": 5.0}
    ]
    assert scribe.said(learnt(1.6, "lowered"), learnt(1.65, "found"), learnt(4.0, "grown")) == []
    assert scribe.said(learnt(5.0, "restored"), learnt(2.5, "lowered")) == [
        "account.rate_restored",
        "account.rate_lowered",
    ]
    assert scribe.said(learnt(1.0, "kept", "b")) == ["account.rate_lowered"]
    assert Scribe(level="debug").said(learnt(2.5, "lowered"), learnt(3.0, "grown")) == [
        "account.rate_lowered",
        "account.rate_changed",
    ]


def test_failing_deliveries_are_logged_at_the_first_and_at_recovery_and_dead_ones_each() -> None:
    scribe = Scribe()
    assert scribe.said(*[attempted("retried", code=503)] * 3) == ["delivery.retried"]
    assert scribe.said(attempted("dead", code=503), attempted("dead", code=503)) == ["delivery.dead"] * 2
    assert scribe.hear(attempted(), attempted()) == [
        {"level": "info", "event": "delivery.recovered", "endpoint": "e", "failed": 5}
    ]
    assert scribe.said(attempted("retried", code=503)) == ["delivery.retried"]
    scribe.hear(told.EndpointChanged(endpoint="e", state="removed", reason="deleted"))
    assert scribe.said(attempted("retried", code=503)) == ["delivery.retried"]


@pytest.mark.parametrize(("outcome", "code"), [("returned", 429), ("held", 410), ("lost", 200)])
def test_a_pause_a_hold_or_a_lost_claim_is_no_failure_of_a_delivery(outcome: str, code: int) -> None:
    assert Scribe().said(attempted(outcome, code=code), attempted()) == []


def test_an_endpoint_is_logged_when_its_state_changes() -> None:
    def into(state: str) -> told.EndpointChanged:
        return told.EndpointChanged(endpoint="e", state=state, reason="why", until=None)

    scribe = Scribe()
    assert scribe.said(into("active"), into("paused"), into("paused"), into("active"), into("active")) == [
        "endpoint.paused",
        "endpoint.resumed",
    ]
    assert scribe.said(into("open"), into("open"), into("paused"), into("open"), into("active")) == [
        "endpoint.open",
        "endpoint.paused",
        "endpoint.open",
        "endpoint.resumed",
    ]
    assert scribe.hear(into("disabled"), into("disabled")) == [
        {"level": "error", "event": "endpoint.disabled", "endpoint": "e", "reason": "why", "until": None}
    ]
    assert scribe.hear(into("removed")) == [
        {"level": "info", "event": "endpoint.removed", "endpoint": "e", "reason": "why"}
    ]
    assert scribe.said(into("active"), into("disabled")) == ["endpoint.disabled"]


def test_an_open_breaker_is_a_warning_that_says_until_when() -> None:
    opened = told.EndpointChanged(endpoint="e", state="open", reason="the receiver answered 500", until=NOON)
    assert Scribe().hear(opened) == [
        {
            "level": "warning",
            "event": "endpoint.open",
            "endpoint": "e",
            "reason": "the receiver answered 500",
            "until": "2026-11-23T12:00:00.000Z",
        }
    ]


def test_an_endpoint_that_fails_is_a_warning_and_its_recovery_is_said() -> None:
    def committed(kind: str) -> told.EndpointTold:
        return told.EndpointTold(endpoint="e", type=kind, position=4, deliveries=1)

    what = {"endpoint": "e", "position": 4, "deliveries": 1}
    assert Scribe().hear(committed("endpoint.failing"), committed("endpoint.recovered")) == [
        {"level": "warning", "event": "endpoint.failing", **what},
        {"level": "info", "event": "endpoint.recovered", **what},
    ]


def test_steps_that_wait_for_older_processes_are_told_with_the_remedy() -> None:
    assert Scribe().hear(told.MigrationsWait(steps=("0012_contract_more",))) == [
        {
            "level": "info",
            "event": "migration.waits",
            "steps": ["0012_contract_more"],
            "remedy": "run `watcher db migrate`, when the older processes have ended",
        }
    ]


def test_unencrypted_secrets_are_a_warning_with_the_remedy_once() -> None:
    scribe = Scribe()
    assert scribe.hear(told.SecretsExposed(endpoints=2), told.SecretsExposed(endpoints=3)) == [
        {
            "level": "warning",
            "event": "secrets.unencrypted",
            "endpoints": 2,
            "remedy": "make a key with `watcher db key` and set it as database.encryption_key",
        }
    ]


def test_what_the_retention_deleted_is_said() -> None:
    assert Scribe().hear(told.Swept(events=3, deliveries=2, broadcasts=1, took=0.50004)) == [
        {"level": "info", "event": "retention.swept", "events": 3, "deliveries": 2, "broadcasts": 1, "took": 0.5}
    ]


def test_a_failing_worker_is_logged_when_it_begins_and_when_it_ends() -> None:
    scribe = Scribe()
    (line,) = scribe.hear(*[failed()] * 20)
    assert line == {
        "level": "error",
        "event": "worker.failed",
        "worker": "poller a",
        "error": "ValueError: no",
        "pause": 0.5,
        "exception": "Traceback\n  here\n",
    }
    assert scribe.said(told.WorkerRecovered(worker="poller a"), failed()) == ["worker.recovered", "worker.failed"]


def test_another_failure_of_a_worker_is_logged_and_another_worker_is_its_own_matter() -> None:
    news = failed(), failed(error="KeyError: 'x'"), failed(error="KeyError: 'y'"), failed(worker="keeper")
    assert [(line["worker"], line["error"]) for line in Scribe().hear(*news)] == [
        ("poller a", "ValueError: no"),
        ("poller a", "KeyError: 'x'"),
        ("keeper", "ValueError: no"),
    ]


def test_a_failure_that_goes_on_is_said_again_after_a_while_with_its_count() -> None:
    scribe = Scribe()
    scribe.hear(*[failed()] * 3)
    scribe.clock.turn(seconds=SAY_AGAIN)
    (line,) = scribe.hear(failed(), failed())
    assert line["times"] == 3


def test_a_failing_store_is_logged_when_it_begins_and_when_it_ends() -> None:
    scribe = Scribe()
    broken = told.StoreFailed(operation="commit", error="disk full")
    assert scribe.hear(broken, broken, broken) == [
        {"level": "error", "event": "store.failed", "operation": "commit", "error": "disk full"}
    ]
    assert scribe.said(told.StoreRecovered(operation="commit"), broken) == ["store.recovered", "store.failed"]
    scribe.hear(broken)
    scribe.clock.turn(seconds=SAY_AGAIN)
    assert scribe.hear(broken)[0]["times"] == 2


def test_failing_attempts_are_logged_when_they_begin_and_when_they_end() -> None:
    scribe = Scribe()
    unknown = told.AuthFailed(reason="unknown", address="10.0.0.7")
    expired = told.AuthFailed(reason="expired", address="10.0.0.8")
    assert scribe.hear(unknown, expired, unknown, expired) == [
        {"level": "warning", "event": "auth.failing", "reason": "unknown", "address": "10.0.0.7"},
        {"level": "warning", "event": "auth.failing", "reason": "expired", "address": "10.0.0.8"},
    ]
    assert scribe.hear(told.AuthCalm(failed=4)) == [{"level": "info", "event": "auth.calm", "failed": 4}]
    assert scribe.said(unknown) == ["auth.failing"]
    scribe.clock.turn(seconds=SAY_AGAIN)
    assert scribe.hear(unknown, unknown)[0] == {
        "level": "warning",
        "event": "auth.failing",
        "reason": "unknown",
        "address": "10.0.0.7",
    }


def test_the_daemons_life_is_logged() -> None:
    assert Scribe().hear(
        told.Started(version="1", listen="http://127.0.0.1:8080", accounts=1, watches=3),
        told.Reloaded(at=NOON, error=None, changed=("log.level",), restart=("http.listen",), warnings=("chmod 600",)),
        told.Reloaded(at=NOON, error="accounts.x: unknown key"),
        told.Stopping(reason="SIGTERM"),
    ) == [
        {
            "level": "info",
            "event": "daemon.started",
            "version": "1",
            "listen": "http://127.0.0.1:8080",
            "accounts": 1,
            "watches": 3,
        },
        {"level": "info", "event": "settings.reloaded", "count": 1, "changed": ["log.level"]},
        {"level": "warning", "event": "settings.wait", "count": 1, "settings": ["http.listen"], "remedy": RESTART},
        {"level": "warning", "event": "settings.warning", "warning": "chmod 600"},
        {"level": "error", "event": "settings.refused", "error": "accounts.x: unknown key"},
        {"level": "info", "event": "daemon.stopping", "reason": "SIGTERM"},
    ]


def test_another_level_is_gone_by_when_it_is_told_of() -> None:
    scribe = Scribe(level="warning")
    stepped = told.Looked(account="a", by="single", result="changed")
    assert scribe.said(told.Stopping(reason="SIGTERM"), stepped) == []
    configure(format="json", level="debug", stream=scribe.stream)
    scribe.logs.listen_up()
    assert scribe.said(told.Stopping(reason="SIGTERM"), stepped) == ["daemon.stopping", "batch.looked"]


def test_a_request_that_failed_is_logged_with_where() -> None:
    news = told.RequestFailed(
        method="GET", route="/v1/events", error="ValueError: no", trace="Traceback\n", request_id="r-1"
    )
    assert Scribe().hear(news) == [
        {
            "level": "error",
            "event": "request.failed",
            "method": "GET",
            "route": "/v1/events",
            "request_id": "r-1",
            "error": "ValueError: no",
            "exception": "Traceback\n",
        }
    ]


SECRETS = (
    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "hunter22",
    "c3VwZXJzZWNyZXQ=",
    "wat_RAP5w7lue1nYahSIt6Fko1HhdtzuTvpg",
)


@pytest.mark.parametrize("form", ["json", "console"])
@pytest.mark.parametrize(
    "reason",
    [
        f"the secret is {SECRETS[0]}",
        f"the token {SECRETS[3]} was used",
        f"https://me:{SECRETS[1]}@example.com/hook failed",
        f"https://{SECRETS[1]}@example.com/hook failed",
        f"postgresql://watcher:{SECRETS[1]}@[::1]:5432/x",
        f"login:{SECRETS[1]}@host is wrong",
        f"Authorization: Basic {SECRETS[2]}",
        f"authorization: bearer {SECRETS[1]}",
        f"{{'url': 'http://a:{SECRETS[1]}@b'}}",
    ],
)
def test_a_secret_that_slipped_into_a_value_is_not_written(form: Format, reason: str) -> None:
    stream = io.StringIO()
    Scribe(form, stream=stream)
    logs = Logs(clock=FakeClock())
    logs(told.Stopping(reason=reason))
    logs(told.WorkerFailed(worker="w", error=reason, pause=1.0, trace=f"Traceback\nValueError: {reason}\n"))
    logging.getLogger("library").error("it said %s", reason)
    written = stream.getvalue()
    assert MASK in written
    for secret in SECRETS:
        assert secret not in written


def test_what_stands_under_a_key_of_a_secret_is_not_written() -> None:
    event = {
        "event": "x.y",
        "password": "p",
        "api_token": "p",
        "Authorization": "p",
        "client_secret": "p",
        "webhook-signature": "p",
        "nested": {"Set-Cookie": "p", "list": [{"credentials": ("p",)}], "when": NOON, "kept": 3},
        "kept": ["a", 1.5, None, True],
    }
    assert mask(None, "info", event) == {
        "event": "x.y",
        "password": MASK,
        "api_token": MASK,
        "Authorization": MASK,
        "client_secret": MASK,
        "webhook-signature": MASK,
        "nested": {
            "Set-Cookie": MASK,
            "list": [{"credentials": MASK}],
            "when": "2026-11-23T12:00:00+00:00",
            "kept": 3,
        },
        "kept": ["a", 1.5, None, True],
    }


def test_around_a_masked_secret_the_rest_can_still_be_read() -> None:
    text = "https://me:pw@example.com/hook, u:pw@host, Bearer abcdef; whsk_abc= and postgresql://u:p@ss@[::1]:5432/db"
    assert mask(None, "info", {"event": text})["event"] == (
        "https://***@example.com/hook, ***@host, Bearer ***; whsk_*** and postgresql://***@[::1]:5432/db"
    )


def test_what_is_no_secret_is_left_as_it_is() -> None:
    text = "at 10:30, http://127.0.0.1:8080/v1 answered 200: name@example.com, basically fine"
    assert mask(None, "info", {"event": text}) == {"event": text}


@given(
    st.recursive(st.none() | st.text() | st.binary(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))
)
def test_masking_never_fails_and_leaves_no_signing_key(value: Any) -> None:
    masked = mask(None, "info", {"event": "x", "value": value, "list": ["whsec_abcd", value]})
    assert masked["list"][0] == "whsec_***"


def test_text_without_spaces_is_masked_in_linear_time() -> None:
    huge = "a:" * 200_000
    assert mask(None, "info", {"event": huge})["event"] == huge


@pytest.mark.parametrize("evil", ["x\nlevel=info fake", "x\r\x1b[2Jgone", "x\u2028y", "x\u202ey", "x\x00y\x85z"])
def test_no_value_starts_a_line_of_its_own(evil: str) -> None:
    forms: tuple[Format, ...] = ("json", "console")
    for form in forms:
        stream = io.StringIO()
        Scribe(form, stream=stream)
        logs = Logs(clock=FakeClock())
        logs(told.UnknownStatus(account="a", batch_id=1, status=evil))
        logging.getLogger("library").error("it said %s", evil)
        own_logger().info("x.y", nested={evil: [evil, 3]})
        written = stream.getvalue()
        assert len(written.splitlines()) == 3
        assert not set(evil) & set("\r\x1b\u2028\u202e\x00\x85") & set(written)


def test_a_trace_on_a_console_is_indented_so_that_no_line_of_it_looks_like_an_entry() -> None:
    stream = io.StringIO()
    Scribe("console", stream=stream)
    Logs(clock=FakeClock())(
        told.WorkerFailed(
            worker="w", error="ValueError", pause=1.0, trace="Traceback\n2026-01-01T00:00:00Z [info] fake\n"
        )
    )
    first, *trace = stream.getvalue().splitlines()
    assert "worker.failed" in first
    assert trace == ["    | Traceback", "    | 2026-01-01T00:00:00Z [info] fake"]


def test_libraries_log_the_same_way_with_their_traces_and_warnings() -> None:
    scribe = Scribe()
    try:
        raise ValueError("no")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("Error handling %s", "it")
    logging.getLogger("asyncio").info("said")
    logging.getLogger("asyncio").debug("not said")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    first, second, third = (json.loads(line) for line in scribe.stream.getvalue().splitlines())
    assert list(first)[:3] == ["timestamp", "level", "event"]
    assert (first["logger"], first["event"], first["level"]) == ("aiohttp.server", "Error handling it", "error")
    assert first["exception"].endswith("ValueError: no")
    assert (second["logger"], second["event"]) == ("asyncio", "said")
    assert third["logger"] == "py.warnings"
    assert "old" in third["event"]


def test_auto_is_for_people_on_a_terminal_and_json_elsewhere() -> None:
    terminal, pipe = Terminal(), io.StringIO()
    Scribe("auto", stream=terminal).logs(told.Stopping(reason="SIGTERM"))
    Scribe("auto", stream=pipe).logs(told.Stopping(reason="SIGTERM"))
    assert "daemon.stopping" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()
    assert json.loads(pipe.getvalue())["event"] == "daemon.stopping"


def test_without_a_stream_lines_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    configure(format="json", level="info")
    Logs(clock=FakeClock())(told.Stopping(reason="SIGTERM"))
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err)["reason"] == "SIGTERM"


def test_configuring_again_replaces_what_was_before() -> None:
    first, second = Scribe(), Scribe()
    second.logs(told.Stopping(reason="SIGTERM"))
    assert first.stream.getvalue() == ""
    assert len(second.stream.getvalue().splitlines()) == 1


def test_a_log_that_cannot_be_written_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(logging, "raiseExceptions", False)
    Scribe(stream=Full()).logs(told.Stopping(reason="SIGTERM"))


def test_each_step_of_a_batch_on_its_way_to_callfire_is_a_line_and_a_doubtful_one_a_warning() -> None:
    def submitted(state: str, detail: str = "") -> told.Submitted:
        what = {"account": "a", "broadcast_id": 14, "submission": "sub_1", "batch_id": None, "tries": 1}
        return told.Submitted(state=state, detail=detail, **what)  # type: ignore[arg-type]

    lines = Scribe().hear(submitted("sending"), submitted("unclear", "CallFire answered 503"), submitted("accepted"))
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "submission.sending"),
        ("warning", "submission.unclear"),
        ("info", "submission.accepted"),
    ]
    assert {key: lines[1][key] for key in ("account", "broadcast_id", "submission", "tries", "detail")} == {
        "account": "a",
        "broadcast_id": 14,
        "submission": "sub_1",
        "tries": 1,
        "detail": "CallFire answered 503",
    }


def test_accounts_that_move_between_replicas_are_one_line_however_many() -> None:
    many = tuple(f"a{number:04}" for number in range(1000))
    assert Scribe().hear(told.LeasesMoved(taken=many), told.LeasesMoved(given_back=("b",), lost=("c",))) == [
        {"level": "info", "event": "leases.taken", "count": 1000, "accounts": list(many[:10])},
        {"level": "info", "event": "leases.given_back", "count": 1, "accounts": ["b"]},
        {"level": "warning", "event": "leases.lost", "count": 1, "accounts": ["c"]},
    ]
