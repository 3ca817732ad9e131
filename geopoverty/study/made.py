"""What is made of a study before anything is fitted."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from geopoverty.data.travel import TravelTimes
from geopoverty.study.schema import Model, Study
from geopoverty.weights import SpatialWeights


@dataclass(frozen=True, eq=False)
class Call:
    """A model, ready to be fitted.

    Attributes
    ----------
    name : str
    model : Model
        As the study has it.
    data : DataFrame
        Its rows.
    options : dict
        Keyword arguments of the estimator, checked.
    groups, scan : dict or None
        Those of `by_group` and `industry_scan`.
    counts : DataFrame or None
        Clusters by unit and code, for a scan.
    """

    name: str
    model: Model
    data: pd.DataFrame
    options: dict[str, Any]
    groups: dict[str, Any] | None = None
    scan: dict[str, Any] | None = None
    counts: pd.DataFrame | None = None

    @property
    def title(self) -> str:
        """What readers call it."""
        return self.model.title or self.name


@dataclass(eq=False)
class Prepared:
    """What is made so far of a study; what failed is absent.

    Attributes
    ----------
    study : Study
    folder : Path
        Of the study file.
    text : str
        Of the study file.
    counties : GeoDataFrame or None
    times : TravelTimes or None
    tables : dict of str to DataFrame
    weights : dict of str to SpatialWeights
    calls : dict of str to Call
        Models, ready to be fitted.
    notes : list of str
        What the steps left out.
    """

    study: Study
    folder: Path
    text: str
    counties: gpd.GeoDataFrame | None = None
    times: TravelTimes | None = None
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    weights: dict[str, SpatialWeights] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
