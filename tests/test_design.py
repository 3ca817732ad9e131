"""The formula language: what it builds, and what it never runs."""

import numpy as np
import pandas as pd
import pytest

from geopoverty.design import Roles, build_design
from geopoverty.design.formula import parse_formula
from geopoverty.errors import InputError
from geopoverty.weights import SpatialWeights

RING = SpatialWeights(
    ["a", "b", "c"], [[0, 0.5, 0.5], [1, 0, 0], [0.5, 0.5, 0]], standardize="row"
)


def rows():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "unit_id": ["a", "b", "c"] * 6,
            "period": np.repeat([1, 2], 9),
            "x": rng.normal(size=18),
            "z": rng.uniform(1, 2, size=18),
            "my col": rng.normal(size=18),
            "region": np.tile(["n", "s", "s", "w", "n", "w"], 3),
            "y": rng.integers(0, 2, size=18),
        }
    )


def build(formula, data=None, weights=RING, roles=None, **options):
    roles = Roles("unit_id", "period") if roles is None else roles
    data = rows() if data is None else data
    return build_design(formula, data, roles=roles, weights=weights, **options)


@pytest.mark.parametrize(
    ("formula", "names"),
    [
        ("y ~ x", ["Intercept", "x"]),
        ("y ~ x - 1", ["x"]),
        ("y ~ 0 + x", ["x"]),
        ("y ~ x + W(x)", ["Intercept", "x", "W(x)"]),
        ("y ~ W(log(z))", ["Intercept", "W(log(z))"]),
        ("y ~ log(z) + np.log1p(z)", ["Intercept", "log(z)", "np.log1p(z)"]),
        ("y ~ I(x**2) + sqrt(z)", ["Intercept", "I(x ** 2)", "sqrt(z)"]),
        ("y ~ `my col` + W(`my col`)", ["Intercept", "my col", "W(my col)"]),
        ("y ~ x * z", ["Intercept", "x", "z", "x:z"]),
        ("y ~ x:W(z) + W(z)", ["Intercept", "W(z)", "x:W(z)"]),
        ("y ~ region", ["Intercept", "region[T.s]", "region[T.w]"]),
        (
            "y ~ C(region, contr.treatment('s'))",
            ["Intercept"]
            + [f"C(region, contr.treatment('s'))[T.{r}]" for r in ("n", "w")],
        ),
        ("x > 0 ~ z", ["Intercept", "z"]),
    ],
)
def test_columns_are_named_as_written(formula, names):
    assert build(formula).names == names


def test_lags_of_lags():
    design = build("y ~ W(x) + W(W(x))", roles=Roles("unit_id"))
    mean = rows().groupby("unit_id")["x"].mean()
    twice = RING.lag(RING.lag(mean))
    np.testing.assert_allclose(
        design.X[:, design.names.index("W(W(x))")], twice[rows()["unit_id"]]
    )


def test_a_lag_of_what_varies_within_units_is_of_their_means():
    design = build("y ~ W(x)", roles=Roles("unit_id"))
    lag = RING.lag(rows().groupby("unit_id")["x"].mean())
    np.testing.assert_allclose(design.X[:, 1], lag[rows()["unit_id"]])


def test_outcomes_may_be_expressions():
    design = build("x > 0.1 ~ z")
    assert design.y.tolist() == (rows()["x"] > 0.1).astype(float).tolist()
    design = build("y ~ z", rows().assign(y=lambda t: t["y"].astype(bool)))
    assert design.y.tolist() == rows()["y"].astype(float).tolist()


def test_unit_ids_may_be_the_index():
    data = rows().drop(columns="period").set_index("unit_id")
    assert build("y ~ W(x)", data, roles=Roles("unit_id")).names[1] == "W(x)"
    both = rows().set_index("unit_id", drop=False)
    assert build("y ~ W(x)", both).rows.index.name is None


def test_plain_columns_equal_formulaics():
    plain = build("y ~ x + z")
    other = build("y ~ x + I(z)")
    np.testing.assert_array_equal(plain.X, other.X)


def test_columns_of_units_are_joined_by_key():
    units = pd.DataFrame({"unit_id": ["c", "a", "b"], "jobs": [3.0, 1.0, 2.0]})
    design = build("y ~ jobs + x", unit_data=units, roles=Roles("unit_id"))
    expected = rows()["unit_id"].map({"a": 1.0, "b": 2.0, "c": 3.0})
    assert design.X[:, 1].tolist() == expected.tolist()


def test_weights_without_a_lag_are_said():
    assert any("no W(x)" in note for note in build("y ~ x").notes)


# What a formula must never do


@pytest.mark.parametrize(
    "formula",
    [
        "y ~ __import__('os').system('true')",
        "y ~ I(__import__('os').system('true'))",
        "y ~ x.__class__",
        "y ~ I(x.__class__)",
        "y ~ log(x.real)",
        "y ~ np.load(x)",
        "y ~ np.linalg.norm(x)",
        "y ~ I((lambda: 1)())",
        "y ~ I([v for v in x])",
        "y ~ I(eval(x))",
        "y ~ I(open('file'))",
        "y ~ I(x := 3)",
        "y ~ I(f'{x}')",
        "y ~ {x.__class__}",
        "y ~ {exec(x)}",
        "y ~ W(x.__class__)",
        "y ~ W(I(open('file')))",
        "x.__class__ ~ x",
        "I(open('file')) ~ x",
        "y ~ `__import__('os')`",
        "y ~ I(x[0])",
        "y ~ I(x if x else x)",
        "y ~ hashed(x)",
        "y ~ Q('x')",
        "y ~ C(region, contr.custom(x))",
        "y ~ I(x, **{})",
        "y ~ I(*x)",
    ],
)
def test_only_declared_names_are_evaluated(formula):
    with pytest.raises(InputError):
        build(formula)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("y ~ xx", r"uses xx, which the table lacks\. Did you mean 'x'\?"),
        ("y ~ W(zz)", r"uses zz, which the table lacks\. Did you mean 'z'\?"),
        ("yy ~ x", r"uses yy, which the table lacks\. Did you mean 'y'\?"),
        ("y ~ log(x", "cannot be parsed"),
        ("y ~ W(x", r"A bracket is not closed in"),
        ("y ~ W()", r"W\(\) must hold what it lags"),
        ("y ~ x | region", "has several parts.*fixed effects are an option of panel"),
        ("y", "needs an outcome, '~' and covariates"),
        ("~ x", "needs an outcome"),
        ("y ~", "needs an outcome"),
        ("", "must be text"),
        ("W(y) ~ x", r"must not be a lag.*spatial_binary"),
        ("y ~ 0", "has no covariate"),
        ("region ~ x", "'region' must be numeric; it holds"),
        ("y ~ log(x)", r"'log\(x\)' must be finite; \d+ of 18 rows break this \("),
        ("y ~ W(log(x))", r"W\(log\(x\)\): 'log\(x\)' must be finite"),
        ("y ~ np.spam(x)", "is not allowed in a formula"),
    ],
)
def test_mistakes_are_named(formula, message):
    with pytest.raises(InputError, match=message):
        build(formula)


def test_lags_need_weights():
    with pytest.raises(InputError, match=r"W\(x\) needs spatial weights\. Pass"):
        build("y ~ W(x)", weights=None)


def test_a_formula_must_be_text():
    with pytest.raises(InputError, match="must be text"):
        parse_formula(3, ["x"], outcome=True)


def test_units_without_weights_are_listed():
    data = rows()
    data.loc[[0, 4], "unit_id"] = ["q", "r"]
    with pytest.raises(
        InputError, match=r"2 of 5 units in the rows have none \(q, r\)\. Drop"
    ):
        build("y ~ W(x)", data)


def test_units_without_a_value_are_listed():
    data = rows()[lambda t: t["unit_id"] != "b"]
    message = (
        r"W\(x\) needs a value for every unit of the weights in period 1; 1 of 3 units "
        r"have none \(b\)\. Give them in unit_data=, or use weights\.subset"
    )
    with pytest.raises(InputError, match=message):
        build("y ~ W(x)", data)
    units = pd.DataFrame({"unit_id": ["a", "b", "c"], "jobs": [1.0, 2.0, 3.0]})
    assert build("y ~ W(jobs)", data, unit_data=units).names[1] == "W(jobs)"


def test_integer_ids_are_refused_for_lags():
    data = rows().assign(unit_id=lambda t: t["unit_id"].map({"a": 1, "b": 2, "c": 3}))
    with pytest.raises(InputError, match="leading zeros are lost"):
        build("y ~ W(x)", data)


def test_unit_data_must_have_each_unit_once_and_all_of_them():
    units = pd.DataFrame({"unit_id": ["a", "b", "b"], "jobs": [1.0, 2.0, 3.0]})
    with pytest.raises(
        InputError, match=r"one row for each unit_id; 1 of 3 rows break this \(b\)"
    ):
        build("y ~ jobs", unit_data=units, roles=Roles("unit_id"))
    units = pd.DataFrame({"unit_id": ["a", "b"], "jobs": [1.0, 2.0]})
    with pytest.raises(
        InputError, match=r"must be in unit_data; 6 of 18 rows break this \(c"
    ):
        build("y ~ jobs", unit_data=units, roles=Roles("unit_id"))


def test_unit_data_must_cover_the_periods():
    units = pd.DataFrame(
        {"unit_id": ["a", "b", "c"], "period": 1, "jobs": [1.0, 2.0, 3.0]}
    )
    with pytest.raises(InputError, match="must cover every period of the rows; 2 is"):
        build("y ~ W(jobs)", unit_data=units)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("not a table", "data must be a DataFrame; got str"),
        (pd.DataFrame({"x": []}), "data must have rows; it is empty"),
        (
            pd.DataFrame([[1, 2]], columns=["x", "x"]),
            "must name each column once; x stands more than once",
        ),
    ],
)
def test_tables_are_checked(data, message):
    with pytest.raises(InputError, match=message):
        build("y ~ x", data)


def test_missing_periods_are_refused():
    data = rows().astype({"period": float})
    data.loc[3, "period"] = np.nan
    with pytest.raises(
        InputError, match=r"must all have a 'period'; 1 of 18 rows break this \(a\)"
    ):
        build("y ~ W(x)", data)


def test_a_missing_period_column_is_named():
    with pytest.raises(InputError, match="data needs the column year, which the table"):
        build("y ~ x", roles=Roles("unit_id", "year"))
