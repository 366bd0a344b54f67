"""Who gets webhooks, by command, against the interface alone: nothing is sent, and receivers answer as the test says."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Watcher, timeless
from tests.cli.interface import Interface
from tests.fakes import NOON, answered
from watcher.core.endpoint import Endpoint, EndpointState, Secrets, SigningKey, Timings
from watcher.core.health import Health
from watcher.core.last_hour import LastHour
from watcher.ports import Refused

URL = "https://example.com/hooks"
SECRET = "whsec_" + "QUJD" * 8


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def crm(there: Interface, **fields: object) -> Endpoint:
    """An endpoint of that name is there."""
    key = SigningKey(key=b"a" * 32)
    endpoint = Endpoint(id="crm", url=URL, created=NOON, secrets=Secrets(keys=(key,)))
    return there.subscribing.keep(replace(endpoint, **fields)).endpoint  # type: ignore[arg-type]


def test_a_new_endpoint_says_its_secret_once_and_alone_on_standard_output(watcher: Watcher, there: Interface) -> None:
    made = watcher("endpoints", "add", URL, "--id", "crm", WATCHER_URL=there.url)
    assert made.exit_code == 0
    assert len(base64.b64decode(made.stdout.strip().removeprefix("whsec_"))) == 32
    assert made.stderr.splitlines() == [
        "endpoint crm is made: it gets what happens from now on",
        "the secret (whsec_…) is shown this once: keep it where only the receiver reads it",
    ]
    shown = watcher("endpoints", "show", "crm", WATCHER_URL=there.url)
    assert "whsec_" not in shown.stdout + shown.stderr


def test_everything_that_can_be_said_of_an_endpoint_arrives(watcher: Watcher, there: Interface) -> None:
    Path("secret").write_text(SECRET + "\n")
    Path("token").write_text("opensesame\n")
    Path("headers").write_text("X-Key: abc\n\nX-Other:  d:e \n")
    made = watcher(
        *("endpoints", "add", URL, "--id", "crm", "--description", "for sales", "--type", "batch.*"),
        *("--type", "account.refused", "--account", "default", "--broadcast", 9, "--label", "team=north"),
        *("--timeout", "20s", "--concurrency", 1, "--rate", 2.5, "--ordering", "batch", "--form", "cloudevents"),
        *("--secret-file", "secret", "--header", "X-Team: north", "--header-file", "headers"),
        *("--bearer-file", "token", "--verify", "ping", "-o", "json"),
        WATCHER_URL=there.url,
    )
    assert (made.exit_code, made.stderr) == (0, "")
    assert json.loads(made.stdout)["secrets"] == [SECRET]
    assert there.subscribing.asked == [
        ("make", "crm", ("v1",), SigningKey(key=base64.b64decode("QUJD" * 8)), "ping"),
    ]
    endpoint = there.subscribing.views["crm"].endpoint
    assert replace(endpoint, secrets=Secrets()) == Endpoint(
        id="crm",
        url=URL,
        description="for sales",
        types=("batch.*", "account.refused"),
        accounts=("default",),
        broadcasts=(9,),
        labels={"team": "north"},
        timeout=timedelta(seconds=20),
        concurrency=1,
        rate=2.5,
        ordering="batch",
        form="cloudevents",
        created=NOON,
    )
    assert endpoint.secrets.headers == {"X-Team": "north", "X-Key": "abc", "X-Other": "d:e"}
    assert endpoint.secrets.authorization == "Bearer opensesame"


@pytest.mark.parametrize(("signatures", "schemes"), [("v1", ["v1"]), ("v1a", ["v1a"]), ("both", ["v1", "v1a"])])
def test_with_what_is_signed_can_be_chosen(
    watcher: Watcher, there: Interface, signatures: str, schemes: list[str]
) -> None:
    made = watcher("endpoints", "add", URL, "--id", "crm", "--signatures", signatures, WATCHER_URL=there.url)
    said = {"v1": "whsec_", "v1a": "whpk_"}
    assert [line.partition("_")[0] + "_" for line in made.stdout.splitlines()] == [said[each] for each in schemes]
    assert ("the public key (whpk_…) verifies" in made.stderr) == ("v1a" in schemes)
    shown = json.loads(watcher("endpoints", "show", "crm", "-o", "json", WATCHER_URL=there.url).stdout)
    assert shown["signatures"] == schemes


def test_credentials_can_be_a_name_and_a_password(watcher: Watcher, there: Interface) -> None:
    added = watcher(
        "endpoints", "add", URL, "--id", "crm", "--basic-file", "-", input="anna:a:b", WATCHER_URL=there.url
    )
    assert added.exit_code == 0
    wanted = "Basic " + base64.b64encode(b"anna:a:b").decode()
    assert there.subscribing.views["crm"].endpoint.secrets.authorization == wanted


def test_each_fault_is_told_with_the_option_that_it_is_about(watcher: Watcher, there: Interface) -> None:
    arguments = ("--type", "batch.*", "--type", "batch.done", "--account", "qq", "--label", f"a={'x' * 501}")
    more = ("--timeout", "31s", "--rate", 0, "--concurrency", 2, "--ordering", "batch", "--header", "Host: a")
    result = watcher("endpoints", "add", "ftp://a", *arguments, *more, WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (2, "")
    told = [line.partition(": ")[0] for line in result.stderr.splitlines()]
    assert told == [
        *("URL", "--type", "--account", "--label a", "--timeout", "--rate", "--ordering", "--header Host"),
    ]
    assert there.subscribing.views == {}


def test_what_only_delivery_refuses_is_told_the_same_way(watcher: Watcher, there: Interface) -> None:
    result = watcher("endpoints", "add", "http://127.0.0.1:9000/", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("URL: The URL ")
    crm(there)
    result = watcher("endpoints", "set", "crm", "--url", "http://127.0.0.1:9000/", WATCHER_URL=there.url)
    assert result.stderr.startswith("--url: The URL ")
    result = watcher("endpoints", "add", URL, "--id", "crm", WATCHER_URL=there.url)
    assert (result.exit_code, result.stderr) == (2, "--id: There is an endpoint crm: take another id\n")


def test_a_receiver_that_does_not_verify_is_told_with_what_it_answered(watcher: Watcher, there: Interface) -> None:
    there.subscribing.attempts["crm"] = answered(500)
    result = watcher("endpoints", "add", URL, "--id", "crm", "--verify", "ping", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == ["Have the receiver answer 2xx.", "the receiver answered 500"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--label", "team"), "--label team: is not KEY=VALUE: write it as --label team=north"),
        (("--header", "hunter2"), "--header: a header is not NAME: VALUE: write it as 'X-Team: north'"),
        (("--header", "A: 1", "--header", "a: 2"), "--header: the header a is given twice: give it once"),
        (("--header-file", "no"), "--header-file no: cannot be read (No such file or directory): give a file with one"),
        (("--header-file", "latin"), "--header-file latin: is not UTF-8 text: give a file with one header a line"),
        (("--secret-file", "no"), "--secret-file no: cannot be read (No such file or directory): give the file that"),
        (("--secret-file", "empty"), "--secret-file empty: is empty: it must hold the secret, and nothing else"),
        (("--secret-file", "two"), "--secret-file two: has several lines: it must hold the secret, and nothing else"),
        (("--secret-file", "latin"), "--secret-file latin: is not UTF-8 text: give the file that holds the secret"),
        (("--basic-file", "one"), "--basic-file one: is not USER:PASSWORD: write both on one line, a colon between"),
        (("--basic-file", "one", "--bearer-file", "one"), "One Authorization is sent: give --bearer-file or"),
        (("--concurrency", "0"), "0 is not a whole number from 1"),
        (("--ordering", "time"), "'time' is not one of 'none', 'batch'"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked_and_secrets_are_not_repeated(
    watcher: Watcher, arguments: tuple[str, ...], said: str
) -> None:
    for name, content in (("empty", b"\n"), ("two", b"a\nb\n"), ("latin", b"\xff"), ("one", b"hunter2\n")):
        Path(name).write_bytes(content)
    result = watcher("endpoints", "add", URL, *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert "hunter2" not in result.stderr


def test_what_is_given_is_changed_and_the_rest_stays(watcher: Watcher, there: Interface) -> None:
    secrets = Secrets(keys=(SigningKey(key=b"a" * 32),), headers={"A": "1", "B": "2"}, authorization="Bearer x")
    crm(there, types=("batch.new",), labels={"team": "north"}, rate=1.0, description="old", secrets=secrets)
    arguments = ("--type", "batch.active", "--reset", "rate", "--reset", "authorization", "--header", "C: 3")
    result = watcher("endpoints", "set", "crm", *arguments, WATCHER_URL=there.url)
    assert (result.exit_code, result.stderr) == (0, "")
    endpoint = there.subscribing.views["crm"].endpoint
    assert (endpoint.types, endpoint.labels, endpoint.rate) == (("batch.active",), {"team": "north"}, None)
    assert (endpoint.description, endpoint.secrets.headers) == ("old", {"C": "3"})
    assert endpoint.secrets.authorization is None


def test_a_scheme_can_be_left_off_and_one_without_a_key_is_refused(watcher: Watcher, there: Interface) -> None:
    pair = SigningKey(scheme="v1a", key=b"b" * 64)
    crm(there, secrets=Secrets(keys=(SigningKey(key=b"a" * 32), pair)))
    assert watcher("endpoints", "set", "crm", "--signatures", "v1a", WATCHER_URL=there.url).exit_code == 0
    assert there.subscribing.views["crm"].endpoint.secrets.keys == (pair,)
    result = watcher("endpoints", "set", "crm", "--signatures", "both", WATCHER_URL=there.url)
    assert result.exit_code == 2
    assert result.stderr.startswith("--signatures: It has no key for v1")


def test_a_change_that_makes_no_sense_is_refused_before_anything_is_asked(watcher: Watcher) -> None:
    for arguments, said in (
        ((), "Nothing is to be changed: give at least one option."),
        (("--rate", "2", "--reset", "rate"), "--reset rate takes back what another option gives"),
    ):
        result = watcher("endpoints", "set", "crm", *arguments)
        assert result.exit_code == 2
        assert said in " ".join(result.stderr.split())


def test_what_the_settings_keep_is_not_changed_here(watcher: Watcher, there: Interface) -> None:
    crm(there, kept_by="settings")
    for arguments in (("set", "crm", "--rate", "2"), ("rotate", "crm")):
        result = watcher("endpoints", *arguments, WATCHER_URL=there.url)
        assert (result.exit_code, result.stderr) == (2, "The settings keep crm: change it there, and restart.\n")


def test_what_cannot_be_deleted_keeps_nothing_else_from_it(watcher: Watcher, there: Interface) -> None:
    crm(there)
    there.subscribing.keep(Endpoint(id="file", url=URL, kept_by="settings"))
    why = "The settings keep file: change it there, and restart."
    result = watcher("endpoints", "rm", "file", "crm", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout, result.stderr) == (1, "endpoint crm is deleted\n", f"file: {why}\n")
    rows = json.loads(watcher("endpoints", "rm", "file", "-o", "json", WATCHER_URL=there.url).stdout)
    assert rows == [{"id": "file", "removed": False, "error": why}]


def test_the_list_says_how_each_stands(watcher: Watcher, there: Interface) -> None:
    crm(there, types=("batch.*", "watch.expired"))
    later = NOON + timedelta(minutes=5)
    other = Endpoint(id="ops", url=URL + "?key=hunter2", kept_by="settings")
    there.subscribing.keep(other, condition="paused", until=later, pending=7, held=1, dead=2, oldest=NOON)
    table = watcher("endpoints", "ls", WATCHER_URL=there.url).stdout
    assert words(timeless(table)) == [
        ["ID", "CONDITION", "UNTIL", "PENDING", "HELD", "DEAD", "OLDEST", "KEPT", "BY", "TYPES", "URL"],
        ["crm", "active", "0", "0", "0", "api", "batch.*", "watch.expired", URL],
        [
            *("ops", "paused", "THEN", "7", "1", "2", "THEN", "settings", "all", URL + "?…"),
        ],
    ]
    listed = json.loads(watcher("endpoints", "ls", "-o", "json", WATCHER_URL=there.url).stdout)
    assert [(each["id"], each["pending"]) for each in listed] == [("crm", 0), ("ops", 7)]


def test_a_list_of_several_pages_is_shown_as_one(watcher: Watcher, there: Interface) -> None:
    for number in range(1001):
        there.subscribing.keep(Endpoint(id=f"e{number:04}", url=URL))
    listed = json.loads(watcher("endpoints", "ls", "-o", "json", WATCHER_URL=there.url).stdout)
    assert [each["id"] for each in listed] == [f"e{number:04}" for number in range(1001)]


def test_all_that_is_known_of_an_endpoint_is_shown(watcher: Watcher, there: Interface) -> None:
    old = SigningKey(key=b"o" * 32, until=NOON + timedelta(hours=24))
    pair = SigningKey(scheme="v1a", key=b"b" * 64)
    secrets = Secrets(
        keys=(SigningKey(key=b"a" * 32), pair, old), headers={"X-Team": "n"}, authorization="Bearer hunter2"
    )
    health = Health(failures_in_a_row=6, failing_since=NOON, failed=6, opened=2, open_until=NOON + timedelta(minutes=1))
    endpoint = crm(
        there,
        description="for sales",
        accounts=("default",),
        broadcasts=(9, 10),
        labels={"team": "north"},
        concurrency=2,
        rate=2.5,
        secrets=secrets,
        health=health,
    )
    standing = {"until": NOON + timedelta(minutes=1), "pending": 3, "held": 0, "dead": 1, "oldest": NOON}
    there.subscribing.keep(endpoint, condition="open", reason="timeout", **standing)
    shown = watcher("endpoints", "show", "crm", WATCHER_URL=there.url)
    public = "whpk_" + base64.b64encode(b"b" * 32).decode()
    assert words(shown.stdout) == [
        ["endpoint", "crm"],
        ["kind", "webhook"],
        ["url", URL],
        ["description", "for", "sales"],
        ["kept", "by", "the", "daemon", "(watcher", "endpoints)"],
        ["made", "2026-11-23T12:00:00.000Z"],
        ["condition", "open", "until", "2026-11-23T12:01:00.000Z"],
        ["reason", "timeout"],
        ["pending", "3"],
        ["oldest", "2026-11-23T12:00:00.000Z"],
        ["held", "0"],
        ["dead", "1"],
        ["types", "all"],
        ["accounts", "default"],
        ["broadcasts", "9,", "10"],
        ["label", "team", "north"],
        ["timeout", "15", "s"],
        ["concurrency", "2"],
        ["rate", "2.5", "a", "second"],
        ["ordering", "none"],
        ["form", "plain"],
        ["signatures", "v1,", "v1a"],
        ["old", "keys", "v1", "until", "2026-11-24T12:00:00.000Z"],
        ["public", "key", public],
        ["headers", "X-Team"],
        ["authorization", "bearer"],
        ["failures", "in", "a", "row", "6"],
        ["failing", "since", "2026-11-23T12:00:00.000Z"],
        [*("disabled", "at", "2026-11-28T12:00:00.000Z", "at", "the", "earliest,", "if", "nothing", "succeeds")],
        ["breaker", "open,", "opened", "2", "times"],
    ]
    crm(there, kept_by="settings")
    quiet = [line[0] for line in words(watcher("endpoints", "show", "crm", WATCHER_URL=there.url).stdout)]
    assert not {"failing", "breaker", "disabled", "old", "public", "headers", "reason"} & set(quiet)


def test_deleting_says_which_were_there(watcher: Watcher, there: Interface) -> None:
    crm(there)
    result = watcher("endpoints", "rm", "crm", "nobody", WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (1, "endpoint crm is deleted\n")
    assert result.stderr == "nobody: There is no endpoint 'nobody'.\n"
    crm(there)
    result = watcher("endpoints", "rm", "crm", "nobody", "-o", "json", WATCHER_URL=there.url)
    assert json.loads(result.stdout) == [
        {"id": "crm", "removed": True},
        {"id": "nobody", "removed": False, "error": "There is no endpoint 'nobody'."},
    ]


def test_the_last_hour_of_an_endpoint_is_drawn_in_strokes(watcher: Watcher, there: Interface) -> None:
    crm(there)
    there.subscribing.hours["crm"] = LastHour(
        since=NOON, done=(7, 1, 0, 0, 16), failed=(0, 0, 0, 0, 3), p50=5 * (0.08,), p95=(0.1, 0.2, None, None, 0.4)
    )
    rows = words(watcher("endpoints", "show", "crm", WATCHER_URL=there.url).stdout)
    assert rows[-3:] == [
        ["accepted", "▄▁█", "24", "since", "2026-11-23", "12:00:00"],
        ["failed", "··█", "3"],
        ["time", "of", "95", "%", "▂▄█", "400", "ms", "at", "most"],
    ]
    shown = json.loads(watcher("endpoints", "show", "crm", "-o", "json", WATCHER_URL=there.url).stdout)
    assert shown["recent"]["done"] == [7, 1, 0, 0, 16]
    there.subscribing.hours.clear()
    rows = words(watcher("endpoints", "show", "crm", WATCHER_URL=there.url).stdout)
    assert [row for row in rows if row[0] == "accepted"] == []


def test_a_sample_is_sent_and_what_came_of_it_shown(watcher: Watcher, there: Interface) -> None:
    crm(there)
    spent = Timings(dns=timedelta(milliseconds=3), connect=timedelta(milliseconds=9), first_byte=timedelta(seconds=1.5))
    there.subscribing.attempts["crm"] = replace(
        answered(202, at=NOON),
        took=timedelta(seconds=1.52),
        answer=b"thank you",
        address="192.0.2.1:443",
        timings=spent,
    )
    result = watcher("endpoints", "test", "crm", "--type", "batch.active", WATCHER_URL=there.url)
    assert (result.exit_code, result.stderr) == (0, "")
    assert words(result.stdout) == [
        ["the", "receiver", "answered", "202"],
        ["at", "2026-11-23T12:00:00.000Z"],
        ["address", "192.0.2.1:443"],
        ["time", "1.52", "s", "(DNS", "3", "ms,", "connect", "9", "ms,", "first", "byte", "1.50", "s)"],
        ["answer", "thank", "you"],
    ]
    assert there.subscribing.asked == [("test", "crm", "batch.active")]


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        (answered(500), "the receiver answered 500"),
        (replace(answered(None), error="tls", detail="the certificate is for a.example"), None),
        (replace(answered(None), error="timeout"), "no answer: timeout"),
    ],
)
def test_a_sample_that_is_not_accepted_ends_with_1(
    watcher: Watcher, there: Interface, attempt: object, said: str | None
) -> None:
    crm(there)
    there.subscribing.attempts["crm"] = attempt  # type: ignore[assignment]
    result = watcher("endpoints", "test", "crm", WATCHER_URL=there.url)
    assert result.exit_code == 1
    assert result.stdout.splitlines()[0] == (said or "no answer: tls (the certificate is for a.example)")
    shown = watcher("endpoints", "test", "crm", "-o", "json", WATCHER_URL=there.url)
    assert (shown.exit_code, json.loads(shown.stdout)["accepted"]) == (1, False)


def test_a_type_that_there_is_not_is_told(watcher: Watcher, there: Interface) -> None:
    crm(there)
    result = watcher("endpoints", "test", "crm", "--type", "batch.done", WATCHER_URL=there.url)
    assert result.exit_code == 2
    assert result.stderr.startswith("--type: There is no event type 'batch.done'. There are: ping, ")


def test_a_new_key_is_said_once_and_until_when_the_old_one_signs_along(watcher: Watcher, there: Interface) -> None:
    crm(there)
    result = watcher("endpoints", "rotate", "crm", "--grace", "2h", WATCHER_URL=there.url)
    assert result.exit_code == 0
    assert result.stdout.startswith("whsec_")
    assert result.stderr.splitlines()[0] == (
        "endpoint crm has a new key; old ones sign along until 2026-11-23T14:00:00.000Z at the latest"
    )
    assert there.subscribing.asked[-1] == ("rotate", "crm", timedelta(hours=2))
    at_once = watcher("endpoints", "rotate", "crm", "--grace", "0s", WATCHER_URL=there.url)
    assert at_once.stderr.splitlines()[0] == "endpoint crm has a new key; no old one signs along"
    Path("secret").write_text(SECRET)
    own = watcher("endpoints", "rotate", "crm", "--secret-file", "secret", "-o", "json", WATCHER_URL=there.url)
    assert json.loads(own.stdout)["secrets"] == [SECRET]
    long = watcher("endpoints", "rotate", "crm", "--grace", "8d", WATCHER_URL=there.url)
    assert (long.exit_code, long.stderr) == (2, "--grace: It must be from 0 to 604800 seconds\n")


def test_only_what_is_new_is_said_of_the_keys(watcher: Watcher, there: Interface) -> None:
    crm(there, secrets=Secrets(keys=(SigningKey(key=b"a" * 32), SigningKey(scheme="v1a", key=b"b" * 64))))
    both = watcher("endpoints", "rotate", "crm", WATCHER_URL=there.url)
    assert [line.partition("_")[0] for line in both.stdout.splitlines()] == ["whsec", "whpk"]
    assert "whpk_" + base64.b64encode(b"b" * 32).decode() not in both.stdout
    own = watcher("endpoints", "rotate", "crm", "--secret-file", "-", input=SECRET, WATCHER_URL=there.url)
    assert own.stdout == f"{SECRET}\n"


def test_too_many_old_keys_are_told(watcher: Watcher, there: Interface) -> None:
    crm(there)
    there.subscribing.refusals["rotate"] = [Refused(kind="too-many-secrets", detail="Wait until noon.")]
    result = watcher("endpoints", "rotate", "crm", WATCHER_URL=there.url)
    assert (result.exit_code, result.stderr) == (2, "Wait until noon.\n")


def test_an_endpoint_is_disabled_with_a_reason_and_enabled_with_what_was_held(
    watcher: Watcher, there: Interface
) -> None:
    crm(there)
    off = watcher("endpoints", "disable", "crm", "--reason", "moves house", WATCHER_URL=there.url)
    assert ["reason", "moves", "house"] in words(off.stdout)
    assert there.subscribing.views["crm"].endpoint.state is EndpointState.DISABLED
    assert json.loads(watcher("endpoints", "disable", "crm", "-o", "json", WATCHER_URL=there.url).stdout)["reason"]
    on = watcher("endpoints", "enable", "crm", WATCHER_URL=there.url)
    assert ["condition", "active"] in words(on.stdout)
    watcher("endpoints", "enable", "crm", "--keep-held", WATCHER_URL=there.url)
    assert there.subscribing.asked == [("enable", "crm", True), ("enable", "crm", False)]


def test_an_id_that_is_empty_names_nothing(watcher: Watcher, there: Interface) -> None:
    for arguments in (("show", ""), ("rm", ""), ("test", ""), ("recover", "", "--since", "1h")):
        result = watcher("endpoints", *arguments, WATCHER_URL=there.url)
        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr == "ID: is empty: name an endpoint as `watcher endpoints ls` shows it\n"


def test_what_is_not_there_ends_with_1_and_no_daemon_with_2(watcher: Watcher, there: Interface) -> None:
    commands: Mapping[str, tuple[str, ...]] = {
        "show": (),
        "set": ("--rate", "1"),
        "test": (),
        "rotate": (),
        "enable": (),
        "disable": (),
        "recover": ("--since", "1h"),
    }
    for command, arguments in commands.items():
        result = watcher("endpoints", command, "nobody", *arguments, WATCHER_URL=there.url)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("There is no endpoint 'nobody'")
        nowhere = watcher("endpoints", command, "nobody", *arguments, WATCHER_URL="http://127.0.0.1:9")
        assert nowhere.exit_code == 2
        assert nowhere.stderr.startswith("no daemon answers at http://127.0.0.1:9 (")
    for arguments in (("add", URL), ("ls",), ("rm", "crm")):
        assert watcher("endpoints", *arguments, WATCHER_URL="http://127.0.0.1:9").exit_code == 2
