"""How survival curves are drawn and compared: the options."""

from dataclasses import dataclass

import numpy as np

from geopoverty._checks import require_option
from geopoverty.errors import InputError

INTERVALS = ("log", "log-log", "plain")
TESTS = ("log-rank", "gehan", "tarone-ware", "peto")


@dataclass(frozen=True)
class CurveOptions:
    """How survival curves are drawn and compared.

    Attributes
    ----------
    interval : {"log", "log-log", "plain"}
        Scale on which pointwise intervals are symmetric, as ``conf.type`` of R's
        survfit, whose default is "log".
    conf_level : float
        Between 0 and 1.
    horizon : float, optional
        Up to when the mean time is taken, above 0. When not given: the last time at
        which every group is still observed.
    test : {"log-rank", "gehan", "tarone-ware", "peto"}
        How groups are compared: all times count alike (best where hazards are
        proportional), or early ones more: by units at risk (Gehan's Wilcoxon test),
        their square root, or the pooled survival.
    strata : str, optional
        Column: groups are compared within its values.

    Examples
    --------
    >>> CurveOptions(interval="log-log").conf_level
    0.95
    """

    interval: str = "log"
    conf_level: float = 0.95
    horizon: float | None = None
    test: str = "log-rank"
    strata: str | None = None

    def __post_init__(self) -> None:
        require_option(self.interval, INTERVALS, "interval")
        require_option(self.test, TESTS, "test")
        if not 0 < self.conf_level < 1:
            raise InputError(
                f"conf_level must be between 0 and 1; got {self.conf_level}."
            )
        if self.horizon is not None and not 0 < self.horizon < np.inf:
            raise InputError(f"horizon must be above 0; got {self.horizon}.")
