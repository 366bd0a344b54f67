"""Whom a batch is for: phone numbers as CallFire wants them, and everything that is wrong with a list of recipients. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from watcher.core.model import MAX_BATCH_ID

PHONE: Final = re.compile(r"1[2-9][0-9]{9}")
"""E.164 without the plus, as callfire-api.md has it: 11 digits. No area code of that numbering plan begins with 0 or 1."""
PUNCTUATION: Final = str.maketrans("", "", " -().\u00a0\u2010\u2011\u2013")
"""What people write between digits."""
ATTRIBUTES_MOST: Final = 50
ATTRIBUTE_NAME: Final = 100
ATTRIBUTE_VALUE: Final = 1000
"""How many attributes a recipient may have, and characters of their names and values."""
FAULTS_MOST: Final = 100
"""Faults that are told one by one; of more only the number is."""
WRITE_NUMBER: Final = "it must be 11 digits that begin with 1, such as 12135551122 or +1 213 555 1122"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with a recipient, counted from 0, and in which of its keys ("" where it is the whole)."""

    row: int
    key: str
    message: str


def tidied(number: str) -> str | None:
    """The phone number without what people write between digits; None where it is none that CallFire takes.

    Only what has one meaning is taken: a number of ten digits may be of any country.
    """
    digits = number.strip().removeprefix("+").translate(PUNCTUATION)
    return digits if digits.isascii() and PHONE.fullmatch(digits) else None


def faults_of(recipients: Sequence[object], *, scrub_duplicates: bool) -> Iterator[Fault]:
    """Everything that is wrong with them, in their order. What has not even the right shape is passed over: whoever checks
    shapes tells of it."""
    numbers: dict[str, int] = {}
    contacts: dict[int, int] = {}
    for row, recipient in enumerate(recipients):
        if isinstance(recipient, Mapping):
            yield from _faults_of(row, recipient, numbers, contacts, scrub_duplicates)


def _faults_of(
    row: int,
    recipient: Mapping[str, Any],
    numbers: dict[str, int],
    contacts: dict[int, int],
    scrub_duplicates: bool,
) -> Iterator[Fault]:
    number, contact = recipient.get("phone_number"), recipient.get("contact_id")
    if (number is None) == (contact is None):
        yield Fault(row=row, key="", message="a recipient has either a phone_number or a contact_id")
    if isinstance(number, str):
        tidy = tidied(number)
        if tidy is None:
            yield Fault(row=row, key="phone_number", message=WRITE_NUMBER)
        elif numbers.setdefault(tidy, row) != row and not scrub_duplicates:
            yield _twice(row, "phone_number", numbers[tidy])
    if type(contact) is int:
        if not 1 <= contact <= MAX_BATCH_ID:
            yield Fault(row=row, key="contact_id", message=f"it must be a whole number from 1 to {MAX_BATCH_ID}")
        elif contacts.setdefault(contact, row) != row and not scrub_duplicates:
            yield _twice(row, "contact_id", contacts[contact])
    attributes = recipient.get("attributes")
    if isinstance(attributes, Mapping):
        yield from _of_attributes(row, attributes)


def _of_attributes(row: int, attributes: Mapping[str, Any]) -> Iterator[Fault]:
    if len(attributes) > ATTRIBUTES_MOST:
        yield Fault(row=row, key="attributes", message=f"there are more than {ATTRIBUTES_MOST} of them")
    for name, value in attributes.items():
        if not name or len(name) > ATTRIBUTE_NAME:
            yield Fault(row=row, key="attributes", message=f"a name must have 1 to {ATTRIBUTE_NAME} characters")
        if isinstance(value, str) and len(value) > ATTRIBUTE_VALUE:
            yield Fault(row=row, key="attributes", message=f"a value has more than {ATTRIBUTE_VALUE} characters")


def _twice(row: int, key: str, first: int) -> Fault:
    again = f"it is that of recipient {first} too (counted from 0): take it out, or ask for scrub_duplicates"
    return Fault(row=row, key=key, message=again)
