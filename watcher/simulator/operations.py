"""CallFire's operations on batches, without HTTP around them: from method and path to what is answered out of the world."""

import random
import re
from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from watcher.simulator.answers import Answer, complaint, error, found, partial, partial_page
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.faults import Operation
from watcher.simulator.listing import Listing, ordered
from watcher.simulator.world import ERRORS, Batch, Broadcast, Kind, World

MOST_ITEMS: Final = 1000
"""The greatest `limit`: what CallFire allows is not documented."""
MOST_ID: Final = 2**63 - 1
PHONE: Final = re.compile(r"1[0-9]{10}")
DIGITS: Final = re.compile(r"[0-9]{1,19}")

BATCH_PATH: Final = re.compile(r"/campaigns/batches/([^/]+)")
BATCHES_PATH: Final = re.compile(r"/(calls|texts)/broadcasts/([^/]+)/batches")
OF_BATCH: Final[Mapping[str, Operation]] = {"GET": "batch", "PUT": "enable"}
OF_BATCHES: Final[Mapping[str, Operation]] = {"GET": "page", "POST": "submit"}


class Target(NamedTuple):
    """What a request is for. `number` is the id of a batch or broadcast; None where what stands in its place is none."""

    operation: Operation
    number: int | None
    kind: Kind | None = None


def target(method: str, path: str, root: str) -> Target | Answer:
    """What is asked for at a path below the root; or the error that says there is no such path, or not that method."""
    if not path.startswith(root):
        return error(404)
    path = path.removeprefix(root)
    if match := BATCH_PATH.fullmatch(path):
        operations, number, kind = OF_BATCH, _number(match[1]), None
    elif match := BATCHES_PATH.fullmatch(path):
        operations, number, kind = OF_BATCHES, _number(match[2]), cast(Kind, match[1])
    else:
        return error(404)
    operation = operations.get(method)
    if operation is None:
        return error(405, headers={"Allow": ", ".join(operations)})
    return Target(operation, number, kind)


class _Enabling(BaseModel):
    """The body of a PUT: only `enabled` may change."""

    model_config = ConfigDict(extra="forbid", strict=True)

    enabled: bool


class _Recipient(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    phone_number: Annotated[str | None, Field(alias="phoneNumber")] = None
    contact_id: Annotated[int | None, Field(alias="contactId", ge=1, le=MOST_ID)] = None
    attributes: Mapping[str, str] | None = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.phone_number is None) == (self.contact_id is None):
            raise ValueError("a recipient has either a phoneNumber or a contactId")
        return self


class _Submission(BaseModel):
    """A BatchRequest."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: str | None = None
    contact_list_id: Annotated[int | None, Field(alias="contactListId", ge=1, le=MOST_ID)] = None
    recipients: Annotated[list[_Recipient] | None, Field(min_length=1)] = None
    scrub_duplicates: Annotated[bool | None, Field(alias="scrubDuplicates")] = None

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if (self.recipients is None) == (self.contact_list_id is None):
            raise ValueError("either recipients or contactListId")
        return self

    def counted(self) -> tuple[int, int]:
        """How many recipients there are, and how many of them have a number that is none."""
        phones = [each.phone_number for each in self.recipients or () if each.phone_number is not None]
        contacts = [each.contact_id for each in self.recipients or () if each.contact_id is not None]
        if self.scrub_duplicates:
            phones, contacts = list(set(phones)), list(set(contacts))
        return len(phones) + len(contacts), sum(PHONE.fullmatch(phone) is None for phone in phones)


class Operations:
    """What CallFire answers to an account it knows, within its budget. `listing` may change while it runs."""

    def __init__(self, world: World, config: SimulatorConfig, chance: random.Random) -> None:
        self.listing = Listing(listing=config.listing, order=config.listing_order, total_count=config.total_count)
        self._world = world
        self._config = config
        self._chance = chance

    def answer(self, asked: Target, account: str, query: Mapping[str, str], body: bytes, now: float) -> Answer:
        """Does what is asked, and says so."""
        self._world.advance(now)
        if asked.kind is None:
            batch = self._world.batches.get(asked.number or 0)
            if batch is None or batch.account != account:
                return error(404)
            return self._show(batch, query, now) if asked.operation == "batch" else _enable(batch, body)
        if asked.operation == "page" and self.listing.listing != "on":
            return error(403 if self.listing.listing == "refused" else 404)
        broadcast = self._world.broadcasts.get(asked.number or 0)
        if broadcast is None or (broadcast.account, broadcast.kind) != (account, asked.kind):
            return error(404)
        if asked.operation == "page":
            return self._page(broadcast, query, now)
        return self._submit(broadcast, query, body, now)

    def _show(self, batch: Batch, query: Mapping[str, str], now: float) -> Answer:
        shown = batch.shown(now, sizes_late=self._config.sizes_late)
        return found(partial(shown, query.get("fields")))

    def _page(self, broadcast: Broadcast, query: Mapping[str, str], now: float) -> Answer:
        limit, offset = _number(query.get("limit", "100")), _number(query.get("offset", "0"))
        if limit is None or not 1 <= limit <= MOST_ITEMS:
            return error(400, f"limit is 1 to {MOST_ITEMS}")
        if offset is None:
            return error(400, "offset is 0 or more")
        page: dict[str, object] = {"limit": limit, "offset": offset}
        if self.listing.total_count:
            page["totalCount"] = len(broadcast.batches)
        items = [
            self._world.batches[number].shown(now, sizes_late=self._config.sizes_late)
            for number in ordered(broadcast.batches, self.listing.order, self._chance)[offset : offset + limit]
        ]
        return found(partial_page(page, items, query.get("fields")))

    def _submit(self, broadcast: Broadcast, query: Mapping[str, str], body: bytes, now: float) -> Answer:
        strict = query.get("strictValidation", "false").lower()
        if strict not in ("true", "false"):
            return error(400, "strictValidation is true or false")
        try:
            asked = _Submission.model_validate_json(body)
        except ValidationError as wrong:
            return error(400, complaint(wrong))
        if asked.contact_list_id is not None:
            plan = self._world.plan(now, listed=True)
        else:
            size, bad = asked.counted()
            if bad and strict == "true":
                return error(400, f"{bad} of {size} numbers did not pass validation")
            plan = self._world.plan(now, size=size, end=ERRORS if bad else None)
        batch = self._world.add(broadcast, plan, name=asked.name or "", contact_list_id=asked.contact_list_id)
        return found({"id": batch.id}, self._config.created_code)


def _enable(batch: Batch, body: bytes) -> Answer:
    try:
        batch.enabled = _Enabling.model_validate_json(body).enabled
    except ValidationError as wrong:
        return error(400, complaint(wrong))
    return Answer(200)


def _number(text: str) -> int | None:
    return int(text) if DIGITS.fullmatch(text) and int(text) <= MOST_ID else None
