"""Asking a person whether something is to be done that cannot be taken back."""

import typer

from watcher.cli.printing import complain, stop


def agreed(question: str, undone: str) -> bool:
    """Whether they say so. Ctrl-C ends the command as it does everywhere; where nobody answers it ends with what is `undone`."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as end:
        complain("")  # ends the line of the question
        if isinstance(end.__context__, KeyboardInterrupt):
            raise typer.Exit(130) from None
        stop(f"{undone}: nobody answered; give --yes where nobody is asked")
