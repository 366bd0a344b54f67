"""Patches turn one document into the other, with the fields that changed and no others."""

import json

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.web.patches import differences, pointer, written

NAMES = st.text(alphabet="ab/~é", min_size=0, max_size=2)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=5,
)
OBJECTS = st.dictionaries(NAMES, VALUES, max_size=4)


def test_only_what_changed_is_in_the_patch_with_its_place() -> None:
    before = {"status": "NEW", "since": "09:00", "name": "a", "eta": {"p50": 1, "p90": 2}}
    after = {"status": "ACTIVE", "since": "09:00", "name": "a", "eta": {"p50": 1, "p90": 3}}
    patch = differences(before, after, pointer("watches", "default/13"))
    assert sorted(patch, key=lambda each: str(each["path"])) == [
        {"op": "replace", "path": "/watches/default~113/eta/p90", "value": 3},
        {"op": "replace", "path": "/watches/default~113/status", "value": "ACTIVE"},
    ]


def test_what_did_not_change_has_no_patch() -> None:
    assert differences({"a": None}, {"a": None}, "/x") == []


@pytest.mark.parametrize(("before", "after"), [({}, {"a": None}), ({"a": None}, {}), ({"a": 1}, {"b": 1})])
def test_what_comes_goes_or_is_moved_is_so_in_the_document(before: dict[str, object], after: dict[str, object]) -> None:
    document = {"x": before}
    patch = differences(before, after, "/x")
    assert jsonpatch.apply_patch(document, json.loads(written(patch))) == {"x": after}


@given(OBJECTS, OBJECTS)
def test_any_object_is_turned_into_any_other(before: dict[str, object], after: dict[str, object]) -> None:
    document = {"in": {"a/b~": before, "other": 1}}
    patch = json.loads(written(differences(before, after, pointer("in", "a/b~"))))
    assert jsonpatch.apply_patch(document, patch) == {"in": {"a/b~": after, "other": 1}}
