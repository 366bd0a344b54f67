"""The blocks of one document, run in their order in one shell, as somebody would who follows it: in a folder that is like a clone
of the project, beside a daemon that polls a simulated CallFire. Only addresses, and ids of batches, are those of the test."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.chaos.campaign import http
from tests.cli.conftest import others_environ
from tests.documents.reading import ROOT, Block, blocks
from tests.documents.ways import APART, RUN, place
from tests.stack.processes import a_port
from watcher.core.keys import secret_text
from watcher.webhooks.signing import make_key

PATIENCE: Final = 300
"""Seconds after which a document is given up."""
START: Final = "README.md"
"""The document that starts the daemon by itself; beside all others one runs already, and has seen the batches' ends."""
SERVED: Final = "8080"
CLONED: Final = ("Makefile", "pyproject.toml", "requirements.txt")
"""What the commands use of the project's folder, beside .venv."""
LIFE: Final = {"count": 5, "new_for": 0.2, "validating_for": 0.2, "end": "ACTIVE", "kind": "calls"}

PORT: Final = re.compile(r"""(?:127\.0\.0\.1|localhost):(\d+)|"127\.0\.0\.1", (\d+)|--(?:control-)?port (\d+)""")
BATCH: Final = re.compile(r"(?<![\w.:-])1[3-7](?![\w.:%-])")
BROADCAST: Final = re.compile(r"(?<=--broadcast )9\b|(?<=submit )9\b|(?<=broadcasts/)9\b")

LOGIN: Final = ("--login", "your-api-login", "--password", "your-api-password")

UNTIL_READY: Final = (
    f"until curl -sf http://127.0.0.1:{SERVED}/readyz > ready.txt; do kill -0 $! || exit 9; sleep 0.1; done\n"
)
FOREVER: Final = re.compile(r"^((?:watcher (?:run|simulate|listen)\b|python .*receiver\.py).*)$", re.MULTILINE)
"""What runs until it is ended: in a shell of its own, while the rest goes on as soon as it has said something."""
BESIDE: Final = r"""forever=$((forever + 1))
\1 > forever-$forever.txt 2>&1 &
until [ -s forever-$forever.txt ]; do kill -0 $! || exit 9; sleep 0.1; done"""
FOLLOWED: Final = """watcher run > daemon.log 2>&1 &
{ready}curl -sf -d '[{rows}]' -H 'Content-Type: application/json' http://127.0.0.1:{served}/v1/watches > followed.txt
ended() {{ curl -sf 'http://127.0.0.1:{served}/v1/events?type=batch.active' | grep -o '"batch.active"' | wc -l; }}
until [ "$(ended)" -ge 5 ]; do sleep 0.1; done
"""


class Played(NamedTuple):
    """What came of it: the shell's code and its last words, what each block printed, what ran beside, and the batches' ids."""

    code: int
    trouble: str
    said: Mapping[Block, str]
    folder: Path
    ids: Sequence[int]

    def of(self, command: str) -> list[str]:
        """The lines that the block with this text in it printed."""
        (found,) = (said for block, said in self.said.items() if command in block.text)
        return found.splitlines()


def playable(document: str) -> list[Block]:
    """Its blocks that are run here."""
    return [block for block in blocks(document) if block.language in RUN and place(block) not in APART]


def clone(folder: Path) -> Path:
    """A folder that is like a clone of the project, without its own `var/`: what is kept there is the user's."""
    subprocess.run(["make", "install"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name in CLONED:
        shutil.copyfile(ROOT / name, folder / name)
        os.utime(folder / name, (0, 0))  # newer than .venv it would be installed anew, from here
    return folder


def beginner() -> dict[str, str]:
    """The environment of somebody who has not installed anything yet, and measures nothing."""
    environ = others_environ()
    paths = environ["PATH"].split(os.pathsep)
    return environ | {"PATH": os.pathsep.join(path for path in paths if Path(path) != ROOT / ".venv" / "bin")}


def installed(folder: Path) -> dict[str, str]:
    """The environment after the README's real start, whose last line is all that is left to do."""
    (folder / "var").mkdir()
    (folder / "var" / "secret").write_text(secret_text(make_key("v1")) + "\n")
    environ = beginner()
    return environ | {
        "PATH": f"{folder / '.venv' / 'bin'}{os.pathsep}{environ['PATH']}",
        "CALLFIRE_LOGIN": "your-api-login",
        "CALLFIRE_PASSWORD": "your-api-password",
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
    }


def script(document: str, *, folder: Path, made: Mapping[int, int], broadcast: int, ports: Mapping[str, str]) -> str:
    """All of it for one shell. Programs are written beside it; those that serve are started before everything else."""

    def ours(text: str) -> str:
        text = BATCH.sub(lambda found: str(made[int(found[0])]), BROADCAST.sub(str(broadcast), text))
        return re.sub(r"\b\d{4,5}\b", lambda found: ports.get(found[0], found[0]), text)

    lines = ["trap 'kill $(jobs -p) 2> /dev/null; wait' EXIT", "set -e; forever=0"]
    serving: list[str] = []
    playing: list[str] = []
    for number, block in enumerate(playable(document)):
        if block.language == "python":
            (folder / f"program-{number}.py").write_text(ours(block.text))
            where = serving if "serve_forever" in block.text else playing
            where.append(f"python program-{number}.py > said-{number}.txt" + " 2> receiver.log &" * (where is serving))
        else:
            playing.append(f"{{\n{FOREVER.sub(BESIDE, ours(block.text))}}} > said-{number}.txt")
    ready = [*serving, "make run > daemon.log 2>&1 &", ours(UNTIL_READY)]
    playing = [each.replace("make run\n", "\n".join(ready)) for each in playing]
    if document != START:
        rows = ",".join(f'{{"batch_id": {number}}}' for number in made.values())
        lines += [*serving, FOLLOWED.format(ready=ours(UNTIL_READY), rows=rows, served=ours(SERVED))]
    return "\n".join([*lines, *playing])


def play(document: str, folder: Path, simulator: Mapping[str, str], until: str = "") -> Played:
    """Runs the document beside the simulated CallFire; `until` is one more command at its end."""
    clone(folder)
    found = [each for block in playable(document) for hit in PORT.findall(block.text) for each in hit if each]
    ports = {port: str(a_port(0)) for port in {*found, SERVED}}
    batches = http(f"{simulator['control']}/batches", LIFE)
    made = dict(zip(range(13, 18), batches["ids"], strict=True))
    address = f"127.0.0.1:{ports[SERVED]}"
    environ = {
        **(beginner() if document == START else installed(folder)),
        "CALLFIRE_BASE_URL": simulator["api"],
        "CALLFIRE_RATE": "50",
        "WATCHER_POLLING__MIN_INTERVAL": "100ms",
        "WATCHER_LISTEN": address,
        "WATCHER_URL": f"http://{address}",
    }
    text = script(document, folder=folder, made=made, broadcast=batches["broadcast_id"], ports=ports)
    with (folder / "trouble.txt").open("w") as trouble:
        code = subprocess.run(
            ["bash", "-c", f"{text}\n{until}"],
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stderr=trouble,
            timeout=PATIENCE,
            check=False,
        ).returncode
    said = [folder / f"said-{number}.txt" for number in range(len(playable(document)))]
    texts = [each.read_text() if each.exists() else "" for each in said]
    words = (folder / "trouble.txt").read_text()[-4000:]
    return Played(code, words, dict(zip(playable(document), texts, strict=True)), folder, batches["ids"])
