"""What polling, delivery and the interface need from the world. Each method's docstring states its promise.

The store's promises are tested by one contract suite against every implementation.
"""

from watcher.core.asking import BandQuery, EventQuery, Owed, WatchQuery
from watcher.core.broadcasts import Broadcast, BroadcastView
from watcher.core.explaining import Explanation
from watcher.core.last_hour import LastHour
from watcher.core.lengths import Eta, Length, Lengths
from watcher.core.looks import PastLook, PastLooks
from watcher.core.model import LastLook
from watcher.core.news import Tell
from watcher.core.recovering import (
    Cutoffs,
    DeliveryDetails,
    DeliveryQuery,
    DeliveryView,
    Forgotten,
    Recovered,
    Recovery,
    Resent,
)
from watcher.core.soonest import Soonest
from watcher.core.wishes import UNSET, BroadcastWish, Followed, FollowedBroadcast, Unset, Wish
from watcher.ports.delivering import Committed, Deliveries, Endpoints, Settled
from watcher.ports.errors import LeaseLost, NotAnswered, StoreError, StoreInUse, UnknownOutcome, UnusableStore
from watcher.ports.interface import (
    AccountView,
    Check,
    EndpointView,
    Following,
    Health,
    RefusalKind,
    Refused,
    Subscribing,
    Verification,
)
from watcher.ports.leases import Board, Held, Lease, Leases, Replica, Standing
from watcher.ports.once import Begun, KeptAnswer, Once
from watcher.ports.planning import Planned, Planning, Unplanned, UnplannedKind
from watcher.ports.ranks import Ranks
from watcher.ports.store import AccountChange, Accounts, Broadcasts, Change, Store
from watcher.ports.submissions import SubmissionQuery, Submissions, Submitting, Switched
from watcher.ports.tokens import Tokens, Whose
from watcher.ports.words import Heard, Word, WordKind, Words
from watcher.ports.world import Clock, Handshake, Sender, Upstream

__all__ = [
    "UNSET",
    "AccountChange",
    "AccountView",
    "Accounts",
    "BandQuery",
    "Begun",
    "Board",
    "Broadcast",
    "BroadcastView",
    "BroadcastWish",
    "Broadcasts",
    "Change",
    "Check",
    "Clock",
    "Committed",
    "Cutoffs",
    "Deliveries",
    "DeliveryDetails",
    "DeliveryQuery",
    "DeliveryView",
    "EndpointView",
    "Endpoints",
    "Eta",
    "EventQuery",
    "Explanation",
    "Followed",
    "FollowedBroadcast",
    "Following",
    "Forgotten",
    "Handshake",
    "Health",
    "Heard",
    "Held",
    "KeptAnswer",
    "LastHour",
    "LastLook",
    "Lease",
    "LeaseLost",
    "Leases",
    "Length",
    "Lengths",
    "NotAnswered",
    "Once",
    "Owed",
    "PastLook",
    "PastLooks",
    "Planned",
    "Planning",
    "Ranks",
    "Recovered",
    "Recovery",
    "RefusalKind",
    "Refused",
    "Replica",
    "Resent",
    "Sender",
    "Settled",
    "Soonest",
    "Standing",
    "Store",
    "StoreError",
    "StoreInUse",
    "SubmissionQuery",
    "Submissions",
    "Submitting",
    "Subscribing",
    "Switched",
    "Tell",
    "Tokens",
    "UnknownOutcome",
    "Unplanned",
    "UnplannedKind",
    "Unset",
    "UnusableStore",
    "Upstream",
    "Verification",
    "WatchQuery",
    "Whose",
    "Wish",
    "Word",
    "WordKind",
    "Words",
]
