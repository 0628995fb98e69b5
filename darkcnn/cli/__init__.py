"""The command line."""

from darkcnn.cli.commands import main

__all__ = ["main"]
