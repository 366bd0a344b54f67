"""bandit over the program: it finds nothing that has no reason here. Most of what it looks for, ruff's rules S do too, with their
exceptions in the code; it knows some more, and takes nobody's word (`# noqa` is not for it)."""

import json
import subprocess
import sys
from collections.abc import Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
STATES: Final = "it states what the types cannot; nothing is protected by it"
NAMES: Final = "the name of an option, a problem or a state, or an example that is made up"
CHANCE: Final = "chance that nobody gains by foreseeing: jitter, or a simulated world that is to be the same again"
REASONS: Final[Mapping[tuple[str, str], str]] = {
    ("B101", "watcher/core/*"): STATES,
    ("B101", "watcher/cli/demo/stage.py"): STATES,
    ("B101", "watcher/http/*"): STATES,
    ("B101", "watcher/settings/keys.py"): STATES,
    ("B101", "watcher/store/*"): STATES,
    ("B101", "watcher/web/endpoints.py"): STATES,
    ("B104", "watcher/cli/daemon.py"): "not listened on: where a daemon is asked that listens everywhere",
    ("B104", "watcher/simulator/listener.py"): "not listened on: where the simulator says that it is",
    ("B105", "watcher/cli/subscriptions.py"): NAMES,
    ("B105", "watcher/web/openapi/*"): NAMES,
    ("B107", "watcher/cli/simulating.py"): "the simulator's, known to all",
    ("B311", "watcher/clock.py"): CHANCE,
    ("B311", "watcher/planning/scripts.py"): CHANCE,
    ("B311", "watcher/simulator/*"): CHANCE,
    ("B604", "watcher/cli/completing.py"): "no command is run: `shell` says for which shell a script is printed",
}
"""By the number of the rule and where: why it stays."""
CARELESS: Final = """
import subprocess
subprocess.run(input(), shell=True)
eval(input())
"""


def test_bandit_finds_nothing_that_has_no_reason(tmp_path: Path) -> None:
    careless = tmp_path / "careless.py"
    careless.write_text(CARELESS)
    ran = subprocess.run(
        [sys.executable, "-m", "bandit", "--quiet", "--format", "json", "--recursive", "watcher", str(careless)],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    report = json.loads(ran.stdout)
    assert report["errors"] == []
    assert len(report["metrics"]) > 300
    found = [(each["test_id"], each["filename"], each["line_number"]) for each in report["results"]]
    assert {rule for rule, file, _ in found if file == str(careless)} == {"B307", "B404", "B602"}
    ours = [each for each in found if each[1] != str(careless)]
    excused = {each: [key for key in REASONS if key[0] == each[0] and fnmatch(each[1], key[1])] for each in ours}
    assert [each for each, keys in excused.items() if not keys] == []
    assert [key for key in REASONS if key not in {key for keys in excused.values() for key in keys}] == []
