"""The stack as somebody meets it who tries it out: what is where, what to break, and the alerts as whoever is on call has
them."""

import sys
import threading
from pathlib import Path
from typing import Final

from tests.stack.alarms import Alarm
from tests.stack.stack import Stack, standing
from tests.stack.traffic import Traffic, flowing

MEDIAN: Final = 40.0
EVERY: Final = 3.0
"""Seconds: of a batch's validation, and between two batches."""
WELCOME: Final = """
watcher       {watcher}
Prometheus    {prometheus}/alerts   (Debian's: {prometheus}/classic/alerts)
Alertmanager  amtool --alertmanager.url={alertmanager} alert
CallFire      {control}/truth   (a simulated one, and what is true there)

Batches come by themselves. Alerts appear below, as whoever is on call gets them. To try, in another terminal:

  export WATCHER_URL={url} PATH="$PWD/.venv/bin:$PATH"

  CallFire refuses an account     curl -d '{{"kind": "code", "code": 401, "account": "north"}}' {control}/faults
  pages after 2 minutes           remedy: curl -X DELETE {control}/faults && watcher accounts resume north

  a receiver dies                 kill -9 {receiver}
  ticket after 10, page after 20  remedy: Enter in here, then watcher endpoints enable dialler

  a batch gets stuck              curl -d '{{"account": "south", "new_for": 99999}}' {control}/batches
                                  watcher add --account south ID, with the id that it said
  ticket after 20 minutes         remedy: curl -X POST {control}/batches/ID/end

  a replica dies                  kill -9 {replica}
  ticket after 6 minutes          remedy: Enter in here

Enter starts again what was killed. Ctrl-C ends all of it.
"""


def stay(folder: Path) -> None:
    """Until Ctrl-C."""
    print("starting PostgreSQL, CallFire, receivers, two replicas, Prometheus, Alertmanager …", flush=True)
    with standing(folder, hear=heard) as stack, flowing(Traffic(stack=stack, median=MEDIAN, every=EVERY)):
        try:
            print(welcome(stack), flush=True)
            for _ in sys.stdin:
                started_again(stack)
            threading.Event().wait()  # nobody is at a terminal
        finally:
            print("ending it all …", flush=True)


def heard(alarm: Alarm) -> None:
    """The watchdog is left out: it comes every minute."""
    if alarm.name != "Watchdog":
        print(alarm.line(), flush=True)


def welcome(stack: Stack) -> str:
    """What is said when it is up."""
    return WELCOME.format(
        watcher="   ".join(f"{each.url}/" for each in stack.replicas),
        url=stack.url,
        prometheus=stack.prometheus.url,
        alertmanager=stack.alertmanager.url,
        control=stack.control,
        receiver=stack.receivers["dialler"].pid,
        replica=stack.replicas[-1].pid,
    )


def started_again(stack: Stack) -> None:
    """Whatever does not run any more."""
    for each in (*stack.receivers.values(), *stack.replicas):
        if not each.runs:
            each.start()
            print(f"{each.name} runs again, as process {each.pid}", flush=True)
