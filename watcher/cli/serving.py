"""`watcher run`, `check` and `db migrate`: what is done with the settings on this machine, without asking a daemon."""

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.formats import PEOPLE, say_data, say_lines
from watcher.cli.options import As, Config, environment, settings_in_force
from watcher.cli.printing import Output, Stop, complain, say, say_table, stop
from watcher.cli.progress import moving
from watcher.cli.running import run_to_end

if TYPE_CHECKING:
    from watcher.app import Finding, Migrated
    from watcher.settings import Settings

CONTRACTING: Final = "_contract_"
"""Stands in the name of a migration that waits for older processes to end."""


def run(config: Config = None, output: As = Output.TABLE) -> None:
    """Run the daemon, until Ctrl-C or SIGTERM.

    It polls CallFire within the budget of each account, records changes, sends webhooks, and serves its interface.

    \b
    With the environment alone:
        CALLFIRE_LOGIN=… CALLFIRE_PASSWORD=… watcher run
    With a file:
        watcher run --config /etc/watcher.toml

    Settings are checked first; `watcher check` does it without starting anything. SIGHUP has them read again.

    Exit codes: 0 it was asked to stop · 2 it could not start, or fell · 143, 130 asked a second time, it ended at once.
    """
    from watcher.app import CannotStart, main
    from watcher.settings import load

    settings, environ = settings_in_force(config), environment()

    def announce(url: str) -> None:
        """A courtesy: that nobody hears it does not end the daemon."""
        try:
            say(f"watcher serves {url}") if output in PEOPLE else say_lines({"url": url}, output)
        except BrokenPipeError:
            pass
        except Stop as unsaid:
            complain(str(unsaid))

    try:
        code = main(settings, announce=announce, read=partial(load, config, environ), environ=environ)
    except CannotStart as error:
        stop(str(error))
    raise typer.Exit(code)


def check(
    config: Config = None,
    upstream: Annotated[
        bool, typer.Option("--upstream", help="Also try each login: one request to CallFire each.")
    ] = False,
    print_: Annotated[
        bool, typer.Option("--print", help="Show the settings in force and where each came from, secrets masked.")
    ] = False,
    reference: Annotated[bool, typer.Option("--reference", hidden=True, help="The table of all settings.")] = False,
    output: As = Output.TABLE,
) -> None:
    """Check settings and connections, and say what to do about what is wrong.

    \b
    watcher check              settings, database, address; asks CallFire nothing
    watcher check --upstream   also whether CallFire accepts each login
    watcher check --print      every setting in force, and where it came from

    Exit codes: 0 all is well, 2 something is wrong.
    """
    if reference:
        from watcher.settings import reference as table

        say(table().rstrip())
        return
    if print_ and upstream:
        stop("--print asks nobody: leave out --upstream, or give it alone")
    try:
        settings = settings_in_force(config)
    except Stop as bad:
        if output not in PEOPLE and not print_:
            _print_rows([("settings", False, line) for line in bad.lines], output)
        raise
    if print_:
        _print(settings, output)
        return
    from watcher.app import check as look

    findings = run_to_end(moving("checking", look(settings, upstream=upstream)))
    _print_findings(settings, findings, output)
    if not all(finding.ok for finding in findings):
        raise typer.Exit(2)


def migrate(config: Config = None, output: As = Output.TABLE) -> None:
    """Bring the database to this version's schema. `watcher run` does it too; this does nothing else.

    On PostgreSQL older processes may have it at the same time. What they still need is taken away when they have ended: then
    this, or the next start, does it.

    \b
    watcher db migrate
    WATCHER_DATABASE_URL=sqlite:////var/lib/watcher.db watcher db migrate
    """
    from watcher.app import CannotStart
    from watcher.app import migrate as migrate_database

    settings = settings_in_force(config)
    try:
        migrated = run_to_end(moving("migrating", migrate_database(settings)))
    except CannotStart as error:
        stop(str(error))
    if output not in PEOPLE:
        document = {"database": settings.database.url, "from": migrated.before, "to": migrated.after}
        say_lines({**document, "waiting": list(migrated.waiting)}, output)
        return
    for line in told(settings.database.place, migrated):
        say(line)


def told(place: str, migrated: "Migrated") -> list[str]:
    """What was done to the database at that place, and what is still to be done, a line each."""
    before, after = migrated.before, migrated.after
    done = f"has version {after} already" if before == after else f"was brought from version {before} to {after}"
    return [f"{place} {done}", *(f"{name} {_waits(name)}" for name in migrated.waiting)]


def _waits(name: str) -> str:
    """What the step of that name waits for, and what to do."""
    if CONTRACTING in name:
        return "waits until no older process has the database: give this command again then"
    return "is being taken by another process, or could not be: give this command again"


def _print(settings: "Settings", output: Output) -> None:
    from watcher.settings import shown

    rows = [{"key": line.key, "value": line.value, "from": line.origin} for line in shown(settings)]
    if not say_data(rows, output):
        say_table(("KEY", "VALUE", "FROM"), [tuple(row.values()) for row in rows])


def _print_findings(settings: "Settings", findings: "list[Finding]", output: Output) -> None:
    origins = {origin.partition(":")[0] for origin in settings.origins.values() if not origin.startswith("env")}
    sources = " and ".join([*sorted(origins), *(["the environment"] if _from_environment(settings) else [])])
    rows = [("settings", True, f"good, from {sources or 'defaults'}")]
    rows += [(finding.name, finding.ok, finding.detail) for finding in findings]
    _print_rows(rows, output)


def _print_rows(rows: Sequence[tuple[str, bool, str]], output: Output) -> None:
    if not say_data([{"name": name, "ok": ok, "detail": detail} for name, ok, detail in rows], output):
        say_table(("", "WHAT", ""), [("ok" if ok else "WRONG", name, detail) for name, ok, detail in rows])


def _from_environment(settings: "Settings") -> bool:
    return any(origin.startswith("environment") for origin in settings.origins.values())
