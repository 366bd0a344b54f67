"""The documents name only what there is: modules, tests, metrics, settings, events, operations; and the tables of the concepts,
the security model, the questions and the architecture say what the code, the contracts and the benchmarks say."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Set
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
import yaml

from tests.chaos.crashing import POINTS, SUBMIT_POINTS
from tests.documents.reading import ROOT, documents, quoted, section, text_of
from tests.fakes import NOON
from tests.telemetry.every_news import EVERYTHING
from watcher.core.model import EVENT_TYPES
from watcher.settings.keys import dotted, keys
from watcher.telemetry.metrics import Metrics
from watcher.web.meanings import MEANINGS

ARCHITECTURE: Final = "deploy/architecture.md"
CONCEPTS: Final = "deploy/concepts.md"
QUESTIONS: Final = "deploy/faq.md"
SECURITY: Final = "deploy/security.md"
BELOW: Final = (ROOT, ROOT / "watcher", ROOT / "tests", ROOT / "tests" / "documents", ROOT / "deploy")
"""Where what is named may lie."""
PATH: Final = re.compile(r"(?<![\w./-])[\w-]+(?:/[\w.-]+)*(?:/|\.(?:py|sql|js|md|toml|yml|yaml|txt|json))(?![\w/])")
DRAWN: Final = re.compile(r"(?<![\w./])[a-z_]+/[\w./]+\.py")
RULE: Final = re.compile(r"\|( --- \|)+")
CONTRACTS: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
FIGURES: Final = "How looks are chosen"

OTHERS: Final[Mapping[str, Set[str]]] = {
    "deploy/receivers.md": {"callfire-batch-watcher/"},
    "deploy/releasing.md": {"dist/"},
    "deploy/runbook.md": {"account.rate_found", "account.rate_lowered", "account.throttled", "delivery.dead"},
    "deploy/scaling.md": {"database.read_url"},
    "deploy/tracing.md": {"http.request.method", "http.response.status_code", "service.instance.id", "/v1/traces"},
}
"""What only looks like a name of ours: what others call theirs, what is made, lines of the log, a setting that could be."""
EXAMPLE: Final = re.compile(r"(?<=^accounts\.)north(?=\.)")
"""An account by the name that the runbook gives it."""

EACH: Final = pytest.mark.parametrize("document", [*documents(), "CHANGELOG.md"])


def rows(document: str, title: str) -> list[list[str]]:
    """The cells of all tables below a heading, without their heads."""
    lines = section(document, title).splitlines()
    heads = {number for number, line in enumerate(lines, -1) if RULE.fullmatch(line)}
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for number, line in enumerate(lines)
        if line.startswith("| ") and number not in heads and not RULE.fullmatch(line)
    ]


def missing(paths: Iterable[str]) -> list[str]:
    """Those of them that lie nowhere."""
    return [path for path in paths if not any((folder / path).exists() for folder in BELOW)]


def names_in(text: str) -> list[str]:
    """What stands between backticks."""
    return re.findall(r"`([^`]+)`", text)


@EACH
def test_modules_tests_and_files_that_are_named_are_there(document: str) -> None:
    named = [found for each in quoted(document) for found in PATH.findall(each) if not each.startswith("watcher ")]
    assert {*missing([*named, *DRAWN.findall(text_of(document))])} - OTHERS.get(document, set()) == set()


@EACH
def test_metrics_settings_events_and_operations_exist(document: str) -> None:
    text = [EXAMPLE.sub("NAME", each) for each in quoted(document) if each not in OTHERS.get(document, ())]
    assert {each for each in text if re.fullmatch(r"watcher_\w+", each)} - series() == set()
    settings = {dotted(key.path) for key in keys()}
    settings |= {key.rpartition(".")[0] for key in settings} | values()
    names = {each.partition(" = ")[0] for each in text if re.fullmatch(r"[a-z]+(\.[A-Za-z_]+)+( = .*)?", each)}
    sections = {key.partition(".")[0] for key in settings}
    assert {
        each for each in names if each.partition(".")[0] in sections and not PATH.fullmatch(each)
    } - settings == set()
    kinds = {each.partition(".")[0] for each in EVENT_TYPES}
    assert {each for each in names if each.partition(".")[0] in kinds} - set(EVENT_TYPES) == set()
    served = set(json.loads((ROOT / "deploy" / "openapi.json").read_text())["paths"])
    asked = re.compile(r"(?:[A-Z]+ )?(/v1/\S+|/livez|/readyz|/metrics)")
    assert {found[1] for each in text if (found := asked.fullmatch(each))} - served == set()


@cache
def values() -> Set[str]:
    """What can be said of the chart, by its names, down to the second part."""
    read = yaml.safe_load((ROOT / "deploy" / "helm" / "watcher" / "values.yaml").read_text())
    return {f"{part}.{key}" for part, below in read.items() if isinstance(below, Mapping) for key in below}


@cache
def series() -> Set[str]:
    """What can be scraped, by its names."""
    metrics = Metrics(version="1.2.3", loaded=NOON)
    for news in EVERYTHING:
        metrics(news)
    families = list(metrics.catalogue.registry.collect())
    return {family.name for family in families} | {sample.name for family in families for sample in family.samples}


def test_the_words_of_the_specification_are_explained() -> None:
    words = {word for row in rows(CONCEPTS, "Words") for word in row[0].split(", ")}
    assert words >= {
        *("account", "broadcast", "batch", "status", "watch", "look", "transition", "event", "endpoint", "delivery"),
        *("attempt", "budget", "share", "part", "lease", "window", "ETA", "stuck", "missing", "expired"),
    }


def test_the_figures_are_those_in_force() -> None:
    figures = [row for row in rows(CONCEPTS, FIGURES) if len(row) == 3]
    assert len(figures) > 10
    assert [(name, value) for _, value, name in figures] == [(name, str(in_force(name))) for *_, name in figures]


def in_force(name: str) -> object:
    """The constant of that name, below the package, or the default of a dataclass's field."""
    _, module, *inner = name.strip("`").split(".")
    found = import_module(f"watcher.core.{module}")
    if len(inner) == 1:
        return getattr(found, inner[0])
    return getattr(found, inner[0]).__dataclass_fields__[inner[1]].default


def test_the_delays_are_those_of_the_benchmark() -> None:
    results = (ROOT / "tests" / "bench" / "RESULTS.md").read_text()
    table = results.partition("### polling.md's table\n")[2].partition("###")[0]
    heads, *measured = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if "|" in line
    ]
    known = {row[0]: dict(zip(heads, row, strict=True)) for row in measured}
    told = [row for row in rows(CONCEPTS, FIGURES) if len(row) == 6]
    columns = ("round robin", "backoff x1.5", "oracle", "daemon, no pages", "daemon")
    assert [row[0] for row in told] == ["10, 5/s", "100, 5/s", "300, 5/s"]
    for row in told:
        assert row[1:] == [known[row[0]][column].partition(" (")[0] for column in columns]


def test_every_threat_says_what_stops_it_where_and_what_remains() -> None:
    threats = rows(SECURITY, "Threats")
    assert len(threats) > 20
    for threat, stops, where, remains in threats:
        modules, _, tests = where.partition(";")
        assert all((threat, stops, remains)), threat
        assert ".py" in modules, threat
        assert "test_" in modules + tests, threat


def test_the_codes_are_answered_with_the_types_that_are_told() -> None:
    told = [
        (int(code), kind)
        for code, kinds, _ in rows(QUESTIONS, "The interface and the page")
        for kind in names_in(kinds)
    ]
    assert len(told) > 15
    assert [kind for code, kind in told if code not in MEANINGS[kind].statuses] == []


def test_the_import_table_is_that_of_the_contracts() -> None:
    """By each contract: what a part may not import of ours, and of others. What is forbidden nowhere is allowed."""
    ours = {path.stem for path in (ROOT / "watcher").iterdir() if path.stem[0] != "_" and path.suffix in ("", ".py")}
    forbidden: dict[str, set[str]] = {}
    for contract in CONTRACTS:
        peers = contract.get("modules", [])
        for part in contract.get("source_modules", peers):
            forbidden.setdefault(part, set()).update(contract.get("forbidden_modules", peers))
    table = {part.strip("`"): (allowed, others) for part, allowed, others in rows(ARCHITECTURE, "Who may import whom")}
    assert table == {part: _told(part, ours, forbidden[f"watcher.{part}"]) for part in table}
    assert ours - table.keys() == {"clock"}


def _told(part: str, ours: Set[str], forbidden: Set[str]) -> tuple[str, str]:
    allowed = ours - {part} - {each.removeprefix("watcher.") for each in forbidden}
    others = {each for each in forbidden if not each.startswith("watcher.")}
    code = [" ".join(f"`{each}`" for each in sorted(names)) for names in (allowed, others)]
    return code[0] or "nothing", code[1]


def test_the_clock_imports_nothing_of_ours() -> None:
    assert "watcher" not in (ROOT / "watcher" / "clock.py").read_text().partition("class ")[0].replace('"""', "")


def test_the_ten_rules_are_there_each_with_a_test() -> None:
    rules = rows(ARCHITECTURE, "Ten rules")
    assert [row[0] for row in rules] == [str(number) for number in range(1, 11)]
    for number, _, kept, tests in rules:
        assert ".py" in kept, number
        assert "test_" in tests, number


def test_the_crash_points_are_those_that_there_are() -> None:
    told = section(ARCHITECTURE, "How a test is written here").partition("**Crash points.**")[2]
    points = {point.partition(":")[2] for point in (*POINTS, *SUBMIT_POINTS)}
    assert points <= set(names_in(told))


def test_what_is_to_be_added_has_a_list_of_files() -> None:
    lists = re.findall(r"^\*\*(An? [^*]+)\*\*", section(ARCHITECTURE, "How to add"), re.MULTILINE)
    assert lists == [
        "A status",
        "An event type",
        "A setting",
        "A metric",
        "An HTTP operation",
        "An SQL statement",
        "A migration",
    ]


@pytest.mark.parametrize("file", sorted(ROOT.glob("requirements*.txt")), ids=lambda file: file.name)
def test_everything_that_is_installed_is_pinned_by_its_hash_and_names_no_registry(file: Path) -> None:
    pinned = re.sub(r"\\\n\s+", "", file.read_text()).splitlines()
    assert len(pinned) > 20
    assert [
        line for line in pinned if not re.match(r"[\w.\[\],-]+==\S+( ; [^-]*[^ -])? *--hash=sha256:[0-9a-f]{64}", line)
    ] == []
    assert "://" not in "".join(pinned)
