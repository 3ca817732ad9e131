"""geopoverty from the shell."""

from geopoverty.cli.shell import main

__all__ = ["main"]
