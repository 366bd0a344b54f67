"""The version stands in one place of the program, and whoever tells it tells that one."""

import json
import re
import tomllib
from pathlib import Path

import yaml

import watcher
from tests.fakes import NOON
from watcher.app.assembly import USER_AGENT
from watcher.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "watcher"
VERSION = watcher.__version__


def test_the_version_is_written_once_in_the_program_and_packages_take_it_from_there() -> None:
    holding = [file for file in PROGRAM.rglob("*.py") if f'"{VERSION}"' in file.read_text(encoding="utf-8")]
    assert holding == [PROGRAM / "__init__.py"]
    built = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert built["project"]["dynamic"] == ["version"]
    assert built["tool"]["hatch"]["version"]["path"] == "watcher/__init__.py"


def test_callfire_and_those_who_scrape_are_told_it() -> None:
    assert f"callfire-batch-watcher/{VERSION}" == USER_AGENT
    scraped = Metrics(version=VERSION, loaded=NOON).render("")[0].decode()
    assert re.search(rf'^watcher_build_info{{.*version="{re.escape(VERSION)}".*}} 1', scraped, flags=re.MULTILINE)


def test_the_interface_the_chart_and_the_image_say_it() -> None:
    """`make openapi` renews the first, the others are written by hand."""
    described = json.loads((ROOT / "deploy" / "openapi.json").read_text(encoding="utf-8"))
    chart = yaml.safe_load((ROOT / "deploy" / "helm" / "watcher" / "Chart.yaml").read_text(encoding="utf-8"))
    image = re.findall(r'image\.version="([^"]*)"', (ROOT / "deploy" / "Dockerfile").read_text(encoding="utf-8"))
    said = {"interface": described["info"]["version"], "chart": chart["version"], "daemon": chart["appVersion"]}
    assert said == dict.fromkeys(said, VERSION)
    assert image == [VERSION]
