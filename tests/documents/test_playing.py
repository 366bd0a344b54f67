"""Every command and every program in the documents does what they say, in its order, as one user would on one afternoon."""

import fcntl
import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping

import pytest

from tests.cli.conftest import process
from tests.documents.playing import LOGIN, START, Played, play, playable
from tests.documents.reading import documents, section

Playing = Callable[[str], Played]

RECEIVED = "until [ $(grep -c batch.active said-{number}.txt) -ge 5 ]; do sleep 0.1; done"


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The CallFire of all documents, which knows the login that they speak of."""
    with process(
        "simulate", "--at-start", 0, "--latency", 0, *LOGIN, folder=tmp_path_factory.mktemp("simulator")
    ) as said:
        yield said


@pytest.fixture(scope="module")
def playing(tmp_path_factory: pytest.TempPathFactory, worker_id: str, simulator: Mapping[str, str]) -> Playing:
    """What came of a document: it is run once, by whichever test asks first, also where several processes share the tests."""
    ours = tmp_path_factory.getbasetemp()
    shared = (ours if worker_id == "master" else ours.parent) / "documents"
    shared.mkdir(exist_ok=True)

    def played(document: str) -> Played:
        folder = shared / document.replace("/", "-")
        kept = folder.with_suffix(".played")
        with folder.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                folder.mkdir()
                until = ""
                if document == START:
                    (number,) = (
                        number for number, block in enumerate(playable(document)) if block.language == "python"
                    )
                    until = RECEIVED.format(number=number)
                kept.write_bytes(pickle.dumps(play(document, folder, simulator, until)))
        came: Played = pickle.loads(kept.read_bytes())
        return came

    return played


@pytest.mark.parametrize("document", [document for document in documents() if playable(document)])
def test_all_that_a_document_has_one_do_can_be_done(document: str, playing: Playing) -> None:
    played = playing(document)
    last = [block.text for block, said in played.said.items() if said][-1:]
    assert played.code == 0, f"{played.trouble}\nthe last that said something: {last}"


def test_the_receiver_gets_every_end_verified_by_the_library(playing: Playing) -> None:
    played = playing(START)
    received = [line.split() for line in played.of("serve_forever")]
    ends = [int(batch_id) for _, kind, batch_id in received if kind == "batch.active"]
    assert sorted(ends) == played.ids
    assert len({number for number, _, _ in received}) == len(received)


def test_registering_says_what_is_followed(playing: Playing) -> None:
    played = playing(START)
    first, put, posted, *listed = played.of("watcher add 13 14")
    assert first == "2 now followed"
    assert json.loads(put)["batch_id"] == played.ids[2]
    assert [item["batch_id"] for item in json.loads(posted)["items"]] == played.ids[3:]
    assert [int(line.split()[1]) for line in listed[1:6]] == played.ids


def test_the_log_can_be_read(playing: Playing) -> None:
    document, *_ = playing(START).of("/v1/events?after=0")
    assert {event["type"].partition(".")[0] for event in json.loads(document)["items"]} <= {"batch"}


def test_a_script_goes_on_when_the_batches_are_ready(playing: Playing) -> None:
    for document in (START, "deploy/batches.md"):
        assert playing(document).of("start the campaign")[-1] == "start the campaign"


def test_what_is_scraped_is_there(playing: Playing) -> None:
    said = "\n".join(playing(START).of("/metrics"))
    named = set(re.findall(r"`(watcher_\w+)`", section(START, "Metrics")))
    assert len(named) == 5
    assert {metric for metric in named if f"\n# TYPE {metric} " in f"\n{said}"} == named
    assert said.count('"ok":true') + said.count('"ok": true') >= 2


def test_a_broadcast_is_followed_and_gets_the_batch_that_is_sent(playing: Playing) -> None:
    played = playing("deploy/batches.md")
    batch = f"default/{played.ids[0]}"
    sent, _, submission, *switched = played.of("watcher submit")
    assert re.fullmatch(r"batch \d+ of account default, Autumn \[\w{12}\]: accepted", sent)
    assert sent.split()[1] in submission.split()
    assert switched == [f"{batch} is off now", f"{batch} is on now"]
    followed, *shown = played.of("watcher show --broadcast")
    assert re.fullmatch(r"broadcast \d+ is followed as a whole; .*", followed)
    assert ["kind", "call"] in [line.split() for line in shown]


def test_an_endpoint_made_by_command_gets_what_is_sent_to_it(playing: Playing) -> None:
    played = playing("deploy/endpoints.md")
    said = played.of("watcher endpoints test trial")
    assert (said[0], said[-1]) == ("the receiver answered 204", "endpoint trial is deleted")
    listened = [line.split() for line in (played.folder / "forever-1.txt").read_text().splitlines() if "->" in line]
    assert {line[line.index("->") - 1] for line in listened} == {"verified"}
    sample, *recovered = (line[1] for line in listened)
    assert sample.startswith("test_")
    assert recovered
    assert all(number.startswith("evt_") for number in recovered)


def test_a_python_program_follows_waits_and_reads_what_happened(playing: Playing) -> None:
    played = playing("deploy/client.md")
    followed, ended, *events = played.of("watcher.follow(13")
    assert followed == "['reopened', 'reopened']"  # for they have ended by then
    assert ended == str(dict.fromkeys(played.ids[:3], "ACTIVE"))
    assert {line.split()[-1] for line in events} <= {str(each) for each in played.ids}
    assert len(events) == 3


def test_a_token_that_is_made_may_do_what_it_was_made_for(playing: Playing) -> None:
    session, *listed = playing("deploy/api.md").of("watcher token ls")
    assert json.loads(session)["scopes"] == ["read", "write"]
    assert {line.split()[1] for line in listed[1:]} == {"me", "ci"}


def test_a_plan_tells_what_a_budget_buys(playing: Playing) -> None:
    lines = playing("deploy/budget.md").of("watcher plan")
    assert lines[0].split() == ["MEAN", "P50", "P95", "P99", "REQUESTS"]
    assert "requests a second" in "".join(lines[6:])
    assert lines[-1].startswith("account default has seen ") or " to " in lines[-1] or "not known" in lines[-1]


def test_what_is_asked_for_as_csv_or_json_comes_as_that(playing: Playing) -> None:
    said = playing("deploy/cli.md").of("watcher ls -o csv")
    assert said[0].split(",")[:2] == ["account", "batch_id"], said
    assert any(line.startswith("{") and '"position"' in line for line in said)
