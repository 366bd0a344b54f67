"""deploy/metrics.md: current, complete, and with queries that Prometheus can read; and how many series there can be."""

import re
import subprocess
from pathlib import Path
from typing import Final

from tests.telemetry.reference import REFERENCE, Open, reference, says, series_of, working
from tests.telemetry.test_exposition import scripted
from tests.telemetry.uses import USES
from watcher.telemetry import labels
from watcher.telemetry.catalogue import PREFIX, Catalogue
from watcher.telemetry.series import OTHER

NAMES: Final = {series.name.removeprefix(f"{PREFIX}_"): series for series in Catalogue("1").series}


def test_the_reference_is_current() -> None:
    """`make metrics` writes it anew."""
    assert REFERENCE.read_text(encoding="utf-8") == reference()


def test_every_metric_is_explained_once() -> None:
    explained = [name for section in USES.values() for name in section]
    assert sorted(explained) == sorted(NAMES)


def test_every_query_is_one_about_its_metric_that_prometheus_can_read(tmp_path: Path) -> None:
    rules = ["groups:", "  - name: uses", "    rules:"]
    for section in USES.values():
        for name, use in section.items():
            assert re.search(rf"\b{PREFIX}_{name}(_bucket)?\b", use.query), name
            rules += [f"      - record: example:{name}", f"        expr: '{use.query}'"]
    file = tmp_path / "uses.yml"
    file.write_text("\n".join(rules), encoding="utf-8")
    checked = subprocess.run(["promtool", "check", "rules", str(file)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_labels_say_what_the_reference_says_they_may() -> None:
    """What is counted in the scripted run, which has something of everything."""
    for name, series in NAMES.items():
        counted = scripted().catalogue.registry._names_to_collectors[series.name]
        for values in getattr(counted, "_metrics", {}):
            for label, value in zip(series.labels, values, strict=True):
                said = says(name, label)
                assert isinstance(said, Open) or value in said, (name, label, value)


def test_a_scrape_grows_by_as_much_with_each_account_and_with_each_endpoint() -> None:
    daemon, account, endpoint = series_of(0, 0), series_of(1, 0), series_of(0, 1)
    account, endpoint = account - daemon, endpoint - daemon
    assert series_of(7, 5) == daemon + 7 * account + 5 * endpoint


def test_beyond_the_most_accounts_and_endpoints_there_are_only_the_counters_of_all_others() -> None:
    daemon, account, endpoint = series_of(0, 0), series_of(1, 0), series_of(0, 1)
    metrics = working(labels.ACCOUNTS_MOST + 2, labels.ENDPOINTS_MOST + 3)
    lines = [line for line in metrics.render("")[0].decode().splitlines() if line.startswith(PREFIX)]
    others = [line for line in lines if f'="{OTHER}"' in line]
    most = labels.ACCOUNTS_MOST * (account - daemon) + labels.ENDPOINTS_MOST * (endpoint - daemon)
    assert len(lines) - len(others) == daemon + most
    names = {re.sub("_(bucket|count|sum)$", "", line.partition("{")[0]) for line in others}
    counters = {series.name for series in metrics.catalogue.series if series.kind != "gauge"}
    assert names <= counters | {f"{PREFIX}_account_unpolled"}
    assert f'{PREFIX}_looks_total{{account="{OTHER}",by="page",result="changed"}} 2.0' in others
    assert f'{PREFIX}_deliveries_total{{endpoint="{OTHER}",outcome="done"}} 3.0' in others
