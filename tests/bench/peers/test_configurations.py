"""What the peers are given is valid, and what tells them of a settled batch tells them of no other."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.bench.peers import changedetection
from tests.bench.peers.changedetection import watch
from tests.bench.peers.having import NotToBeHad, debian, environment
from tests.bench.peers.peer import HERE, Place
from tests.bench.peers.prometheus import configured

PLACE: Final = Place(
    folder=Path("/nowhere"), api="http://127.0.0.1:1/v2", receiver="http://127.0.0.1:2/", rate=5.0, every=7
)
PORTS: Final = {"blackbox": 3, "alertmanager": 4, "prometheus": 5}
SETTLED: Final = ("ACTIVE", "ERRORS", "SOURCE_ERROR")
UNSETTLED: Final = ("NEW", "VALIDATING")


def checked(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_and_alertmanager_find_their_files_valid(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text((HERE / "rules.yml").read_text())
    (tmp_path / "batches.json").write_text("[]")
    for name, config in configured(PLACE, PORTS).items():
        (tmp_path / name).write_text(yaml.safe_dump(config))
    checked("promtool", "check", "config", str(tmp_path / "prometheus.yml"))
    checked("amtool", "check-config", str(tmp_path / "alertmanager.yml"))


def test_prometheus_asks_the_exporter_of_the_run_as_often_as_the_run_has_it() -> None:
    config = configured(PLACE, PORTS)["prometheus.yml"]
    (job,) = config["scrape_configs"]
    assert (config["global"]["scrape_interval"], config["global"]["scrape_timeout"]) == ("7s", "7s")
    assert job["relabel_configs"][-1] == {"target_label": "__address__", "replacement": "127.0.0.1:3"}


def body(status: str, **layout: Any) -> str:
    return json.dumps({"id": 7, "name": "API 7", "status": status, "size": 3}, **layout)


@pytest.mark.parametrize("layout", [{}, {"separators": (",", ":")}, {"indent": 4}], ids=str)
@pytest.mark.parametrize("status", [*SETTLED, *UNSETTLED])
def test_a_settled_batch_is_told_from_others_by_what_each_is_given_to_look_for(status: str, layout: Any) -> None:
    module = yaml.safe_load((HERE / "blackbox.yml").read_text())["modules"]["settled"]
    (probed,) = module["http"]["fail_if_body_not_matches_regexp"]
    (trigger,) = watch(PLACE, 7)["trigger_text"]
    text = body(status, **layout)
    found = [re.search(probed, text) is not None, re.search(trigger.strip("/"), text) is not None]
    assert found == [status in SETTLED] * 2


def test_changedetection_looks_as_often_as_the_run_has_it_and_tells_the_receiver_of_the_run() -> None:
    given = watch(PLACE, 7)
    assert given["url"] == "http://127.0.0.1:1/v2/campaigns/batches/7"
    assert given["time_between_check"] == {"seconds": 7}
    assert given["notification_urls"] == ["json://127.0.0.1:2/"]
    assert changedetection.ENVIRON["LISTEN_HOST"] == "127.0.0.1"


def test_what_cannot_be_installed_is_said_in_a_word(tmp_path: Path) -> None:
    (tmp_path / "none").touch()  # where the environment should be
    with pytest.raises(NotToBeHad, match=r"^python\S* -m: "):
        environment("none", ["no-such-package-of-anybody"], below=tmp_path)


def test_a_program_that_is_there_is_taken_as_it_is() -> None:
    assert debian("prometheus", "no-such-program", "prometheus") == shutil.which("prometheus")
