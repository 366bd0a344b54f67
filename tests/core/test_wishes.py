"""What a wish asks for where nothing more is said."""

from tests.core.making import fresh
from watcher.core.model import Key
from watcher.core.wishes import UNSET, BroadcastWish, Followed, Wish


def test_a_wish_leaves_and_forgets_nothing_unless_it_says_so() -> None:
    key = Key("default", 13)
    assert Wish(key=key) == Wish(key=key, only_new=False)
    assert BroadcastWish(account="default", broadcast_id=14) == BroadcastWish(
        account="default", broadcast_id=14, forgets_correlation=False
    )
    assert not Followed(what="known", watch=fresh()).told


def test_what_is_not_said_is_another_thing_than_none() -> None:
    assert (UNSET is None, UNSET.value) == (False, "unset")
