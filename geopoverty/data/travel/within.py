"""What was left out of travel times while they were read or made."""

from dataclasses import dataclass

import numpy as np

from geopoverty.errors import InputError


@dataclass(frozen=True)
class Within:
    """Which pairs were kept while travel times were read or made.

    Attributes
    ----------
    cutoff : float, optional
        Minutes above 0: longer trips were left out.
    nearest : int, optional
        How many of each unit's nearest were kept, 1 or more.

    Raises
    ------
    InputError
        If either is out of range.

    Examples
    --------
    >>> print(Within(cutoff=240))
    Only pairs within 240 minutes are held
    >>> Within(cutoff=240).holds(cutoff=60, nearest=None)
    True
    """

    cutoff: float | None = None
    nearest: int | None = None

    def __post_init__(self) -> None:
        if self.cutoff is not None and not 0 < self.cutoff < np.inf:
            raise InputError(f"cutoff must be minutes above 0; got {self.cutoff}.")
        k = self.nearest
        whole = isinstance(k, int | np.integer) and not isinstance(k, bool)
        if k is not None and not (whole and k >= 1):
            raise InputError(f"nearest must be a whole number from 1; got {k!r}.")

    def __bool__(self) -> bool:
        return self.cutoff is not None or self.nearest is not None

    def __str__(self) -> str:
        near = "" if self.nearest is None else f" to each unit's {self.nearest} nearest"
        far = "" if self.cutoff is None else f" within {self.cutoff:g} minutes"
        return f"Only pairs{far}{near} are held"

    def holds(self, *, cutoff: float | None, nearest: int | None) -> bool:
        """Return whether all pairs that a use asks for are held.

        Parameters
        ----------
        cutoff : float or None
            Minutes up to which the use wants pairs; None is all.
        nearest : int or None
            How many nearest of each unit it wants; None is all.
        """
        far = self.cutoff is None or (cutoff is not None and cutoff <= self.cutoff)
        if self.nearest is None:
            # The nearest k are right if each of them was within reach: only the
            # pairs left out could tell, so a cutoff must be asked for, too.
            return far
        return far and nearest is not None and nearest <= self.nearest
