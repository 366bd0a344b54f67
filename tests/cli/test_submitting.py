"""Batches sent by command: read and checked before, sent once, waited for, and what is said where nothing is certain."""

import asyncio
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Scene, Watcher
from tests.cli.interface import Interface
from tests.fakes import NOON
from watcher.cli.printing import Stop
from watcher.cli.recipients import Recipient
from watcher.cli.submitting import _ask_back
from watcher.core.answers import Kind, SwitchAnswer
from watcher.core.model import Batch
from watcher.core.submissions import Submission, SubmissionState
from watcher.ports import SubmissionQuery, Switched

TAKEN = {"state": SubmissionState.ACCEPTED, "batch_id": 13, "tries": 1, "settled": NOON, "sent": NOON}
REFUSED = {"state": SubmissionState.REFUSED, "settled": NOON, "detail": "CallFire answered 400: no such list"}
PEOPLE = "Name,Telephone\nAda,+1 (213) 555-1122\n\nBob,213-555\nEve,12135551122\n"


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text("\ufeffName,Phone Number\nAda,+1 (213) 555-1122\nBob,1 213 555 1123\n", encoding="utf-8")
    return file


def kept(there: Interface) -> list[Submission]:
    """What the daemon wrote down, the newest first."""
    asked = there.submitting.submissions(SubmissionQuery(account="default"))
    newest = asyncio.run_coroutine_threadsafe(asked, there._loop).result(10)
    each = [
        asyncio.run_coroutine_threadsafe(there.submitting.submission(one.account, one.id), there._loop)
        for one in newest
    ]
    return [found for future in each if (found := future.result(10)) is not None]


def test_a_csv_is_sent_with_all_that_is_said_of_it(watcher: Watcher, there: Interface, people: Path) -> None:
    there.submitting.becomes = TAKEN
    said = ("--kind", "call", "--strict", "-l", "team=north", "--correlation-id", "c-1", "--expires-in", "2h")
    done = watcher(
        "submit", 14, "--name", "Autumn", "--csv", people, "--attr", "first=Name", *said, WATCHER_URL=there.url
    )
    assert done.exit_code == 0
    [made] = kept(there)
    assert done.stdout == f"batch 13 of account default, Autumn [{made.id.removeprefix('sub_')}]: accepted\n"
    assert (made.broadcast_id, made.kind, made.strict, made.labels, made.recipients) == (
        14,
        "call",
        True,
        {"team": "north"},
        2,
    )


def test_what_is_to_be_sent_is_read_from_the_columns(watcher: Watcher, there: Interface, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("id,Telephone,Vorname\n1,12135551122,Ädä\n2,,\n,,\n")
    arguments = ("submit", 14, "--name", "Autumn", "--csv", file, "--timeout", "0s")
    watcher(*arguments, "--column", "phone=Telephone", "--attr", "first=Vorname", WATCHER_URL=there.url)
    assert kept(there) == []  # somebody has no number
    watcher(*arguments, "--column", "contact=id", WATCHER_URL=there.url)
    [made] = kept(there)
    assert json.loads(made.request or b"")["recipients"] == [{"contact_id": 1}, {"contact_id": 2}]


def test_only_the_end_of_a_line_ends_a_row(watcher: Watcher, there: Interface, tmp_path: Path) -> None:
    """What other characters begin a new line for somebody may stand in a name."""
    file = tmp_path / "odd.csv"
    file.write_bytes('phone,first\r\n12135551122,Ada\u2028L\r\n12135551123,"Bob\x0b\r\n'.encode() + b'B"\r\n')
    arguments = ("submit", 14, "--name", "Autumn", "--csv", file, "--attr", "first=first", "--timeout", "0s")
    done = watcher(*arguments, WATCHER_URL=there.url)
    assert done.exit_code == 3, done.stderr
    [made] = kept(there)
    assert json.loads(made.request or b"")["recipients"] == [
        {"phone_number": "12135551122", "attributes": {"first": "Ada\u2028L"}},
        {"phone_number": "12135551123", "attributes": {"first": "Bob\x0b\r\nB"}},
    ]


def test_everything_that_is_wrong_is_listed_with_its_line_and_nothing_is_sent(
    watcher: Watcher, there: Interface, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE)
    done = watcher("submit", 14, "--name", " x", "--csv", file, "--column", "phone=Telephone", WATCHER_URL=there.url)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "--name: It must have no characters of control, and no blanks at its ends",
        f"{file} line 4: It must be 11 digits that begin with 1, such as 12135551122 or +1 213 555 1122",
        f"{file} line 5: It is that of {file} line 2 too: take it out, or give --scrub-duplicates",
        "nothing was sent",
    ]
    assert kept(there) == []


def test_a_json_list_is_taken_of_objects_and_of_numbers(watcher: Watcher, there: Interface) -> None:
    there.submitting.becomes = TAKEN
    text = '["12135551122", {"contact_id": 7, "attributes": {"first": "Ada"}}]'
    done = watcher("submit", 14, "--name", "x", "--json", "-", input=text, WATCHER_URL=there.url)
    assert (done.exit_code, kept(there)[0].recipients) == (0, 2)
    wrong = watcher("submit", 14, "--name", "x", "--json", "-", input='["1"]', WATCHER_URL=there.url)
    assert wrong.stderr.startswith("- item 1: It must be 11 digits")


def test_a_contact_list_is_sent_to(watcher: Watcher, there: Interface) -> None:
    there.submitting.becomes = TAKEN
    done = watcher("submit", 14, "--name", "x", "--contact-list", 7, "-o", "json", WATCHER_URL=there.url)
    assert json.loads(done.stdout)["batch_id"] == 13
    assert kept(there)[0].recipients is None


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        (
            "a,b\n1,2\n",
            (),
            "none of its headings (a, b) is known as a phone number: say which with --column phone=HEADING",
        ),
        ("", (), "none of its headings (it has none) is known"),
        ("Name;Phone\nAda;1\n", (), "=HEADING; if these are several, save the file with commas between them"),
        ("phone\n", (), "nobody is in it"),
        ("number,phone\n7,1\n", (), "(number, phone) may be meant: say which with --column phone=HEADING"),
        ("phone,phone\n7,1\n", (), "has the heading 'phone' more than once: give each column a name of its own"),
        ("phone\n1\n", ("--column", "phone=x"), "has no heading 'x' for phone; there are: phone"),
        ("phone\n1\n", ("--attr", "first=x"), "has no heading 'x' for first; there are: phone"),
        ("phone\n1\n", ("--column", "fax=phone"), "--column fax: a column is phone or contact"),
        ("phone\n1\n", ("--column", "phone"), "--column phone: is not NAME=HEADING"),
        ('phone\n"1\n', (), "is not CSV (unexpected end of data)"),
    ],
)
def test_a_csv_that_cannot_be_used_is_refused_with_the_remedy(
    watcher: Watcher, tmp_path: Path, text: str, arguments: tuple[str, ...], said: str
) -> None:
    file = tmp_path / "people.csv"
    file.write_text(text)
    done = watcher("submit", 14, "--name", "x", "--csv", file, *arguments, WATCHER_URL="http://127.0.0.1:1")
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(("text", "said"), [("{", "is not JSON"), ("{}", "is no list"), ("[]", "nobody is in it")])
def test_a_json_that_cannot_be_used_is_refused_with_the_remedy(watcher: Watcher, text: str, said: str) -> None:
    done = watcher("submit", 14, "--name", "x", "--json", "-", input=text, WATCHER_URL="http://127.0.0.1:1")
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


def test_a_file_that_cannot_be_read_is_named(watcher: Watcher, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes(b"phone\n\xff\n")
    for name, said in (("none.csv", "cannot be read"), ("latin.csv", "is not UTF-8")):
        done = watcher("submit", 14, "--name", "x", "--csv", tmp_path / name)
        assert (done.exit_code, said in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("--csv", "a", "--json", "b"), ("--contact-list", 7, "--column", "phone=x"), ("--contact-list", 0)],
)
def test_it_must_be_clear_whom_it_is_for(watcher: Watcher, arguments: tuple[object, ...]) -> None:
    assert watcher("submit", 14, "--name", "x", *arguments).exit_code == 2


def test_what_callfire_refuses_is_said_in_its_words(watcher: Watcher, there: Interface) -> None:
    there.submitting.becomes = REFUSED
    done = watcher("submit", 14, "--name", "x", "--contact-list", 7, WATCHER_URL=there.url)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "refused: CallFire answered 400: no such list.\n"


@pytest.mark.parametrize(("tries", "code"), [(0, 1), (1, 3)])
def test_one_that_was_withdrawn_after_it_was_sent_is_not_said_to_call_nobody(
    watcher: Watcher, there: Interface, tries: int, code: int
) -> None:
    there.submitting.becomes = REFUSED | {"state": SubmissionState.WITHDRAWN, "tries": tries, "detail": "withdrawn"}
    done = watcher("submit", 14, "--name", "x", "--contact-list", 7, WATCHER_URL=there.url)
    assert (done.exit_code, done.stderr) == (code, "withdrawn: withdrawn.\n")


class Terminal(io.StringIO):
    """Somebody at a terminal, who says this."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("whom", "told"),
    [
        ([Recipient(where="x", body={})] * 3, "3 recipients"),
        ([Recipient(where="x", body={})], "1 recipient"),
        (None, "contact list 7"),
    ],
)
def test_somebody_at_a_terminal_is_asked_back_before_anybody_is_called(
    monkeypatch: pytest.MonkeyPatch, whom: list[Recipient] | None, told: str
) -> None:
    monkeypatch.setattr("sys.stderr", said := Terminal())
    monkeypatch.setattr("sys.stdin", Terminal("y\nn\n"))
    monkeypatch.setattr("sys.stdout", Terminal())
    _ask_back(14, "Autumn", whom, 7)
    with pytest.raises(Stop) as stopped:
        _ask_back(14, "Autumn", whom, 7)
    assert (stopped.value.lines, stopped.value.code) == (("nothing was sent",), 1)
    with pytest.raises(Stop) as unanswered:
        _ask_back(14, "Autumn", whom, 7)
    assert unanswered.value.lines == ("nothing was sent: nobody answered; give --yes where nobody is asked",)
    assert f"Send 'Autumn' to {told} in broadcast 14?" in said.getvalue()


def test_what_comes_to_nothing_while_it_is_waited_for_is_said(watcher: Watcher, there: Interface) -> None:
    def settle() -> None:
        while not (found := kept(there)):
            pass
        ended = there.submitting.become(found[0].id, **REFUSED | {"state": SubmissionState.ABSENT})
        asyncio.run_coroutine_threadsafe(ended, there._loop).result(10)

    with ThreadPoolExecutor(1) as pool:
        settled = pool.submit(settle)
        done = watcher("submit", 14, "--name", "x", "--contact-list", 7, WATCHER_URL=there.url)
        settled.result()
    assert (done.exit_code, done.stderr.startswith("absent: CallFire answered 400: no such list")) == (1, True)


def test_where_it_is_not_certain_in_time_the_key_to_go_on_with_is_said(watcher: Watcher, there: Interface) -> None:
    arguments = ("submit", 14, "--name", "x", "--contact-list", 7)
    done = watcher(*arguments, "--timeout", "0s", WATCHER_URL=there.url)
    assert done.exit_code == 3
    assert done.stdout.endswith(": intended\n")
    (key,) = re.findall(r"--key (\w+) goes on, and sends nothing twice\n$", done.stderr)
    there.submitting.becomes = TAKEN
    again = watcher(*arguments, "--key", key, WATCHER_URL=there.url)
    assert (again.exit_code, len(kept(there))) == (0, 1)


def test_where_no_daemon_answers_the_key_is_said_too(watcher: Watcher) -> None:
    done = watcher("submit", 14, "--name", "x", "--contact-list", 7, "-a", "default", WATCHER_URL="http://127.0.0.1:1")
    assert done.exit_code == 2
    assert re.search(r"--key \w{32} goes on", done.stderr)


def test_submissions_are_listed_and_shown_and_withdrawn(watcher: Watcher, there: Interface) -> None:
    watcher("submit", 14, "--name", "First", "--contact-list", 7, "--timeout", "0s", WATCHER_URL=there.url)
    there.submitting.becomes = TAKEN
    watcher("submit", 14, "--name", "Second", "--contact-list", 7, "-l", "a=b", WATCHER_URL=there.url)
    ids = {each.name.partition(" ")[0]: each.id for each in kept(there)}
    everything = json.loads(watcher("submissions", "ls", "-o", "json", WATCHER_URL=there.url).stdout)
    assert {each["id"] for each in everything} == set(ids.values())
    left = json.loads(watcher("submissions", "ls", "--open", "-o", "json", WATCHER_URL=there.url).stdout)
    assert [each["id"] for each in left] == [ids["First"]]
    shown = watcher("submissions", "show", ids["Second"], WATCHER_URL=there.url)
    assert ["label", "a", "b"] in [line.split() for line in shown.stdout.splitlines()]
    gone = watcher("submissions", "withdraw", ids["First"], WATCHER_URL=there.url)
    assert (gone.exit_code, gone.stdout.endswith(": withdrawn\n")) == (0, True)
    assert watcher("submissions", "withdraw", ids["Second"], WATCHER_URL=there.url).exit_code == 2
    assert watcher("submissions", "show", "sub_x", WATCHER_URL=there.url).exit_code == 1


def test_more_submissions_than_are_shown_are_told_of(watcher: Watcher, there: Interface) -> None:
    for _ in range(3):
        watcher("submit", 14, "--name", "x", "--contact-list", 7, "--timeout", "0s", WATCHER_URL=there.url)
    listed = watcher("submissions", "ls", "--limit", 2, WATCHER_URL=there.url)
    assert listed.stderr == "there are more than 2: see them with --limit\n"
    assert len(listed.stdout.splitlines()) == 3


SEEN = Batch(id=13, status="ACTIVE", enabled=False)
TOLD = SwitchAnswer(batch_id=13, asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="200", done=True)


def test_a_batch_is_switched(watcher: Watcher, there: Interface) -> None:
    there.submitting.switched = Switched(answer=TOLD, batch=SEEN)
    done = watcher("switch", 13, "off", WATCHER_URL=there.url)
    assert (done.exit_code, done.stdout) == (0, "default/13 is off now\n")
    there.submitting.switched = Switched(answer=TOLD, batch=replace(SEEN, enabled=True))
    done = watcher("switch", 13, "on", "-o", "json", WATCHER_URL=there.url)
    assert json.loads(done.stdout)["enabled"] is True
    there.submitting.switched = Switched(answer=replace(TOLD, done=False, outcome="404"))
    assert watcher("switch", 13, "on", WATCHER_URL=there.url).exit_code == 1


# With everything in its place.


def test_a_batch_is_sent_followed_and_waited_for(watcher: Watcher, scene: Scene, people: Path) -> None:
    """From the CSV to its ACTIVE, through a daemon and a simulated CallFire; then it is switched off."""
    batch = scene.add(kind="calls", validating_for=0.1, new_for=0.1)
    shown = json.loads(watcher("add", batch, "-o", "json", WATCHER_URL=scene.url).stdout)
    assert shown[0]["result"] == "created"
    watcher("wait", batch, "--timeout", "30s", WATCHER_URL=scene.url)
    broadcast = json.loads(watcher("show", batch, "-o", "json", WATCHER_URL=scene.url).stdout)["broadcast_id"]
    done = watcher(
        *("submit", broadcast, "--name", "Autumn", "--csv", people, "--wait", "--timeout", "60s", "-o", "ndjson"),
        WATCHER_URL=scene.url,
    )
    lines: list[Any] = [json.loads(line) for line in done.stdout.splitlines()]
    assert lines[0]["state"] == "accepted"
    made = lines[0]["batch_id"]
    ended = lines[-1]["waited"][0]["ended"]
    assert (lines[-1]["waited"][0]["batch_id"], ended in ("ACTIVE", "ERRORS")) == (made, True)
    assert done.exit_code == (0 if ended == "ACTIVE" else 1)
    off = watcher("switch", made, "off", "-o", "json", WATCHER_URL=scene.url)
    assert (json.loads(off.stdout)["enabled"], json.loads(off.stdout)["size"]) == (False, 2)
