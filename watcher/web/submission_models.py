"""What is taken and given where batches are sent to CallFire, or switched on and off."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from watcher.core.model import MAX_BATCH_ID, BroadcastKind
from watcher.core.recipients import ATTRIBUTE_NAME, ATTRIBUTE_VALUE, ATTRIBUTES_MOST
from watcher.core.submissions import NAME_LENGTH
from watcher.web.models import STORABLE, Given, Instant, Marks, Taken
from watcher.web.values import ExpiresIn

STATES = Literal["intended", "sending", "unclear", "accepted", "refused", "absent", "withdrawn"]


def _printable(text: str) -> str:
    if not text.isprintable() or text != text.strip():
        raise ValueError("It must have no characters of control, and no blanks at its ends")
    return text


AttributeName = Annotated[str, Field(min_length=1, max_length=ATTRIBUTE_NAME), STORABLE]
AttributeValue = Annotated[str, Field(max_length=ATTRIBUTE_VALUE), STORABLE]
BatchName = Annotated[str, Field(min_length=1, max_length=NAME_LENGTH), AfterValidator(_printable)]


class RecipientBody(Taken):
    """One who is to be called or texted: a phone number of 11 digits beginning with 1 (`+1 (213) 555-1122` is read as
    `12135551122`), or a contact of CallFire. Either of them, and attributes for the message."""

    @model_validator(mode="before")
    @classmethod
    def _others_have_a_turn(cls, given: object) -> object:
        """Nothing. But without a line of Python between two recipients no other thread has a turn before the last of them."""
        return given

    phone_number: Annotated[str, Field(max_length=40)] | None = None
    contact_id: Annotated[int, Field(ge=1, le=MAX_BATCH_ID)] | None = None
    attributes: Annotated[dict[AttributeName, AttributeValue], Field(max_length=ATTRIBUTES_MOST)] | None = None


class SubmitBody(Marks):
    """A batch to add to a broadcast: `recipients`, or a contact list of CallFire. The name gets a tag behind it, by which the
    batch is found again. Without a `kind` it is found out. `strict_validation` has CallFire refuse the whole batch for one bad
    number; `scrub_duplicates` has it leave out whoever is there twice, who is refused here otherwise."""

    name: BatchName
    recipients: Annotated[list[RecipientBody], Field(min_length=1)] | None = None
    contact_list_id: Annotated[int, Field(ge=1, le=MAX_BATCH_ID)] | None = None
    kind: BroadcastKind | None = None
    strict_validation: bool = False
    scrub_duplicates: bool = False
    expires_in: ExpiresIn | None = None


class EnabledBody(Taken):
    """Whether the batch's contacts are to be dialled or texted."""

    enabled: bool


class SubmissionsParams(BaseModel):
    """The query of a list of submissions: with `settled=false` only those that something is still to be done about."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settled: Literal["false"] | None = None
    cursor: str | None = None
    limit: int = Field(default=100, ge=1, le=1000)


class SubmissionShown(Given):
    """A batch on its way to CallFire. `state`: intended (to be sent), sending, unclear (sent, and whether CallFire has it is
    being found out), accepted (it has, as `batch_id`, which is followed), refused, absent (CallFire does not have it, and it is
    not sent again) or withdrawn. `name` is the one that CallFire shows, `tries` how often it was sent, each time after it was
    certain that CallFire did not have it. `detail` says in words why it stands so."""

    id: str
    account: str
    broadcast_id: int
    kind: BroadcastKind | None
    name: str
    state: STATES
    batch_id: int | None
    recipients: int | None
    tries: int
    created: Instant
    sent: Instant | None
    settled: Instant | None
    labels: Mapping[str, str]
    correlation_id: str | None
    detail: str


class SubmissionPage(Given):
    """Some of the submissions, the newest first. `next` is the cursor for more, null at the end."""

    items: list[SubmissionShown]
    next: str | None


class BatchShown(Given):
    """A batch as CallFire shows it now."""

    account: str
    batch_id: int
    broadcast_id: int | None
    name: str | None
    status: str
    size: int | None
    remaining: int | None
    enabled: bool | None
