"""A real Prometheus on loopback, and what it answers."""

import json
import math
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

from tests.chaos.fleet import wait_for
from tests.stack.processes import a_port

PATIENCE: Final = 60.0
"""Seconds until it must be up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """One that scrapes every second what it is told to, as the job `watcher`. `targets` is the file that says what."""

    url: str
    targets: Path

    def scrape(self, target: str) -> None:
        """It begins within some seconds: Prometheus looks at what there is to scrape every five, from its start on."""
        written = self.targets.with_suffix(".written")
        written.write_text(json.dumps([{"targets": [target]}]), encoding="utf-8")
        written.replace(self.targets)

    def ask(self, expr: str) -> list[float]:
        """The values of the expression as of now, one for each series, without those that are no number."""
        try:
            with urlopen(f"{self.url}/api/v1/query?{urlencode({'query': expr})}", timeout=20) as answer:
                result: Any = json.load(answer)["data"]["result"]
        except HTTPError as refused:
            raise AssertionError(f"{expr}: {refused.read().decode()}") from refused
        values = [float(series["value"][1]) for series in result]
        return [value for value in values if not math.isnan(value)]


@contextmanager
def prometheus(folder: Path, rules: Path) -> Iterator[Prometheus]:
    """Up until the end of the context, with the rules of that folder; its data and its log are in the other one."""
    targets = folder / "targets.json"
    settings = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(rules / "recording.yml"), str(rules / "alerts.yml")],
        "scrape_configs": [{"job_name": "watcher", "file_sd_configs": [{"files": [str(targets)]}]}],
    }
    config = folder / "prometheus.yml"
    config.write_text(json.dumps(settings), encoding="utf-8")
    address = f"127.0.0.1:{a_port(0)}"
    setpriv = shutil.which("setpriv")  # it does not outlive whoever started it, also where that is killed
    command = [
        *(() if setpriv is None else (setpriv, "--pdeathsig", "KILL", "--")),
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
        "--scrape.discovery-reload-interval=500ms",  # of what there is to scrape; 5 s by default
        "--log.level=warn",
    ]
    log = folder / "prometheus.log"
    with (
        log.open("w") as written,
        subprocess.Popen(command, stderr=written, env=os.environ | {"GOMAXPROCS": "1"}) as running,
    ):
        try:
            asked = Prometheus(url=f"http://{address}", targets=targets)
            wait_for(lambda: _ready(asked.url, running, log), PATIENCE, "Prometheus is up")
            yield asked
        finally:
            running.kill()


def with_values(expr: str, window: str) -> str:
    """The expression with values in place of Grafana's variables: all of everything, rates over the window."""
    expr = re.sub(r"\$__(rate_)?interval\b", window, expr.replace("$job", "watcher"))
    return re.sub(r"\$(account|endpoint|instance)\b", ".+", expr)


def _ready(url: str, running: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert running.poll() is None, f"Prometheus ended: {log.read_text()}"
    with urlopen(f"{url}/-/ready", timeout=20) as answer:
        return bool(answer.status == 200)
