"""The `tillway` command: thin verbs that parse, call and print."""

from tillway.cli.entry import main

__all__ = ["main"]
