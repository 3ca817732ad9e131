"""Plots: what is drawn is what the tables say, on the axes that were given."""

import io
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from builders import result as any_result
from known import answers, table
from matplotlib import pyplot as plt

from geopoverty import plots
from geopoverty.errors import GeoPovertyWarning, InputError, MissingExtraError
from geopoverty.estimators.curves import CurveOptions, survival_curves
from geopoverty.estimators.did import Adoption, did, psm_did
from geopoverty.estimators.exits import exit_hazard
from geopoverty.estimators.matching import match, match_all
from geopoverty.estimators.quantiles import quantile_regression
from geopoverty.estimators.vulnerability import Profile, vulnerability
from geopoverty.numerics.smooth import smooth
from geopoverty.plots.writing import status_words
from geopoverty.results import Result

mpl.use("Agg")

ODD = "cost_$ of a_b^2 in $"  # mathematics, if anybody reads it so


@pytest.fixture(autouse=True)
def closed():
    """Close what a test leaves open; no setting of matplotlib may have changed."""
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


def quiet(fit, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GeoPovertyWarning)
        return fit(*args, **options)


def homes(n=300, seed=4):
    """Households that join a programme the more land they have; simulated."""
    rng = np.random.default_rng(seed)
    land, age = rng.normal(size=n), rng.uniform(20, 60, n)
    joined = (land + 1.5 * rng.normal(size=n) > 0.5).astype(int)
    income = np.exp(0.4 * land + 0.01 * age + joined + 0.6 * rng.normal(size=n))
    found = pd.DataFrame(
        {
            "joined": joined,
            "land": land,
            "age": age,
            "income": income,
            ODD: rng.normal(size=n),
            "village": rng.choice(["Ash", "Elm", ODD], n),
            "w": rng.uniform(1, 3, n),
        }
    )
    found.attrs["status"] = "simulated"
    return found


def waves(periods=5, n=60, names=None, seed=1):
    rng = np.random.default_rng(seed)
    labels = names or list(range(2010, 2010 + periods))
    table = pd.DataFrame(
        {
            "unit_id": np.repeat([f"h{i:03d}" for i in range(n)], periods),
            "period": labels * n,
            "joined": np.repeat(np.arange(n) % 2, periods),
            "late": np.tile(np.arange(periods) >= periods - 2, n).astype(int),
            "income": rng.normal(size=n * periods),
        }
    )
    begin = np.repeat(np.arange(n) % 3, periods)
    table["begins"] = np.select([begin == 0, begin == 1], [2012, 2013], np.nan)
    return table


@pytest.fixture(scope="module")
def matched():
    formula = f"joined ~ land + age + `{ODD}`"
    return quiet(match, formula, homes(), outcome="income", method="kernel")


@pytest.fixture(scope="module")
def ways():
    return quiet(match_all, "joined ~ land + age", homes(), outcome="income")


@pytest.fixture(scope="module")
def risks():
    table = homes().drop(columns=ODD)
    lines = {"low": 1.0, "$high_2$": 2.0}
    profile = Profile(by=("village", "joined"))
    return quiet(
        vulnerability,
        "income ~ land + age",
        table,
        poverty_line=lines,
        variance="log",
        profile=profile,
    )


@pytest.fixture(scope="module")
def quantiles():
    grid = (0.1, 0.25, 0.5, 0.75, 0.9)
    return quantile_regression("income ~ land + age", homes(), quantiles=grid)


@pytest.fixture(scope="module")
def study():
    return quiet(did, "income ~ 1", waves(), treated="joined", post="late")


@pytest.fixture(scope="module")
def rossi():
    return table("rossi")


LEAVING = {"duration": "week", "exited": "arrest"}


@pytest.fixture(scope="module")
def cox(rossi):
    return exit_hazard("fin + age + prio", rossi, **LEAVING)


@pytest.fixture(scope="module")
def curves(rossi):
    return survival_curves(rossi, by="fin", **LEAVING)


@pytest.fixture(scope="module")
def everything(matched, risks, quantiles, study, cox, curves):
    """Every plot with a result for it."""
    return {
        plots.love_plot: matched,
        plots.score_overlap: matched,
        plots.risk_distribution: risks,
        plots.risk_bands: risks,
        plots.quantile_path: quantiles,
        plots.event_study: study,
        plots.parallel_trends: study,
        plots.survival_plot: curves,
        plots.hazard_forest: cox,
        plots.schoenfeld_plot: cox,
    }


def texts(ax):
    """Return every text in the figure."""
    return [t.get_text() for t in ax.figure.findobj(mpl.text.Text) if t.get_text()]


def names_of(ax, axis="y"):
    labels = ax.get_yticklabels() if axis == "y" else ax.get_xticklabels()
    return [label.get_text() for label in labels]


def points(collection):
    return np.asarray(collection.get_offsets())


# Every plot


def test_a_plot_for_each_name(everything):
    # Maps take what join returns and not a Result: test_plots_maps.py.
    drawn = [name for name in plots.__all__ if "map" not in name.lower()]
    assert sorted(drawn) == sorted(plot.__name__ for plot in everything)


def test_every_plot_draws_on_the_axes_given(everything):
    for plot, found in everything.items():
        figure, axes = plt.subplots(1, 2)
        assert plot(found, ax=axes[1]) is axes[1], plot.__name__
        assert axes[1].has_data()
        assert not axes[0].has_data()
        assert plt.get_fignums() == [figure.number]
        plt.close(figure)


def test_every_plot_opens_one_figure_of_its_own(everything):
    for k, (plot, found) in enumerate(everything.items()):
        ax = plot(found)
        assert len(plt.get_fignums()) == k + 1
        assert ax.figure.axes == [ax]


def test_every_plot_can_be_saved_and_changes_nothing(everything):
    for plot, found in everything.items():
        before = {k: t.copy() for k, t in found.tables.items()}
        kept = io.BytesIO()
        plot(found).figure.savefig(kept, dpi=50)
        assert len(kept.getvalue()) > 5000
        for name, same in before.items():
            pd.testing.assert_frame_equal(same, found.tables[name])


def test_every_plot_names_its_axes(everything):
    for plot, found in everything.items():
        ax = plot(found)
        assert ax.get_xlabel(), plot.__name__
        if any(name[-1].isdigit() for name in names_of(ax) if "(" not in name):
            assert ax.get_ylabel(), plot.__name__


def test_every_plot_says_that_data_are_simulated(everything):
    for plot, found in everything.items():
        told = "Simulated data" in texts(plot(found))
        assert told == bool(found.provenance["data"]), plot.__name__


def test_every_plot_refuses_what_it_cannot_draw(everything):
    others = any_result()
    for plot in everything:
        name = plot.__name__
        with pytest.raises(InputError, match=f"^{name} draws .* of logit.* Give it"):
            plot(others)
        with pytest.raises(InputError, match=f"^{name} draws a Result of .*DataFrame"):
            plot(pd.DataFrame())
        with pytest.raises(InputError, match=r"ax must be one .*ndarray.*axes\[0\]"):
            plot(everything[plot], ax=plt.subplots(1, 2)[1])
    plt.close("all")
    with pytest.raises(InputError):
        plots.love_plot(others)
    assert plt.get_fignums() == []  # nothing left behind


def test_every_plot_says_how_to_get_matplotlib(everything, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for plot, found in everything.items():
        with pytest.raises(MissingExtraError, match=r"geopoverty\[plots\]"):
            plot(found)


def test_matplotlib_is_imported_only_to_draw():
    for path in Path(plots.__file__).parent.glob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [
            x for x in lines if "matplotlib" in x and x.startswith(("import", "from"))
        ]
        assert found == [], path.name


def test_a_result_from_a_file_looks_the_same(everything, tmp_path):
    for plot, found in everything.items():
        found.save(tmp_path / "kept.zip")
        again = plot(Result.load(tmp_path / "kept.zip"))
        assert texts(again) == texts(plot(found))


def test_status_in_texts():
    def said(*statuses):
        data = [{"title": "t", **({"status": s} if s else {})} for s in statuses]
        return status_words(any_result(provenance={"data": data}))

    assert said() == said(None) == said("measured", "routed") == ""
    assert said("simulated", "simulated") == "Simulated data"
    assert said("measured", "simulated") == "Partly simulated data"
    assert said("modelled", None) == "Modelled data"


def test_names_are_printed_as_they_are(matched, risks):
    ax = plots.love_plot(matched)
    assert any(ODD in name.replace("\n", " ") for name in names_of(ax))
    other = plots.risk_bands(risks, "$high_2$", by="village")
    assert any(name.startswith(ODD) for name in names_of(other))
    assert other.get_xlabel() == "Households at line $high_2$ (%)"
    for drawn in (ax, other):
        labels = [*drawn.get_yticklabels(), drawn.xaxis.label]
        assert not any(t.get_parse_math() or t.get_usetex() for t in labels)


def test_a_name_that_is_broken_mathematics_is_drawn(matched):
    name = r"$\frac{$ \alpha_$ 100 %"
    renamed = {k: t.replace("land", name) for k, t in matched.tables.items()}
    found = Result(
        "match", matched.estimates, matched.vcov, matched.units, matched.facts, renamed
    )
    ax = plots.love_plot(found)
    ax.figure.canvas.draw()
    assert name in texts(ax)


def test_chinese_names_ask_for_fonts_that_have_them(risks):
    table = risks.tables["bands"].assign(group="美姑县")
    found = Result(
        "vulnerability", risks.estimates, risks.vcov, risks.units, risks.facts,
        {**risks.tables, "bands": table},
    )  # fmt: skip
    ax = plots.risk_bands(found)
    families = ax.get_yticklabels()[0].get_fontfamily()
    assert families[: len(mpl.rcParams["font.family"])] == mpl.rcParams["font.family"]


# Love plot


def test_love_plot_shows_the_table(matched):
    ax = plots.love_plot(matched)
    love = matched.tables["love"]
    rows = np.arange(len(love))
    unmatched, after = (points(c) for c in ax.collections[1:3])
    np.testing.assert_allclose(unmatched, np.column_stack([love["unmatched"], rows]))
    np.testing.assert_allclose(after, np.column_stack([love["matched"], rows]))
    assert [n.replace("\n", " ") for n in names_of(ax)] == love["term"].tolist()
    low, high = ax.get_ylim()
    assert low > high  # the most different on top


def test_love_plot_tells_samples_apart_without_colour(matched):
    _, hollow, solid = plots.love_plot(matched).collections
    assert len(hollow.get_paths()[0].vertices) != len(solid.get_paths()[0].vertices)
    assert (hollow.get_facecolor()[0, :3] == 1).all()
    assert not (solid.get_facecolor()[0, :3] == 1).all()


def test_love_plot_draws_and_names_the_threshold(matched):
    ax = plots.love_plot(matched, threshold=25)
    assert [25, 25] in [list(line.get_xdata()) for line in ax.lines]
    assert " 25 %" in texts(ax)


def test_signed_love_plot_shows_the_bias_itself(matched):
    ax = plots.love_plot(matched, signed=True)
    balance = matched.tables["balance"].set_index(["sample", "term"])["bias"]
    wanted = balance["unmatched"][matched.tables["love"]["term"]]
    np.testing.assert_allclose(points(ax.collections[1])[:, 0], wanted)
    assert " ±10 %" in texts(ax)
    assert [-10, -10] in [list(line.get_xdata()) for line in ax.lines]


def test_a_covariate_without_spread_keeps_its_row(matched):
    tables = {k: t.copy() for k, t in matched.tables.items()}
    term = tables["love"]["term"].iloc[0]
    where = tables["balance"]["term"] == term
    tables["balance"].loc[where, "bias"] = [np.nan, np.inf]
    found = Result(
        "match", matched.estimates, matched.vcov, matched.units, matched.facts, tables
    )
    ax = plots.love_plot(found)
    assert names_of(ax)[0].replace("\n", " ") == term
    assert len(names_of(ax)) == len(tables["love"])
    assert np.isfinite(ax.get_xlim()).all()


@pytest.mark.parametrize("threshold", [0, -5, np.nan])
def test_a_threshold_is_above_0(matched, threshold):
    with pytest.raises(InputError, match="threshold must be above 0, in per cent"):
        plots.love_plot(matched, threshold=threshold)


# Overlap


def steps(ax):
    return np.asarray(ax.patches[-1].get_data()[0])


def heights(container):
    return np.array([bar.get_height() for bar in container])


def test_overlap_shows_the_table(matched):
    ax = plots.score_overlap(matched, counts=True)
    table = matched.tables["overlap"]
    parts = dict(zip(("on", "off", "controls"), ax.containers, strict=False))
    if len(ax.containers) == 2:
        parts = {"on": ax.containers[0], "controls": ax.containers[1]}
    np.testing.assert_array_equal(heights(parts["on"]), table["treated_on_support"])
    np.testing.assert_array_equal(heights(parts["controls"]), -table["controls"])
    left = [bar.get_x() for bar in parts["on"]]
    np.testing.assert_allclose(left, table["score_low"])
    weighted = steps(ax)
    np.testing.assert_allclose(weighted, -table["controls_weighted"])


def test_rows_off_support_are_hatched(matched):
    outside = matched.units["treated"] & ~matched.units["on_support"]
    assert outside.any()
    ax = plots.score_overlap(matched, counts=True)
    off = ax.containers[1]
    table = matched.tables["overlap"]
    np.testing.assert_array_equal(heights(off), table["treated_off_support"])
    assert off[0].get_hatch()
    assert f"of them off support: no controls alike ({outside.sum()})" in texts(ax)


def test_shares_of_each_group_sum_to_100(matched):
    ax = plots.score_overlap(matched, bins=7)
    on, off, controls = (heights(c) for c in ax.containers)
    assert len(on) == 7
    assert on.sum() + off.sum() == pytest.approx(100)
    assert controls.sum() == pytest.approx(-100)
    assert steps(ax).sum() == pytest.approx(-100)


def test_downwards_is_not_negative(matched):
    ax = plots.score_overlap(matched)
    assert all(n.replace(".", "").isdigit() for n in names_of(ax))


def test_bars_stay_inside_the_axes(matched):
    low, high = plots.score_overlap(matched).get_ylim()
    ax = plots.score_overlap(matched)
    tops = [b.get_y() + b.get_height() for c in ax.containers for b in c]
    assert low < min(tops)
    assert max(tops) < high


def test_overlap_of_several_ways_draws_the_one_named(ways):
    assert "Controls as weighted" not in texts(plots.score_overlap(ways))
    ax = plots.score_overlap(ways, method="1:4", counts=True)
    controls = ~ways.units["treated"]
    drawn = -steps(ax)
    assert drawn.sum() == pytest.approx(ways.units["weight(1:4)"][controls].sum())
    with pytest.raises(InputError, match=r"method must be one of 1:1, 1:4.*'1:3'"):
        plots.score_overlap(ways, method="1:3")


def test_method_is_for_several_ways(matched):
    with pytest.raises(InputError, match="method is for results of match_all"):
        plots.score_overlap(matched, method="1:4")


def test_overlap_before_differences():
    table = waves(2)
    rng = np.random.default_rng(0)
    land = pd.Series(rng.normal(size=60), index=table["unit_id"].unique())
    table["land"] = table["unit_id"].map(land)
    fit = quiet(psm_did, "joined ~ land", table, outcome="income")
    ax = plots.score_overlap(fit)
    assert f"Treated ({fit.facts['n_treated']})" in texts(ax)


@pytest.mark.parametrize("bins", [1, 2.5, True, "many", 10**6])
def test_bins_are_a_whole_number(matched, risks, bins):
    with pytest.raises(InputError, match="bins must be a whole number from 2"):
        plots.score_overlap(matched, bins=bins)
    with pytest.raises(InputError, match="bins must be a whole number from 2"):
        plots.risk_distribution(risks, bins=bins)


# Risk


def test_distribution_counts_every_household(risks):
    ax = plots.risk_distribution(risks, "$high_2$", bins=10)
    value = risks.tables["fitted"]["vulnerability($high_2$)"]
    wanted = 100 * np.histogram(value, 10, (0, 1))[0] / len(value)
    np.testing.assert_allclose(heights(ax.containers[0]), wanted)
    assert "at line $high_2$" in ax.get_xlabel()


def test_distribution_prints_the_shares_of_bands(risks):
    told = texts(plots.risk_distribution(risks))
    table = risks.tables["bands"]
    row = table[(table["line"] == "low") & (table["by"] == "")].iloc[0]
    for band in ("below 0.3", "0.3 to 0.6", "above 0.6"):
        assert f"{band}\n{100 * row[band]:.0f} %" in told


def test_distribution_draws_vulnerability_lines(risks):
    ax = plots.risk_distribution(risks, "low")
    table = risks.tables["thresholds"]
    lines = table[table["line"] == "low"]
    drawn = {p.vertices[0, 0] for c in ax.collections for p in c.get_paths()}
    assert set(lines["value"]) <= drawn
    half = lines[lines["threshold"] == "0.5"].iloc[0]
    text = f"0.5: {100 * half['vulnerable']:.0f} % at or above"
    assert text in [w.strip() for w in texts(ax)]


def test_bars_count_the_sample_where_rows_are_weighted():
    fit = quiet(
        vulnerability, "income ~ land", homes(), poverty_line=1.0, variance="log",
        sampling_weight="w",
    )  # fmt: skip
    ax = plots.risk_distribution(fit)
    assert ax.get_ylabel() == "Households in the sample (%)"


def test_bars_take_the_colour_of_their_band(risks):
    ax = plots.risk_distribution(risks, bins=20)
    colors = [bar.get_facecolor() for bar in ax.containers[0]]
    assert len(set(colors[:6])) == len(set(colors[6:12])) == len(set(colors[12:])) == 1
    assert len(set(colors)) == 3
    # Darker is riskier, in grey too.
    grey = [
        np.dot(c[:3], (0.299, 0.587, 0.114)) for c in (colors[0], colors[7], colors[-1])
    ]
    assert grey[0] > grey[1] > grey[2]


def test_one_line_and_two_bands():
    fit = quiet(
        vulnerability,
        "income ~ land",
        homes(),
        poverty_line=1.0,
        variance="log",
        profile=Profile(bands=(0.4,), thresholds=(0.9,)),
    )
    ax = plots.risk_distribution(fit)
    assert ax.get_xlabel() == "Vulnerability (chance of being poor, 0 to 1)"
    assert any(w.startswith("below 0.4\n") for w in texts(ax))
    assert names_of(plots.risk_bands(fit)) == ["Overall (300)"]
    with pytest.raises(InputError, match=r"there is one line without a label.*'low'"):
        plots.risk_distribution(fit, "low")
    with pytest.raises(InputError, match=r"by='village' needs subgroups.*profile="):
        plots.risk_bands(fit, by="village")


def test_an_unknown_line_is_named(risks):
    with pytest.raises(InputError, match=r"line must be one of low, .*; got 'lo'"):
        plots.risk_distribution(risks, "lo")
    with pytest.raises(InputError, match=r"Did you mean 'low'\?"):
        plots.risk_bands(risks, "lo")
    with pytest.raises(InputError, match="by must be one of village, joined"):
        plots.risk_bands(risks, by="vilage")


def test_nobody_with_a_vulnerability(risks):
    tables = dict(risks.tables)
    tables["fitted"] = tables["fitted"].assign(**{"vulnerability(low)": np.nan})
    found = Result(
        "vulnerability", risks.estimates, risks.vcov, risks.units, risks.facts, tables
    )
    with pytest.raises(InputError, match="No row has a vulnerability"):
        plots.risk_distribution(found)


def test_bands_show_the_table(risks):
    ax = plots.risk_bands(risks, "$high_2$")
    table = risks.tables["bands"]
    table = table[table["line"] == "$high_2$"]
    for name, bars in zip(
        ("below 0.3", "0.3 to 0.6", "above 0.6"), ax.containers, strict=True
    ):
        np.testing.assert_allclose([b.get_width() for b in bars], 100 * table[name])
    ends = [bar.get_x() + bar.get_width() for bar in ax.containers[-1]]
    np.testing.assert_allclose(ends, 100)
    wanted = [f"{r.group} ({r.rows})" for r in table.itertuples()]
    assert [n.replace("\n", " ") for n in names_of(ax)] == wanted


def test_bands_by_one_column(risks):
    ax = plots.risk_bands(risks, by="joined")
    assert [n.split(" ")[0] for n in names_of(ax)] == ["Overall", "0", "1"]
    assert ax.get_ylabel() == "joined"


# Quantiles


@pytest.mark.parametrize("term", [None, "land", "age", "Intercept"])
def test_path_shows_the_table(quantiles, term):
    ax = plots.quantile_path(quantiles, term)
    table = quantiles.tables["path"]
    table = table[table["term"] == (term or "land")]
    line = next(x for x in ax.lines if x.get_marker() == "o")
    np.testing.assert_array_equal(line.get_xdata(), table["quantile"])
    np.testing.assert_array_equal(line.get_ydata(), table["estimate"])
    band = ax.collections[0].get_paths()[0].vertices
    assert band[:, 1].min() == table["conf_low"].min()
    assert band[:, 1].max() == table["conf_high"].max()
    flat = {float(x.get_ydata()[0]) for x in ax.lines if len(set(x.get_ydata())) == 1}
    row = table.iloc[0]
    assert {0, row["ols_estimate"], row["ols_low"], row["ols_high"]} <= flat
    assert (
        "Intercept" if term == "Intercept" else "income per unit of"
    ) in ax.get_ylabel()


def test_path_of_one_quantile():
    fit = quantile_regression("income ~ land", homes(), quantiles=0.5)
    ax = plots.quantile_path(fit)
    assert ax.get_xlim() == (0, 1)
    assert names_of(ax, "x") == ["0.5"]


def test_path_of_an_unknown_term(quantiles):
    with pytest.raises(InputError, match="term must be one of land, age, Intercept"):
        plots.quantile_path(quantiles, "lnd")


# Difference in differences


def test_event_study_shows_the_table(study):
    ax = plots.event_study(study)
    table = study.tables["event_study"]
    drawn = {}
    for container in ax.containers:
        line, _, (bars,) = container.lines
        for x, y, segment in zip(*line.get_data(), bars.get_segments(), strict=True):
            drawn[x] = (y, segment[0, 1], segment[1, 1])
    for row in table[table["relative"] != -1].itertuples():
        wanted = (row.estimate, row.conf_low, row.conf_high)
        np.testing.assert_allclose(drawn[row.relative], wanted)
    assert len(drawn) == len(table) - 1
    square = next(x for x in ax.lines if x.get_marker() == "s")
    assert [list(v) for v in square.get_data()] == [[-1], [0]]
    assert "base" in texts(ax)


def test_event_study_tells_before_from_after(study):
    before, after = plots.event_study(study).containers
    assert (before.lines[0].get_xdata() < 0).all()
    assert (after.lines[0].get_xdata() >= 0).all()
    assert before.lines[0].get_markerfacecolor() == "white"
    assert after.lines[0].get_markerfacecolor() != "white"


def test_event_study_prints_the_test_of_leads(study):
    p = study.facts["pretrend_p"]
    assert f"Joint test of no effect before the start: p = {p:.3f}" in texts(
        plots.event_study(study)
    )
    facts = {**study.facts, "pretrend_p": 1e-9}
    found = Result("did", study.estimates, study.vcov, study.units, facts, study.tables)
    assert any("p < 0.001" in w for w in texts(plots.event_study(found)))


def test_event_study_of_two_stages_has_no_base(study):
    # There the period before the start has an error of its own.
    estimated = study.tables["event_study"].replace({"std_error": {0.0: 0.1}})
    tables = {"event_study": estimated}
    fit = Result("did", study.estimates, study.vcov, study.units, study.facts, tables)
    ax = plots.event_study(fit)
    assert "base" not in texts(ax)
    assert sum(len(c.lines[0].get_xdata()) for c in ax.containers) == len(estimated)


def test_two_periods_have_no_event_study():
    fit = quiet(did, "income ~ 1", waves(2), treated="joined")
    with pytest.raises(
        InputError, match="did with more than two periods; this one, of"
    ):
        plots.event_study(fit)
    assert plots.parallel_trends(fit).get_ylabel() == "Mean of income"


def test_trends_show_the_table(study):
    ax = plots.parallel_trends(study)
    table = study.tables["trends"]
    lines = [x for x in ax.lines if x.get_marker() == "None"]
    for group, line in zip(("treated", "control"), lines, strict=False):
        rows = table[table["group"] == group]
        np.testing.assert_array_equal(line.get_xdata(), rows["period"])
        np.testing.assert_array_equal(line.get_ydata(), rows["mean"])
        assert group in texts(ax)
    start = next(x for x in ax.lines if len(set(x.get_xdata())) == 1)
    assert start.get_xdata()[0] == 2012.5  # of 2010 to 2014, the last two


def test_trends_of_several_starts_and_named_periods():
    starts = Adoption("begins", estimator="saturated")
    fit = quiet(did, "income ~ 1", waves(), first_treated=starts)
    told = texts(plots.parallel_trends(fit))
    assert {"control", "from 2012", "from 2013", " first start"} <= set(told)
    names = ["a $x", "b", "c", "d", "e"]
    named = quiet(did, "income ~ 1", waves(names=names), treated="joined", post="late")
    assert names_of(plots.parallel_trends(named), "x") == names
    days = list(pd.date_range("2010-03-01", periods=12, freq="MS"))
    many = quiet(
        did, "income ~ 1", waves(12, names=days), treated="joined", post="late"
    )
    told = names_of(plots.parallel_trends(many), "x")
    assert told == [f"{d:%Y-%m-%d}" for d in days[::2]]


# Survival


def test_survival_shows_the_table(curves):
    ax = plots.survival_plot(curves)
    found = curves.tables["curves"]
    for group, line in zip((0, 1), ax.lines, strict=True):
        rows = found[found["group"] == group]
        x, y = line.get_data()
        assert (x[0], y[0]) == (0, 100)
        np.testing.assert_array_equal(x[2::2], rows["time"])
        np.testing.assert_allclose(y[2::2], 100 * rows["estimate"])
        # A step: the value before holds until the time.
        np.testing.assert_array_equal(x[1::2], x[2::2])
        np.testing.assert_array_equal(y[1::2], y[:-2:2])
    told = texts(ax)
    assert {"fin 0", "fin 1", "Still at risk"} <= set(told)
    p = curves.tables["log_rank"]["p_value"].iloc[0]
    assert f"Log-rank test: p = {p:.3f}" in told


def test_survival_bands_are_the_intervals(curves):
    ax = plots.survival_plot(curves)
    found = curves.tables["curves"]
    for group, band in zip((0, 1), ax.collections, strict=True):
        rows = found[found["group"] == group]
        heights = np.unique(band.get_paths()[0].vertices[:, 1].round(9))
        ends = np.concatenate([rows["conf_low"], rows["conf_high"], [1.0]])
        np.testing.assert_allclose(heights, np.unique((100 * ends).round(9)))


def test_survival_prints_the_numbers_at_risk(curves, rossi):
    ax = plots.survival_plot(curves)
    ticks = ax.get_xticks()
    wanted = [
        f"{(part['week'] >= t).sum():,}"
        for _, part in rossi.groupby("fin")
        for t in ticks
    ]
    counts = [t.get_text() for t in ax.texts if t.get_text().isdigit()]
    assert counts == wanted
    assert "Still at risk" not in texts(plots.survival_plot(curves, at_risk=False))


def test_who_has_left_is_the_rest(curves):
    stayed, left = (plots.survival_plot(curves, left=x) for x in (False, True))
    for one, other in zip(stayed.lines, left.lines, strict=True):
        np.testing.assert_allclose(one.get_ydata() + other.get_ydata(), 100)
    assert left.get_ylabel() == "Have left (%), with 95 % interval"


def test_survival_of_everybody(rossi):
    fit = survival_curves(rossi, **LEAVING, options=CurveOptions(conf_level=0.9))
    ax = plots.survival_plot(fit, time="weeks")
    assert (ax.get_xlabel(), len(ax.lines)) == ("Time (weeks)", 1)
    assert ax.get_ylabel() == "Have not left (%), with 90 % interval"
    assert not any("test" in t for t in texts(ax))


def test_survival_between_two_sights_falls_evenly(rossi):
    rows = rossi.assign(low=(rossi["week"] - 1) // 10 * 10, high=np.nan)
    left = rows["arrest"] == 1
    rows.loc[left, "high"] = rows.loc[left, "low"] + 10.0
    fit = survival_curves(rows, duration=("low", "high"))
    found = fit.tables["curves"]
    ax = plots.survival_plot(fit)
    x, y = ax.lines[0].get_data()
    np.testing.assert_array_equal(x[1::2], found["time_low"])
    np.testing.assert_array_equal(x[2::2], found["time"])
    np.testing.assert_allclose(y[2::2], 100 * found["estimate"])
    # At the end of an interval those who left in it have left.
    counts = [int(t.get_text()) for t in ax.texts if t.get_text().isdigit()]
    first, second = ax.get_xticks()[:2]
    assert (first, second) == (0, 10)
    assert counts[0] == 432
    assert counts[1] == round(432 * found["estimate"].iloc[0])


def test_curves_of_units_are_not_curves_of_groups(cox):
    with pytest.raises(InputError, match=r"survival_plot draws .*survival_curves"):
        plots.survival_plot(cox)


def test_forest_shows_the_ratios(cox):
    ax = plots.hazard_forest(cox)
    tidy = cox.tidy()
    bars = np.array(ax.collections[0].get_segments())
    np.testing.assert_allclose(bars[:, 0, 0], np.exp(tidy["conf_low"]))
    np.testing.assert_allclose(bars[:, 1, 0], np.exp(tidy["conf_high"]))
    hollow, filled = (points(c) for c in ax.collections[1:])
    drawn = dict(np.vstack([hollow, filled])[:, ::-1])
    np.testing.assert_allclose([drawn[k] for k in range(3)], np.exp(tidy["estimate"]))
    assert set(filled[:, 1]) == set(np.flatnonzero(tidy["p_value"] < 0.05))
    assert names_of(ax) == ["fin", "age", "prio"]
    assert ax.get_xscale() == "log"
    row = cox.tables["hazard_ratios"].iloc[1]
    told = (
        f"{row['hazard_ratio']:.2f} ({row['conf_low']:.2f} to {row['conf_high']:.2f})"
    )
    assert told in texts(ax)


def test_forest_of_some_terms_and_another_level(cox):
    ax = plots.hazard_forest(cox, terms=["prio", "fin"], conf_level=0.5)
    assert names_of(ax) == ["prio", "fin"]
    assert "50 % interval" in ax.get_xlabel()
    bars = np.array(ax.collections[0].get_segments())
    wanted = np.exp(cox.tidy(0.5).set_index("term").loc[["prio", "fin"], "conf_low"])
    np.testing.assert_allclose(bars[:, 0, 0], wanted)
    with pytest.raises(
        InputError, match=r"terms must be one of fin, age, prio; got 'ag'"
    ):
        plots.hazard_forest(cox, terms=["ag"])
    with pytest.raises(InputError, match="conf_level must be between 0 and 1"):
        plots.hazard_forest(cox, conf_level=95)


def test_forest_of_times_says_so(rossi):
    fit = exit_hazard("fin + age", rossi, model="weibull", **LEAVING)
    ax = plots.hazard_forest(fit)
    assert names_of(ax) == ["fin", "age"]  # neither the intercept nor the scale
    assert ax.get_xlabel().startswith("Time ratio (above 1: later) per unit")


@pytest.mark.parametrize(
    ("model", "kind"), [("logit", "Odds ratio of leaving"), ("cloglog", "Hazard ratio")]
)
def test_forest_of_chances_leaves_out_the_periods(rossi, model, kind):
    decades = rossi.assign(week=(rossi["week"] + 12) // 13)
    fit = exit_hazard("fin + age", decades, model=model, **LEAVING)
    assert len(fit.estimates) > 2
    ax = plots.hazard_forest(fit)
    assert names_of(ax) == ["fin", "age"]
    assert ax.get_xlabel().startswith(kind)


def test_forest_over_a_thousandfold_and_of_nothing(cox):
    wide = Result(
        "exit_hazard",
        cox.estimates * [10, 30, 60],
        cox.vcov * 40,
        cox.units,
        cox.facts,
        cox.tables,
    )
    ax = plots.hazard_forest(wide)
    ax.figure.canvas.draw()
    assert 2 <= len([t for t in names_of(ax, "x") if t]) <= 12
    with pytest.raises(InputError, match="at least one covariate"):
        plots.hazard_forest(cox, terms=[])


@pytest.mark.parametrize("transform", ["km", "identity"])
@pytest.mark.parametrize("term", ["fin", "age", "prio"])
def test_schoenfeld_smooth_as_in_r(cox, term, transform):
    ax = plots.schoenfeld_plot(cox, term, transform=transform)
    wanted = answers("plots")["rossi"][transform]
    curve = max(ax.lines, key=lambda line: len(line.get_xdata()))
    # Two ways to solve the same least squares, with a Cox fit of 1e-9 before them.
    near = {"rtol": 1e-6, "atol": 1e-8}
    np.testing.assert_allclose(curve.get_xdata(), wanted["grid"], **near)
    line = np.array(wanted["terms"][term]["value"])
    np.testing.assert_allclose(curve.get_ydata(), line, **near)
    half = 1.96 * np.array(wanted["terms"][term]["std_error"])
    band = ax.collections[1].get_paths()[0].vertices[:, 1]
    assert band.max() == pytest.approx((line + half).max(), rel=1e-6)
    assert band.min() == pytest.approx((line - half).min(), rel=1e-6)


def test_schoenfeld_shows_the_table(cox):
    ax = plots.schoenfeld_plot(cox)
    found = cox.tables["schoenfeld"]
    found = found[found["term"] == "fin"]
    np.testing.assert_array_equal(
        points(ax.collections[0]), found[["transformed", "effect"]]
    )
    flat = {float(x.get_ydata()[0]) for x in ax.lines if len(x.get_xdata()) == 2}
    assert flat == {0.0, float(cox.estimates["fin"])}
    tests = cox.tables["ph_test"].set_index(["term", "transform"])["p_value"]
    for how in ("km", "identity"):
        told = f"Test of proportional hazards: p = {tests['fin', how]:.3f}"
        assert told in texts(plots.schoenfeld_plot(cox, transform=how))


def test_schoenfeld_ticks_are_times_of_exits(cox):
    ax = plots.schoenfeld_plot(cox, "age")
    found = cox.tables["schoenfeld"].groupby("time")["transformed"].first()
    for at, name in zip(ax.get_xticks(), names_of(ax, "x"), strict=True):
        assert found[float(name)] == pytest.approx(at)


def test_schoenfeld_of_what_has_none(cox, rossi):
    with pytest.raises(InputError, match="transform must be one of 'km', 'identity'"):
        plots.schoenfeld_plot(cox, transform="rank")
    with pytest.raises(InputError, match="term must be one of fin, age, prio"):
        plots.schoenfeld_plot(cox, "GLOBAL")
    other = exit_hazard("fin", rossi, model="weibull", **LEAVING)
    with pytest.raises(InputError, match=r"schoenfeld.*exit_hazard \(the Cox model\)"):
        plots.schoenfeld_plot(other)


def test_a_smooth_of_few_values_is_simpler():
    y = np.array([1.0, 3.0, 2.0, 4.0])
    one = smooth(np.zeros(4), y, np.zeros(3))
    np.testing.assert_allclose(one.value, 2.5)
    np.testing.assert_allclose(one.leverage, 0.25)
    two = smooth(np.array([0.0, 0, 1, 1]), y, np.array([0.0, 0.5, 1]))
    np.testing.assert_allclose(two.value, [2, 2.5, 3])
    np.testing.assert_allclose(two.leverage, [0.5, 0.25, 0.5])


def test_a_smooth_does_not_know_the_unit_of_x():
    rng = np.random.default_rng(0)
    x, y = rng.uniform(size=50), rng.normal(size=50)
    grid = np.linspace(x.min(), x.max(), 9)
    for scale in (1e-6, 1e9):
        for one, other in zip(
            smooth(x, y, grid),
            smooth(scale * x + 5 * scale, y, scale * (grid + 5)),
            strict=True,
        ):
            np.testing.assert_allclose(one, other, rtol=1e-6)
