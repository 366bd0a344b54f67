"""The whole stack on this machine: `python -m tests.stack` leaves it running until Ctrl-C. `… alerts` has everything go wrong
that the alerts are there for, `… quiet [MINUTES]` nothing; both write what came of it to RESULTS.md.
"""

import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Final

from tests.bench.results import circumstances, section, sections_of, table
from tests.cli.conftest import ROOT
from tests.stack import campaign, quiet
from tests.stack.stay import stay

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
SECTIONS: Final = ("alerts", "quiet")
KEPT: Final = {
    "refused.png": "account-refused.png",
    "dead.png": "endpoint-dead.png",
    "stuck.png": "batch-stuck.png",
    "prometheus-refused.png": "prometheus-alerts.png",
}
"""The pictures for deploy/stack.md, and what they are called there."""
HEAD: Final = """# What rings, and what does not

`make stack-alerts` and `make stack-quiet` write this file, a section each. The whole stack runs on one machine: two replicas of
the daemon on PostgreSQL, a simulated CallFire, receivers of webhooks, Prometheus and Alertmanager with the files of
deploy/prometheus as they are but for addresses. Times are real: nothing is made quicker, in settings or in rules.
"""


def ended(number: int, _: FrameType | None) -> None:
    """SIGTERM and a closed terminal end it as Ctrl-C does: nothing is left behind."""
    raise KeyboardInterrupt


def written(name: str, doc: str, command: str, text: str) -> None:
    """The section is in RESULTS.md from now on; the others stay."""
    told = sections_of(RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "")
    told[name] = section(name, doc, command, text, circumstances())
    parts = [HEAD, *(told[each] for each in SECTIONS if each in told)]
    RESULTS.write_text("\n".join(parts), encoding="utf-8")


def run_quiet(minutes: float) -> bool:
    """Whether nothing fired."""
    with folder() as made:
        told = quiet.quiet(Path(made), minutes * 60)
    verdict = "\n".join(f"- WRONG: {each}" for each in told.fired) or "Nothing fired but Watchdog."
    text = f"{table(('figure', 'value'), told.figures)}\n\n{verdict}"
    print(text, flush=True)
    written("quiet", quiet.__doc__ or "", f"python -m tests.stack quiet {minutes:g}", text)
    return not told.fired


def run_alerts() -> bool:
    """Whether all that should ring did, and nothing else."""
    pictures = ROOT / "build" / "pictures" / "stack"
    with folder() as made:
        told = campaign.campaign(Path(made), pictures)
    verdict = "\n".join(f"- WRONG: {each}" for each in told.wrong) or "Nothing else rang, and nothing else fired."
    columns = ("what went wrong", "alert", "fired after, s", "reached after, s", "remedy", "told as over after, s")
    text = f"{table(columns, told.rows)}\n\n{table(('figure', 'value'), told.figures)}\n\n{verdict}"
    print(text, flush=True)
    written("alerts", campaign.__doc__ or "", "python -m tests.stack alerts", text)
    if not told.wrong:
        for name, called in KEPT.items():
            shutil.copyfile(pictures / name, ROOT / "deploy" / "pictures" / called)
    return not told.wrong


def folder() -> "tempfile.TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="watcher-stack-")


def main(words: list[str]) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, ended)
    try:
        match words:
            case []:
                with folder() as made:
                    stay(Path(made))
                return 0
            case ["alerts"]:
                return 0 if run_alerts() else 1
            case ["quiet", *rest] if len(rest) < 2:
                return 0 if run_quiet(float(rest[0]) if rest else 60.0) else 1
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
