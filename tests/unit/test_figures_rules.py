"""Every number of a rule that a figure draws or writes is that of the rule in force.

Each test changes one rule and looks for the old number in all that the figure says.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import matplotlib

matplotlib.use("Agg")
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.text import Text
from sample_answers import sample_answer

import kettrack as kt
from kettrack.figures import going_on, outcomes, states
from kettrack.vocabulary.rules import Criteria, Rule

PATIENT = "S061"  # of the sample: many sessions, a complete log


@pytest.fixture(scope="module")
def sample() -> kt.Cohort:
    return kt.load_cohort(kt.sample_folder())


def said(axes: Axes) -> str:
    """All text of a figure: titles, axes, legends and notes; tick labels of numbers left out."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    texts = [text.get_text() for text in figure.findobj(Text)]
    return " | ".join(text for text in texts if not re.fullmatch(r"[\d\s,.]*", text))


def with_response(criteria: Criteria, limit: float, measure: str) -> Criteria:
    rule = criteria.response
    assert isinstance(rule, Rule)
    predicate = replace(rule.predicate, limit=limit, measure=measure)
    response = replace(rule, predicate=predicate)
    return replace(criteria, name="changed", response=response)


def levels(axes: Axes, style: str) -> list[float]:
    return [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == style]


def test_the_waterfall_draws_the_response_in_force(sample: kt.Cohort) -> None:
    table = sample_answer("waterfall").table
    usual = kt.plot_waterfall(table, criteria=sample.criteria)
    assert "response: 50 % lower" in said(usual)
    assert levels(usual, "--") == [-50]
    changed = with_response(sample.criteria, -30, "percent_change")
    axes = kt.plot_waterfall(table, criteria=changed)
    assert "response: 30 % lower" in said(axes)
    assert "50" not in said(axes)
    assert levels(axes, "--") == [-30]


@pytest.mark.parametrize("criteria", [None, "points"])
def test_a_response_without_a_level_in_percent_has_no_line(
    sample: kt.Cohort, criteria: str | None
) -> None:
    table = sample_answer("waterfall").table
    rules = with_response(sample.criteria, -5, "change") if criteria else None
    axes = kt.plot_waterfall(table, criteria=rules)
    assert "response:" not in said(axes)
    assert levels(axes, "--") == []


@pytest.mark.parametrize(
    ("limit", "measure", "label", "of_baseline"),
    [
        (-50, "percent_change", "half of the baseline", lambda score: score / 2),
        (-30, "percent_change", "70 % of the baseline", lambda score: 0.7 * score),
        (-5, "change", "response", lambda score: score - 5),
        (9, "score", "response", lambda score: 9),
    ],
)
def test_the_patient_page_marks_the_response_in_force(
    sample: kt.Cohort, limit: float, measure: str, label: str, of_baseline: Any
) -> None:
    rules = with_response(sample.criteria, limit, measure)
    page = kt.patient_page(sample.with_criteria(rules), PATIENT).table
    baseline = page.loc[(page["what"] == "score") & (page["day"] <= 0), "value"].iloc[
        -1
    ]
    level = of_baseline(baseline)
    lines = page[page["what"] == "line"].set_index("label")["value"]
    assert lines[label] == pytest.approx(level)
    text = said(kt.plot_patient(page))
    assert f"{label}: {level:g}" in text
    assert ("half" in text) == (label == "half of the baseline")


def test_the_waterfall_names_the_window_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = sample_answer("waterfall").table
    assert "14 to 31 days" in said(kt.plot_waterfall(table))
    monkeypatch.setattr(outcomes, "AFTER_COURSE_DAYS", (7, 21))
    text = said(kt.plot_waterfall(table))
    assert "7 to 21 days" in text
    assert "14 to" not in text
    assert "to 31" not in text


def test_who_went_on_names_the_grace_in_force(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = {"band": ["mild"], "session": [2], "n": [21], "estimate": [81.0]}
    table = pd.DataFrame(cells)
    assert "within 7 days" in said(kt.plot_going_on(table))
    monkeypatch.setattr(going_on, "NEXT_SESSION_GRACE_DAYS", 10)
    text = said(kt.plot_going_on(table))
    assert "within 10 days" in text
    assert "7" not in text
    assert "week" not in text


def test_balance_draws_and_names_the_limit_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = pd.DataFrame({"about": ["last score"], "estimate": [-0.3], "after": [0.02]})
    assert "at most 0.1 apart" in said(kt.plot_balance(rows))
    monkeypatch.setattr(going_on, "ALIKE_WITHIN_SD", 0.25)
    axes = kt.plot_balance(rows)
    assert "at most 0.25 apart" in said(axes)
    assert axes.patches[0].get_x() == -0.25


def test_flows_name_the_thinnest_ribbon_in_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    table = sample_answer("severity_flows").table
    assert "fewer than 6 people" in said(kt.plot_flows(table))
    monkeypatch.setattr(states, "FEWEST_PEOPLE_IN_RIBBON", 9)
    assert "fewer than 9 people" in said(kt.plot_flows(table))
    assert "fewer than 6" not in said(kt.plot_flows(table))


def test_the_groups_of_the_futility_sheet_are_named_by_the_table() -> None:
    row = {"landmark": 2, "estimate": 5.0, "ci_low": 1.0, "ci_high": 14.0, "null": 4.0}
    row |= {"went_on": 60, "n": 59, "stopped": 0, "unscored": 50, "reason": ""}
    rows = [row | {"group": group} for group in ("below_25", "25_to_49")]
    text = said(kt.plot_futility(pd.DataFrame(rows)))
    assert "less than 25 % better" in text
    assert "25 % better or more" in text
    assert "49" not in text  # the upper limit is response itself, by any rule


def test_methods_name_the_numbers_of_sessions_that_they_compare() -> None:
    row = {"scenario": "A", "found": -0.7, "mc_error": 0.1, "truth": -1.4}
    row |= {"method": "stop after 6 less 2, weighted, smooth"}
    table = pd.DataFrame([row])
    assert "6 sessions less 2" in said(kt.plot_methods(table))
    assert "8 sessions" not in said(kt.plot_methods(table))
