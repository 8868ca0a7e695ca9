"""`tillway completion`: the script that completes verbs and options in a shell."""

from __future__ import annotations

from typing import Literal

from rich.console import Console

from tillway.cli import exit_codes
from tillway.cli.options import Json
from tillway.cli.output import emit


def completion(shell: Literal["bash", "zsh", "fish"], /, *, json: Json = False) -> int:
    """Print the completion script of a shell; put it where your shell looks for them.

    Example: tillway completion bash > ~/.local/share/bash-completion/completions/tillway

    Parameters
    ----------
    shell
        bash, zsh or fish.
    """
    from tillway.cli.app import make_app

    script = make_app().generate_completion(shell=shell)

    def draw(console: Console) -> None:
        console.print(script, soft_wrap=True)

    emit("completion", {"shell": shell, "script": script}, draw, json)
    return exit_codes.DONE
