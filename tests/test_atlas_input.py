"""Whatever stands in any text of an atlas, on every page: it is shown and never run."""

import numpy as np
import pandas as pd
import pytest
from atlas_pages import PHONE, data_in, grid
from atlas_whole import COLUMNS, ROWS, borders, numbers
from test_atlas_safety import NASTY

from geopoverty.atlas import Atlas, MapStyle
from geopoverty.errors import InputError
from geopoverty.estimators.binary import logit

LONG = "Very long name of a county " * 12
TEXTS = (*NASTY, LONG, "=HYPERLINK(1)", "a\u202eb", "\x00\x07", "''\"\"``<!--", "]]>")
SCREENS = {"desktop": {"width": 1280, "height": 800}, "phone": PHONE}
FOREIGN = "[onerror], [onload], [onmouseover], img[src=x], iframe, title ~ title"


def text(k):
    """One of the texts; each field takes the next."""
    return TEXTS[k % len(TEXTS)]


def nasty_atlas():
    """Every kind of part, with such texts in every field that a reader sees."""
    counties = grid(COLUMNS, ROWS)
    ids = [f"{k:02d} {text(k)}" for k in range(len(counties))]
    counties.index = pd.Index(ids, name="unit_id")
    counties["name"] = [text(k) for k in range(len(ids))]
    counties["state"] = [text(k // 6) for k in range(len(ids))]
    counties.attrs = {
        "data": [dict.fromkeys(("title", "source", "licence"), t) for t in TEXTS]
    }
    now, weights = numbers(counties), borders(counties.index)
    fit = logit("poor ~ jobs + W(jobs)", now, weights=weights, vcov="iid")
    land = now.assign(land=[text(k % 6) for k in range(len(ids))])
    shares = pd.DataFrame({"group": TEXTS, "time": 1.0, "estimate": 0.5})
    group_of = dict(zip(ids, (text(k) for k in range(len(ids))), strict=True))
    said = {
        "weights": weights, "column": "jobs", "label": text(0), "unit": text(1),
        "outcome": text(4), "outcome_unit": text(3),
    }  # fmt: skip
    both = pd.concat([now.assign(when=t) for t in (text(2), text(4))])
    return (
        Atlas(counties, title=" ".join(TEXTS), group="state")
        .add(both, "rate", label=text(4), unit=text(5), period="when",
             description=text(6), style=MapStyle(classes=3))
        .add_classes(land, "land", label=text(5), description=text(4))
        .add_bivariate(now, ("jobs", "road"), labels=(text(4), text(5)),
                       units=(text(6), text(7)), label=text(1), description=text(2))
        .peers(now, {"road": text(4)}, better={text(4): "lower"}, k=4)
        .add_curves(shares, title=text(5), unit=text(4), description=text(6),
                    group_of=group_of)
        .add_spillovers(fit, now, **said)
        .add_scenario(fit, now, **said)
        .add_result(fit, title=text(4), text="\n\n".join(TEXTS))
        .add_table(pd.DataFrame({text(4): list(TEXTS)}), title=text(5), text=text(6))
    )  # fmt: skip


@pytest.fixture(scope="module")
def nasty(tmp_path_factory):
    return nasty_atlas().save(tmp_path_factory.mktemp("nasty") / "atlas.html")


@pytest.mark.parametrize("screen", SCREENS)
def test_no_page_runs_a_text_or_breaks_under_it(visit, nasty, screen):
    seen = visit(nasty, **SCREENS[screen])
    page = seen.page
    page.evaluate(
        "[0, 4, 5, 12].forEach((c) => geopoverty.chosen.add(c));"
        "geopoverty.store.set({ county: 4 })"
    )
    tabs = page.eval_on_selector_all("[role=tab]", "(all) => all.map((e) => e.id)")
    assert len(tabs) >= 6
    for tab in tabs:
        page.click(f"#{tab}")
        assert page.locator(FOREIGN).count() == 0, tab
        width = "document.documentElement.scrollWidth - window.innerWidth"
        assert page.evaluate(width) <= 0, tab
    page.click("#gp-tab-map")
    for at in range(page.locator("#gp-indicator option").count()):
        page.select_option("#gp-indicator", index=at)
    assert page.title().startswith("{{7*7}} {% if %}")
    assert page.evaluate("document.scripts.length") == 4
    seen.assert_calm()


def test_texts_reach_the_page_as_they_are(nasty):
    held = data_in(nasty.read_text(encoding="utf-8"))
    assert held["places"]["names"][4] == NASTY[4]
    assert held["scenarios"][0]["label"] == text(0)
    assert held["curves"][0]["title"] == text(5)
    # What browsers or editors would not keep stands nowhere in the file.
    whole = nasty.read_text(encoding="utf-8")
    assert "</script><script>window.__p" not in whole
    assert whole.count("<script") == 4


def test_units_that_no_map_has_are_listed_wherever_they_come_from():
    counties = grid()
    atlas = Atlas(counties)
    table = pd.DataFrame({"unit_id": ["01", "98", "99"], "x": [1.0, 2, 3]})
    fit = logit("y ~ x", pd.DataFrame({"y": [0, 1, 0, 1.0], "x": [1.0, 2, 3, 4],
                "unit_id": ["01", "02", "98", "99"]}), vcov="iid")  # fmt: skip
    first = atlas.add(table[:1], "x", label="x")
    shares = table.assign(time=1.0, survival=0.5)
    for add in (
        lambda: atlas.add(table, "x", label="x"),
        lambda: atlas.add(fit, "probability", label="Chance"),
        lambda: atlas.add_classes(table.assign(x="a"), "x", label="x"),
        lambda: atlas.add_bivariate(
            table.assign(y=table["x"]), ("x", "y"), labels=("x", "y")
        ),
        lambda: first.peers(table, ["x"], better={"x": "lower"}, k=1),
        lambda: first.add_curves(shares, title="Still poor"),
    ):
        with pytest.raises(InputError, match=r"2 of \d .*98, 99"):
            add()


def test_a_column_that_says_nothing_is_named_or_shown_plainly():
    counties = grid()
    table = pd.DataFrame({"unit_id": counties.index, "same": 3.0, "none": np.nan})
    for add in ("none",):
        with pytest.raises(InputError, match="'none' must hold at least one value"):
            Atlas(counties).add(table, add, label="x")
    found = Atlas(counties).add(table, "same", label="Same").indicators[0]
    assert len(found.classes.colors) == 1
