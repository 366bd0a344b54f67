"""Grafana's dashboards: they are what tests/deploy/dashboards builds, ask for what there is, and show something under load."""

import itertools
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from tests.chaos.fleet import wait_for
from tests.deploy.dashboards.__main__ import FOLDER, dashboards, text_of
from tests.deploy.dashboards.shape import WIDTH, Json
from tests.deploy.prometheus import prometheus, with_values
from tests.deploy.troubled import troubled
from watcher.telemetry.catalogue import Catalogue

PATIENCE: Final = 60.0
"""Seconds after which what shows nothing will not."""
BUILT: Final = dashboards()
RUNBOOK: Final = FOLDER.parent / "runbook.md"
RULES: Final = FOLDER.parent / "prometheus"
ANY: Final = "any metric"
SCRAPED: Final[Mapping[str, set[str]]] = {
    ANY: {"__name__"},
    "ALERTS": {"alertname", "alertstate", "severity", "account", "endpoint"},
    "ALERTS_FOR_STATE": {"alertname", "severity", "account", "endpoint"},
    "up": set(),
    "scrape_duration_seconds": set(),
    "scrape_samples_scraped": set(),
}
"""What Prometheus itself adds, of its rules and of everything that it scrapes."""
OF_TARGETS: Final = {"job", "instance"}
SELECTOR: Final = re.compile(r"([A-Za-z_:]*[A-Za-z])?{([^}]*)}")
"""A metric, if one is named, with what is asked of its labels."""
LABEL: Final = re.compile(r"(\w+)(?:=~|!~|!=|=)")
GROUPED: Final = re.compile(r"(?:\bby|\bon|\bgroup_left|\bignoring) \(([^)]*)\)")
BARE: Final = re.compile(r"\b(?:ALERTS|watcher|process|python|scrape|up)(?:_\w+)?\b")
"""The name of a metric, where nothing is asked of its labels."""
EMPTY: Final = {
    ("runtime", "Mistakes of ours"): "they are mistakes: there are none",
}
"""Panels that may show nothing, and why."""


class Asked(NamedTuple):
    """An expression, the panel or the mark in the graphs that asks it, and what its series are called."""

    dashboard: str
    panel: str
    expr: str
    legend: str


def _panels(dashboard: Json) -> list[Json]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _asked() -> Iterator[Asked]:
    for file, dashboard in BUILT.items():
        name = file.removesuffix(".json")
        for mark in dashboard["annotations"]["list"]:
            yield Asked(name, mark["name"], mark["expr"], mark["titleFormat"] + mark["textFormat"])
        for panel in _panels(dashboard):
            for target in panel["targets"]:
                yield Asked(name, panel["title"], target["expr"], target["legendFormat"])


ASKED: Final = list(_asked())


def test_the_files_are_what_is_built() -> None:
    """`make dashboards` writes them anew."""
    written = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert written == {name: text_of(dashboard) for name, dashboard in BUILT.items()}


def test_every_expression_is_one(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": with_values(asked.expr, "5m"), "labels": {"panel": f"{asked.panel}"}}
        for number, asked in enumerate(ASKED)
    ]
    file = tmp_path / "expressions.yml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    checked = subprocess.run(["promtool", "check", "rules", str(file)], check=False, capture_output=True, text=True)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert f"SUCCESS: {len(ASKED)} rules found" in checked.stdout


def test_every_metric_and_label_exists() -> None:
    """What is asked for, what it is grouped by, and what names its series. All of it is of the installation that was chosen."""
    labels_of = _labels_of_metrics()
    for asked in ASKED:
        selected = [(name or ANY, labels) for name, labels in SELECTOR.findall(asked.expr)]
        assert {name for name, _ in selected} <= labels_of.keys(), asked
        for name, labels in selected:
            assert 'job="$job"' in labels, asked
            assert set(LABEL.findall(labels)) <= labels_of[name] | OF_TARGETS, asked
        grouped = {label for labels in GROUPED.findall(asked.expr) for label in labels.split(", ")}
        assert grouped <= OF_TARGETS.union(*(labels_of[name] for name, _ in selected)), asked
        assert set(re.findall(r"{{(\w+)}}", asked.legend)) <= grouped, asked
        assert not BARE.search(GROUPED.sub("", SELECTOR.sub("", asked.expr))), f"of all installations: {asked}"


def _labels_of_metrics() -> Mapping[str, set[str]]:
    """The labels of every series by its name; those of its target are not among them."""
    catalogue = Catalogue("1.2.3")
    labels = {sample.name: set(sample.labels) for family in catalogue.registry.collect() for sample in family.samples}
    for series in catalogue.series:
        own = set(series.labels)
        if series.kind == "histogram":
            labels |= {f"{series.name}_bucket": own | {"le"}, f"{series.name}_sum": own, f"{series.name}_count": own}
        else:
            labels[series.name] = own
    return {**labels, **SCRAPED}


def test_panels_fill_a_tidy_grid() -> None:
    """No two overlap, every line is full, and the panels of a line are of one height."""
    for file, dashboard in BUILT.items():
        taken: dict[tuple[int, int], str] = {}
        for panel in dashboard["panels"]:
            place = panel["gridPos"]
            columns = range(place["x"], place["x"] + place["w"])
            for cell in itertools.product(columns, range(place["y"], place["y"] + place["h"])):
                assert cell not in taken, f"{file}: {panel['title']} is on {taken[cell]}"
                taken[cell] = panel["title"]
        height = 1 + max(row for _, row in taken)
        assert taken.keys() == set(itertools.product(range(WIDTH), range(height))), f"{file}: there are gaps"


def test_every_panel_says_what_it_shows_and_in_which_unit() -> None:
    for file, dashboard in BUILT.items():
        panels = _panels(dashboard)
        assert len({panel["title"] for panel in panels}) == len(panels), f"{file}: two have one title"
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"]), (
            f"{file}: two have one id"
        )
        for panel in panels:
            assert panel["description"].endswith("."), panel["title"]
            if panel["type"] in ("stat", "timeseries"):
                assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]


def test_links_lead_to_dashboards_that_have_the_variables_they_set() -> None:
    there = {each["uid"]: {variable["name"] for variable in each["templating"]["list"]} for each in BUILT.values()}
    for dashboard in BUILT.values():
        text = text_of(dashboard)
        for uid, query in re.findall(r'"/d/([\w-]+)\?([^"]*)"', text):
            assert set(re.findall(r"var-(\w+)=", query)) <= there[uid], query
        used = set(re.findall(r"\${?(?!__)(\w+)", text))
        assert used == there[dashboard["uid"]], "a variable is used and not there, or there and not used"


def test_panels_name_entries_that_the_runbook_has() -> None:
    entries = set(re.findall(r"^## (\w+)$", RUNBOOK.read_text(encoding="utf-8"), re.MULTILINE))
    texts = [panel["description"] for dashboard in BUILT.values() for panel in _panels(dashboard)]
    named = {
        name for text in texts for names in re.findall(r"Runbook: ([\w, ]+)\.", text) for name in names.split(", ")
    }
    assert named
    assert named <= entries


def test_grafana_finds_the_dashboards_and_their_prometheus() -> None:
    """As compose mounts them."""
    (source,) = _provisioned("datasources/prometheus.yml")["datasources"]
    (provider,) = _provisioned("dashboards/watcher.yml")["providers"]
    grafana = yaml.safe_load((FOLDER.parent / "compose.yaml").read_text(encoding="utf-8"))["services"]["grafana"]
    assert source["type"] == BUILT["overview.json"]["templating"]["list"][0]["query"]
    assert f"./grafana:{provider['options']['path']}:ro" in grafana["volumes"]


def _provisioned(name: str) -> Any:
    return yaml.safe_load((FOLDER / "provisioning" / name).read_text(encoding="utf-8"))


def test_every_panel_shows_something_of_a_daemon_in_trouble(tmp_path: Path) -> None:
    """A real Prometheus, with our rules, scrapes a real daemon; each expression must have brought a number once."""
    folder = tmp_path / "prometheus"
    folder.mkdir()
    owed = [asked for asked in ASKED if (asked.dashboard, asked.panel) not in EMPTY]
    with prometheus(folder, RULES) as scraping, troubled(tmp_path) as daemon:
        scraping.scrape(daemon.url.removeprefix("http://"))
        daemon.begin()

        def all_have_shown_something() -> bool:
            daemon.go_on()
            while owed and scraping.ask(with_values(owed[-1].expr, "10s")):
                owed.pop()
            return not owed

        try:
            wait_for(all_have_shown_something, PATIENCE, "numbers for all panels")
        except AssertionError as late:
            late.add_note(f"nothing is shown by {owed[-1]}")
            raise


def test_figures_of_two_processes_are_those_of_the_whole(tmp_path: Path) -> None:
    """What each tells of its part is added up; of what both tell it is the worst, and nothing counts twice."""
    told = {
        'up{instance="%s"}': (1, 0),
        'watcher_account_state{instance="%s", account="whole", state="refused"}': (1, None),
        'watcher_account_state{instance="%s", account="divided", state="ok"}': (1, 0),
        'watcher_account_state{instance="%s", account="divided", state="down"}': (0, 1),
        'watcher_poller_last_step_timestamp_seconds{instance="%s", account="divided"}': (50, 20),
        'watcher_watches_overdue{instance="%s", account="divided"}': (3, 4),
        'watcher_watches_stuck{instance="%s", account="divided"}': (1, 2),
        'watcher_endpoint_state{instance="%s", endpoint="one", state="disabled"}': (1, 1),
        'watcher_endpoint_state{instance="%s", endpoint="two", state="open"}': (1, 1),
        'watcher_delivery_oldest_age_seconds{instance="%s", endpoint="one"}': (10, 12),
        'watcher_deliveries_pending{instance="%s", endpoint="one"}': (5, 5),
        'watcher_deliveries_pending{instance="%s", endpoint="two"}': (2, 2),
        'watcher_clock_skew_seconds{instance="%s"}': (-3, 1),
    }
    shown = {
        ("overview", "Processes down"): {"": 1},
        ("overview", "Accounts not polled"): {"": 2},
        ("overview", "Longest without a step"): {"": 40},
        ("overview", "Watches overdue"): {"": 7},
        ("overview", "Batches stuck"): {"": 3},
        ("overview", "Endpoints not served"): {"": 2},
        ("overview", "Oldest delivery"): {"": 12},
        ("overview", "State by account"): {'account="whole"': 4, 'account="divided"': 3},
        ("delivery", "Disabled"): {"": 1},
        ("delivery", "Owed"): {"": 7},
        ("delivery", "Owed by endpoint"): {'endpoint="one"': 5, 'endpoint="two"': 2},
        ("runtime", "Clock skew"): {"": 3},
    }
    exprs = {(asked.dashboard, asked.panel): with_values(asked.expr, "5m") for asked in ASKED}
    test = {
        "interval": "1m",
        "input_series": [
            {"series": series.replace("{", '{job="watcher", ', 1) % instance, "values": f"{value} {value}"}
            for series, values in told.items()
            for instance, value in zip("ab", values, strict=True)
            if value is not None
        ],
        "promql_expr_test": [
            {
                "expr": exprs[panel],
                "eval_time": "1m",
                "exp_samples": [{"labels": f"{{{labels}}}", "value": value} for labels, value in figures.items()],
            }
            for panel, figures in shown.items()
        ],
    }
    file = tmp_path / "figures.yml"
    file.write_text(json.dumps({"tests": [test]}), encoding="utf-8")
    tested = subprocess.run(["promtool", "test", "rules", str(file)], check=False, capture_output=True, text=True)
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_panels_that_may_be_empty_are_there() -> None:
    assert EMPTY.keys() <= {(asked.dashboard, asked.panel) for asked in ASKED}
