"""What is kept of a broadcast, and how it stands, where little is known of it."""

from dataclasses import asdict

from tests.fakes import NOON
from watcher.core.broadcasts import Broadcast, BroadcastView


def test_a_broadcast_of_which_only_the_id_is_known_is_not_followed_and_nothing_of_it_was_listed() -> None:
    bare = BroadcastView(broadcast=Broadcast(account="default", broadcast_id=9, opened=NOON))
    assert asdict(bare) == {
        "broadcast": {
            "account": "default",
            "broadcast_id": 9,
            "kind": None,
            "followed": False,
            "opened": NOON,
            "labels": {},
            "correlation_id": None,
        },
        "batches": 0,
        "listed": None,
        "note": "",
    }
