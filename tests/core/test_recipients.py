"""Whom a batch may be for: phone numbers tidied where they have one meaning, and everything else told, all at once."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.recipients import WRITE_NUMBER, Fault, faults_of, tidied


@pytest.mark.parametrize(
    "number",
    [
        "12135551122",
        "+12135551122",
        "+1 (213) 555-1122",
        "1-213-555-1122",
        " 1.213.555.1122 ",
        "1\u00a0213\u2011555\u20111122",
    ],
)
def test_a_number_is_read_as_people_write_it(number: str) -> None:
    assert tidied(number) == "12135551122"


@pytest.mark.parametrize(
    "number",
    ["", "2135551122", "22135551122", "121355511223", "10135551122", "11135551122", "1213555112x", "1213X5551122",
     "++12135551122", "1213555112\u0662", "+44 20 7946 0958", "12135551122 ext 3"],
)  # fmt: skip
def test_what_could_be_another_number_is_refused(number: str) -> None:
    assert tidied(number) is None


@given(st.text(max_size=30))
def test_whatever_is_tidied_is_a_number_of_eleven_digits(text: str) -> None:
    tidy = tidied(text)
    assert tidy is None or (len(tidy) == 11 and tidy.isascii() and tidy.isdigit() and tidy[0] == "1")


def faults(*recipients: object, scrub: bool = False) -> list[Fault]:
    return list(faults_of(recipients, scrub_duplicates=scrub))


def test_good_recipients_have_no_faults() -> None:
    assert faults({"phone_number": "12135551122", "attributes": {"first": "Ada"}}, {"contact_id": 7}) == []


def test_everything_that_is_wrong_is_told_with_its_place() -> None:
    assert faults(
        {"phone_number": "213"},
        {},
        {"phone_number": "12135551122", "contact_id": 3},
        {"contact_id": 0},
        {"phone_number": "+1 213 555 1122"},
        {"contact_id": 3},
    ) == [
        Fault(row=0, key="phone_number", message=WRITE_NUMBER),
        Fault(row=1, key="", message="a recipient has either a phone_number or a contact_id"),
        Fault(row=2, key="", message="a recipient has either a phone_number or a contact_id"),
        Fault(row=3, key="contact_id", message="it must be a whole number from 1 to 9223372036854775807"),
        Fault(
            row=4,
            key="phone_number",
            message="it is that of recipient 2 too (counted from 0): take it out, or ask for scrub_duplicates",
        ),
        Fault(
            row=5,
            key="contact_id",
            message="it is that of recipient 2 too (counted from 0): take it out, or ask for scrub_duplicates",
        ),
    ]


def test_duplicates_are_no_fault_where_they_are_to_be_scrubbed() -> None:
    assert faults({"phone_number": "12135551122"}, {"phone_number": "12135551122"}, scrub=True) == []
    assert faults({"contact_id": 3}, {"contact_id": 3}, scrub=True) == []


def test_attributes_have_bounds() -> None:
    many = {str(n): "x" for n in range(51)}
    assert [fault.message for fault in faults({"contact_id": 3, "attributes": many})] == [
        "there are more than 50 of them"
    ]
    wrong = {"": "x", "a" * 101: "x", "b": "x" * 1001}
    assert [fault.message for fault in faults({"contact_id": 3, "attributes": wrong})] == [
        "a name must have 1 to 100 characters",
        "a name must have 1 to 100 characters",
        "a value has more than 1000 characters",
    ]


def test_as_much_as_there_may_be_is_no_fault() -> None:
    most = {"a" * 100: "x" * 1000, **{str(number): "" for number in range(49)}}
    assert faults({"contact_id": 1, "attributes": most}, {"contact_id": 2**63 - 1}) == []
    assert faults({"contact_id": 2**63}) == [
        Fault(row=0, key="contact_id", message="it must be a whole number from 1 to 9223372036854775807")
    ]


def test_what_has_another_shape_is_left_to_those_who_check_shapes() -> None:
    assert faults("12135551122", 7, {"phone_number": 12135551122}, {"contact_id": "7"}) == []
    assert faults({"contact_id": 3, "attributes": "x"}, {"contact_id": 4, "attributes": {"a": 1}}) == []


SHARED = json.loads((Path(__file__).parents[1] / "data" / "recipients.json").read_text())
"""What the page makes of the same is tested with the same cases."""


@pytest.mark.parametrize(("number", "tidy"), SHARED["numbers"])
def test_numbers_are_read_as_the_page_reads_them(number: str, tidy: str | None) -> None:
    assert tidied(number) == tidy


@pytest.mark.parametrize("case", SHARED["recipients"], ids=lambda case: case["about"])
def test_faults_are_told_as_the_page_tells_them(case: dict[str, Any]) -> None:
    told = [asdict(each) for each in faults_of(case["recipients"], scrub_duplicates=case["scrub_duplicates"])]
    assert told == case["faults"]
