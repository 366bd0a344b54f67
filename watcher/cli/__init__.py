"""The commands. Only here is anything printed."""


def main() -> None:
    """The command `watcher`."""
    from watcher.cli.program import program

    program(prog_name="watcher")
