"""Prometheus with the blackbox exporter, a probe for each batch, and Alertmanager, with the files that lie beside this."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from tests.bench.peers.having import debian
from tests.bench.peers.peer import HERE, Place, port, program, written
from tests.stack.processes import Program

NAMES: Final = ("blackbox", "alertmanager", "prometheus")
LONGEST: Final = 15
"""Seconds that a look may take at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prometheus:
    """`targets` is the file from which Prometheus knows of batches."""

    programs: Sequence[Program]
    place: Place
    targets: Path
    _followed: set[int] = field(default_factory=set)

    def follow(self, number: int) -> None:
        self._followed.add(number)
        self._write()

    def drop(self, number: int) -> None:
        self._followed.discard(number)
        self._write()

    def settled(self, body: Any) -> Sequence[int]:
        return [int(alert["labels"]["batch"]) for alert in body["alerts"] if alert["status"] == "firing"]

    def _write(self) -> None:
        groups = [
            {"targets": [self.place.batch(number)], "labels": {"batch": str(number)}}
            for number in sorted(self._followed)
        ]
        written(self.targets, groups)


def prometheus(place: Place) -> Prometheus:
    """Not started yet. NotToBeHad."""
    exporter = debian("prometheus-blackbox-exporter", "prometheus-blackbox-exporter", "blackbox_exporter")
    alerting = debian("prometheus-alertmanager", "prometheus-alertmanager", "alertmanager")
    server = debian("prometheus", "prometheus")
    ports = {name: port() for name in NAMES}
    targets = written(place.folder / "batches.json", [])
    for name, config in configured(place, ports).items():
        (place.folder / name).write_text(yaml.safe_dump(config), encoding="utf-8")
    for name in ("blackbox.yml", "rules.yml"):
        shutil.copyfile(HERE / name, place.folder / name)
    address = {name: f"127.0.0.1:{number}" for name, number in ports.items()}
    commands: Mapping[str, Sequence[object]] = {
        "blackbox": (
            exporter,
            "--config.file=blackbox.yml",
            f"--web.listen-address={address['blackbox']}",
            "--log.level=warn",
        ),
        "alertmanager": (
            alerting,
            "--config.file=alertmanager.yml",
            "--storage.path=alertmanager",
            f"--web.listen-address={address['alertmanager']}",
            "--cluster.listen-address=",  # it is alone
            "--log.level=warn",
        ),
        "prometheus": (
            server,
            "--config.file=prometheus.yml",
            "--storage.tsdb.path=prometheus",
            f"--web.listen-address={address['prometheus']}",
            "--rules.alert.resend-delay=1s",  # what is told before it knows of Alertmanager is lost, and told again only then
            "--log.level=warn",
        ),
    }
    return Prometheus(
        programs=[program(place, name, commands[name], port=ports[name], up="/-/healthy") for name in NAMES],
        place=place,
        targets=targets,
    )


def configured(place: Place, ports: Mapping[str, int]) -> Mapping[str, Any]:
    """The files in which something is other than in those beside this: addresses, and how often is looked."""
    config = yaml.safe_load((HERE / "prometheus.yml").read_text(encoding="utf-8"))
    every = f"{place.every}s"
    config["global"] |= {"scrape_interval": every, "scrape_timeout": f"{min(place.every, LONGEST)}s"}
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{ports['alertmanager']}"]
    config["scrape_configs"][0]["relabel_configs"][1]["replacement"] = f"127.0.0.1:{ports['blackbox']}"
    alerting = yaml.safe_load((HERE / "alertmanager.yml").read_text(encoding="utf-8"))
    alerting["receivers"][0]["webhook_configs"][0]["url"] = place.receiver
    return {"prometheus.yml": config, "alertmanager.yml": alerting}
