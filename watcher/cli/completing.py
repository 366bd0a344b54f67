"""`watcher completion`: what a shell needs to complete commands, options and names."""

from enum import StrEnum
from typing import Annotated, Final

import typer

from watcher.cli.options import environment
from watcher.cli.printing import say

ASKED: Final = "_WATCHER_COMPLETE"
"""The variable by which a shell asks."""


class Shell(StrEnum):
    """Those that it is there for."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(help="For which shell.")]) -> None:
    """Print what makes a shell complete commands and options with the tab key; names too, where a daemon answers.

    \b
    eval "$(watcher completion bash)"                       now; or in ~/.bashrc
    eval "$(watcher completion zsh)"                        in ~/.zshrc, after compinit
    watcher completion fish > ~/.config/fish/completions/watcher.fish
    """
    from typer._completion_shared import get_completion_script

    say(get_completion_script(prog_name="watcher", complete_var=ASKED, shell=shell.value))


def completing() -> None:
    """Where it is a shell that asks, for what could stand next: makes the shells known that may."""
    if environment().get(ASKED) is not None:
        from typer._completion_classes import completion_init

        completion_init()
