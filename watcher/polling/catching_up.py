"""A poller takes in what other replicas have stored of its account. It goes by what the store has, so that it may be told twice;
nothing is told of it here, for whoever did it has."""

from watcher.core.broadcasts import Broadcast
from watcher.core.model import Key, State, Watch
from watcher.polling.poller import Poller
from watcher.ports import Store


def know(poller: Poller, watch: Watch, *, anew: bool = True) -> None:
    """The watch as it is stored now: followed, stopped, told anew, or another part's. One that is not `anew`, and was looked at
    before, comes from another part."""
    if watch.state is not State.OPEN or not poller.part.has(watch):
        if watch.batch_id in poller.roster:
            poller.drop(watch.batch_id)
    elif watch.batch_id not in poller.roster:
        (poller.admit if anew else poller.take_over)(watch)
    else:
        poller.roster.remind(watch)


def know_broadcast(poller: Poller, broadcast: Broadcast) -> None:
    """The broadcast as it is stored now: followed as a whole, or not any more."""
    if not poller.part.lists(broadcast.broadcast_id):
        return
    if broadcast.followed:
        poller.follow_broadcast(broadcast)
    else:
        poller.stop_broadcast(broadcast.broadcast_id)


async def catch_up(poller: Poller, store: Store) -> None:
    """Compares the poller with the store, where it may have missed anything. Raises StoreError."""
    account, roster = poller.account.name, poller.roster
    unseen = set(roster.batch_id[roster.live].tolist())
    async for portion in store.open_watches(account):
        for watch in portion:
            unseen.discard(watch.batch_id)
            know(poller, watch)
    for batch_id in unseen:  # it was stopped, or opened since
        there = await store.watch(Key(account, batch_id))
        if there is not None:
            know(poller, there)
    for broadcast in await store.broadcasts(account):
        know_broadcast(poller, broadcast)
    for submission in await store.unsettled(account):
        await poller.submitter.cases.take_up(submission.id)
