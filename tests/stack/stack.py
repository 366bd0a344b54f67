"""The whole stack on this machine, without containers: PostgreSQL, a believable CallFire, receivers of webhooks, replicas of the
daemon, Prometheus with the rules of deploy/prometheus, Alertmanager with its example, and whoever it tells.

Each is a process that is ended by its id. Prometheus and Alertmanager get the files of deploy/ as they are but for addresses.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import yaml

from tests.chaos.campaign import SECRET, http
from tests.cli.conftest import ROOT, others_environ
from tests.stack.alarms import Alarm, Alarms, listening
from tests.stack.processes import Program, a_port
from tests.store.postgres_server import DURABLE, running

RULES: Final = ROOT / "deploy" / "prometheus"
ACCOUNTS: Final = ("north", "south", "east", "west")
ENDPOINTS: Final = ("crm", "dialler", "reports")
REPLICAS: Final = ("watcher-1", "watcher-2")
PORTS: Final = {
    "watcher-1": 8080,
    "watcher-2": 8081,
    "prometheus": 9090,
    "alertmanager": 9093,
    "alarms": 9095,
    "api": 9100,
    "control": 9101,
    "crm": 9201,
    "dialler": 9202,
    "reports": 9203,
}
"""Where each is, where nobody else is there already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """All of it while it runs. `control` is the simulated CallFire's."""

    folder: Path
    environ: Mapping[str, str]
    control: str
    receivers: Mapping[str, Program]
    replicas: Sequence[Program]
    prometheus: Program
    alertmanager: Program
    alarms: Alarms

    @property
    def url(self) -> str:
        """A replica that runs."""
        return next(each.url for each in self.replicas if each.runs)

    def ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        """Asks a replica that runs."""
        return http(self.url + path, body, method)

    def operate(self, *words: str) -> str:
        """What an operator's command `watcher …` says; it must go well."""
        done = subprocess.run(
            [sys.executable, "-m", "watcher", *words],
            env={**self.environ, "WATCHER_URL": self.url},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"watcher {' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def add(self, account: str, count: int = 1, **plan: object) -> list[int]:
        """Batches that CallFire has from now on, and that are followed."""
        ids: list[int] = http(f"{self.control}/batches", {"account": account, "count": count, **plan})["ids"]
        self.ask("/v1/watches", [{"account": account, "batch_id": each} for each in ids])
        return ids

    def fault(self, **fault: object) -> int:
        """A fault of CallFire's from now on; the number by which it is taken back."""
        number: int = http(f"{self.control}/faults", fault)["id"]
        return number

    def mend(self, number: int) -> None:
        """The fault is over."""
        http(f"{self.control}/faults/{number}", method="DELETE")

    def figures(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """What Prometheus has for the expression now: labels and value of each series."""
        answer = http(f"{self.prometheus.url}/api/v1/query?{urlencode({'query': expr})}")
        return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where the stack is built: each program is ended when `closing` closes."""

    folder: Path
    ports: Mapping[str, int]
    environ: Mapping[str, str]
    closing: ExitStack

    def started(self, name: str, *command: object, up: str) -> Program:
        """A program at its port, which is up when that path answers."""
        url = f"http://127.0.0.1:{self.ports[name]}"
        program = Program(
            name=name,
            command=[str(each) for each in command],
            url=url,
            log=self.folder / f"{name}.log",
            up=url + up,
            environ=self.environ,
        )
        self.closing.callback(program.stop)
        program.start()
        return program

    def peer(self, name: str, kind: str, config: Mapping[str, object], *, up: str) -> Program:
        """A simulator or a receiver."""
        return self.started(name, sys.executable, "-m", "tests.chaos.peers", kind, json.dumps(config), up=up)


@contextmanager
def standing(
    folder: Path,
    *,
    hear: Callable[[Alarm], None],
    wanted: Mapping[str, int] = PORTS,
    rules: Path = RULES,
    every: str | None = None,
) -> Iterator[Stack]:
    """The stack, up until the end of the context. With `every` Prometheus scrapes and evaluates that often, not as the example
    says; `rules` is the folder of its files, and of Alertmanager's; `wanted` are the ports, 0 for any."""
    ports = {name: a_port(port) for name, port in wanted.items()}
    environ = others_environ() | {"PYTHONPATH": str(ROOT)}
    with ExitStack() as closing:
        server = closing.enter_context(running(DURABLE))
        database = server.url(server.make())
        alarms = closing.enter_context(listening(ports["alarms"], hear))
        site = Site(folder=folder, ports=ports, environ=environ, closing=closing)
        accounts = {name: (name, "password") for name in ACCOUNTS}
        simulated = {"accounts": accounts, "port": ports["api"], "control_port": ports["control"]}
        simulator = site.peer("control", "simulator", simulated, up="/state")
        receivers = {
            name: site.peer(name, "receiver", {"secret": SECRET, "port": ports[name]}, up="/journal")
            for name in ENDPOINTS
        }
        alerting = site.started("alertmanager", *alertmanager(folder, rules, ports), up="/-/ready")
        replicas = [
            site.started(name, *_replica(_settings(folder, name, database, ports)), up="/readyz") for name in REPLICAS
        ]
        prometheus = site.started("prometheus", *_prometheus(folder, rules, ports, every), up="/-/ready")
        yield Stack(
            folder=folder,
            environ=environ,
            control=simulator.url,
            receivers=receivers,
            replicas=replicas,
            prometheus=prometheus,
            alertmanager=alerting,
            alarms=alarms,
        )


def _replica(settings: Path) -> Sequence[object]:
    """Its command, as users give it."""
    return (sys.executable, "-m", "watcher", "run", "--config", settings)


def _settings(folder: Path, name: str, database: str, ports: Mapping[str, int]) -> Path:
    """The file of a replica's settings: everything that it does not say is as it comes."""
    api = f"http://127.0.0.1:{ports['api']}/v2"
    written = folder / f"{name}.toml"
    written.touch(mode=0o600)  # there are passwords in it
    written.write_text(
        "\n".join(
            [
                f'[http]\nlisten = "127.0.0.1:{ports[name]}"',
                f'[database]\nurl = "{database}"',
                '[log]\nformat = "json"',
                '[webhooks]\nallow_networks = ["127.0.0.0/8"]',
                *(
                    f'[accounts.{account}]\nlogin = "{account}"\npassword = "password"\nbase_url = "{api}"'
                    for account in ACCOUNTS
                ),
                *(
                    f'[endpoints.{endpoint}]\nurl = "http://127.0.0.1:{ports[endpoint]}/"\nsecret = "{SECRET}"'
                    for endpoint in ENDPOINTS
                ),
            ]
        ),
        encoding="utf-8",
    )
    return written


def _prometheus(folder: Path, rules: Path, ports: Mapping[str, int], every: str | None) -> Sequence[object]:
    """Its command, with the example of deploy/ in which only addresses are others."""
    config = yaml.safe_load((rules / "prometheus.yml").read_text())
    replicas = [f"127.0.0.1:{ports[name]}" for name in REPLICAS]
    for each in config["rule_files"]:
        shutil.copyfile(rules / each, folder / each)
    config["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [f"127.0.0.1:{ports['alertmanager']}"]}]}]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": replicas}]
    if every is not None:
        config["global"] |= {"scrape_interval": every, "evaluation_interval": every, "scrape_timeout": every}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    return (
        "prometheus",
        "--config.file=prometheus.yml",  # so its page says alerts.yml, and not where that is
        "--storage.tsdb.path=prometheus",
        f"--web.listen-address=127.0.0.1:{ports['prometheus']}",
        "--log.level=warn",
        # What was told before it knows of Alertmanager is lost, and told again after a minute otherwise.
        *(() if every is None else (f"--rules.alert.resend-delay={every}",)),
    )


def alertmanager(folder: Path, rules: Path, ports: Mapping[str, int]) -> Sequence[object]:
    """Its command, with the example of deploy/ in which only the address of whoever is told is another."""
    text = (rules / "alertmanager.yml").read_text(encoding="utf-8")
    addressed = text.replace("127.0.0.1:9095", f"127.0.0.1:{ports['alarms']}")
    (folder / "alertmanager.yml").write_text(addressed, encoding="utf-8")
    return (
        shutil.which("prometheus-alertmanager") or "alertmanager",  # Debian calls it otherwise than everybody else
        "--config.file=alertmanager.yml",
        "--storage.path=alertmanager",
        f"--web.listen-address=127.0.0.1:{ports['alertmanager']}",
        "--cluster.listen-address=",  # it is alone
        "--log.level=warn",
    )
