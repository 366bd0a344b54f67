"""How the tables would be spread by account over the shards of Citus or its like, and which statements would ask several shards.

Nothing of it was tried on Citus: it says what the tables and the statements allow, and tests hold it against both.
"""

import re
from collections.abc import Mapping
from typing import Final

BY_ACCOUNT: Final = frozenset(
    {
        "watches",
        "watch_labels",
        "watch_words",
        "events",
        "deliveries",
        "attempts",
        "claims",
        "broadcasts",
        "learnt",
        "streamranks",
    }
)
"""Spread by their column `account`; the rows of an account are together, so what joins them stays in one shard."""
EVERYWHERE: Final = frozenset({"accounts", "endpoints", "tokens", "submissions"})
"""Reference tables, the same in every shard: few rows that are asked for with those of accounts, or found across accounts (a
submission by whoever asks once, a token by its secret)."""
AT_ONE_PLACE: Final = frozenset(
    {"log", "leases", "replicas", "words", "turns", "once", "sessions", "meta", "partitions"}
)
"""Beside the shards: what all replicas have in common. They change too often to be changed in every shard."""

CROSSING: Final[Mapping[str, frozenset[str]]] = {
    "the log is one, by position, whatever the account: each shard is asked for its part, and the parts are merged": frozenset(
        {
            "events_after",
            "events_to_recover",
            "first_event_from",
            "last_position",
            "log_span",
        }
    ),
    "what an endpoint is owed is of all accounts: its limits and its order hold over all of them": frozenset(
        {
            "claim_due",
            "hasten_deliveries",
            "keep_deliveries_held",
            "line_up",
            "newest_deliveries",
            "newest_in_state",
            "owed",
            "release_claims",
            "send_held_deliveries",
            "take_turns",
            "tally_deliveries",
            "waiting_deliveries",
        }
    ),
    "the row is found by a number that is unique by itself; whoever has it knows the account, and could say it": frozenset(
        {
            "accounts_of_delivery",
            "attempts_of",
            "delivery",
            "event_body",
            "lock_claims",
            "make_delivery",
            "make_events",
            "put_lane",
            "send_again",
            "settle_claims",
            "shown_deliveries",
            "stand_in_line",
            "step_back",
            "step_forward",
        }
    ),
    "what is old is forgotten in every shard": frozenset(
        {
            "end_of_deliveries",
            "end_of_events",
            "forget_attempts",
            "forget_broadcasts",
            "end_claims",
            "forget_claims",
            "forget_deliveries",
            "forget_deliveries_of",
            "forget_endpoints",
            "forget_event",
            "unwanted_events",
        }
    ),
    "it is about all accounts, or all that somebody may see": frozenset(
        {
            "count_of_band",
            "next_account",
            "watches_in_band",
        }
    ),
}
"""Statements that do not say of which account their rows are, by the reason."""

TOUCHED: Final = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE|USING)\s+(\w+)")
INSERTED: Final = re.compile(r"\bINSERT INTO (\w+)(?: AS \w+)? \(([^)]*)\)")
NAMED: Final = re.compile(r"(?<!OR )\baccount = :account\b|\(account, \w+\) (?:IN|>) ")
GIVEN: Final = re.compile(r"(?:\bjson_\w+|\bunnest)\([^;]*?\) AS (\w+) \(")
"""What came with the statement, by its name there: its accounts are known to who asks."""
SAME: Final = re.compile(r"\baccount = (\w+)\.account\b")


def spread(statement: str) -> frozenset[str]:
    """The tables by account that the statement touches."""
    return BY_ACCOUNT & set(TOUCHED.findall(statement))


def finds_its_shard(statement: str) -> bool:
    """Whether it says of which accounts the rows are that it reads or writes."""
    inserted = {table: columns.replace(",", " ").split() for table, columns in INSERTED.findall(statement)}
    read = re.sub(r"\bINSERT INTO \w+", "", statement)
    named = NAMED.search(statement) is not None or not {*GIVEN.findall(statement)}.isdisjoint(SAME.findall(statement))
    return all("account" in inserted[table] for table in inserted.keys() & BY_ACCOUNT) and (named or not spread(read))
