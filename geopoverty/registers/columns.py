"""Columns of a register, where a table would give its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geopoverty.errors import InputError


@dataclass(frozen=True, eq=False, repr=False)
class Column:
    """One or several columns of a register: ``homes["income"]``.

    Attributes
    ----------
    register : Register
    names : tuple of str
    """

    register: Any = field(repr=False)
    names: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name, where there is one column."""
        if len(self.names) != 1:
            raise InputError(f"One column is needed here; got {', '.join(self.names)}.")
        return self.names[0]

    @property
    def kind(self) -> str:
        """What it holds: "number", "text", "truth" or "other"."""
        found: str = self.register.columns[self.name]
        return found

    @property
    def attrs(self) -> Mapping[str, Any]:
        """Title, status, source and licence of the register."""
        found: Mapping[str, Any] = self.register.attrs
        return found

    def __repr__(self) -> str:
        return f"{', '.join(self.names)} of {self.register!r}"
