"""A CSV of recipients is read as the page reads it: both are tested with the same cases."""

import json
from pathlib import Path
from typing import Any

import pytest

from watcher.cli.printing import Stop
from watcher.cli.recipients import read_csv

CASES = json.loads((Path(__file__).parents[1] / "data" / "recipients.json").read_text())["csv"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["about"])
def test_a_csv_is_read_as_the_page_reads_it(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "autumn.csv"
    file.write_bytes(case["text"].encode())
    columns = [f"phone={case['column']}"] if "column" in case else []
    attributes = [f"{name}={name}" for name in case.get("along", ())]
    if case["recipients"] is None:
        with pytest.raises(Stop):
            read_csv(file, columns, attributes)
    else:
        found = [(each.where, dict(each.body)) for each in read_csv(file, columns, attributes)]
        assert found == [(f"{file} line {each['line']}", each["recipient"]) for each in case["recipients"]]
