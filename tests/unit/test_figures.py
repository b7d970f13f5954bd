"""Figures draw the numbers of their table: tested on the data of the Axes, not on pictures."""

import inspect
import itertools

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.collections import LineCollection
from matplotlib.patches import StepPatch
from matplotlib.text import Text

import kettrack as kt
from kettrack.analysis.courses.specification import specification
from kettrack.figures.outcomes import CAP
from kettrack.figures.short_answers import plot_counted_small
from kettrack.figures.style import ink_of

# Of single people: test_figures_patient.py; of several answers, or of trials: in files of their
# own.
ELSEWHERE = {
    "plot_patient",
    "plot_expected",
    "plot_session_answers",
    "plot_methods",
    "plot_sites",
    "plot_sites_funnel",
}
PLOTS = [
    name for name in kt.__all__ if name.startswith("plot_") and name not in ELSEWHERE
]
DRAWN = {
    "plot_against": "against",
    "plot_rows_used": "rows_used",
    "plot_scored_by_week": "scored_by_week",
    "plot_columns_filled": "columns_filled",
    "plot_ladder": "ladder",
    "plot_session_counts": "session_counts",
    "plot_session_gaps": "session_gaps",
    "plot_response_by_session": "response_by_session",
    "plot_responders": "responders",
    "plot_response_by_any_session": "response_by_any_session",
    "plot_response_by_week": "response_by_week",
    "plot_worsening_by_week": "worsening_by_week",
    "plot_waterfall": "waterfall",
    "plot_specification": "specification",
    "plot_swimmer": "swimmer",
    "plot_occupancy": "state_occupancy",
    "plot_flows": "severity_flows",
    "plot_session_intervals": "session_intervals",
    "plot_maintenance": "maintenance_lengths",
    "plot_response_curve": "response_by_session",
    "plot_futility": "should_we_go_on",
    "plot_going_on": "going_on_by_score",
    "plot_balance": "balance",
    "plot_durability": "durability_from_response",
    "plot_what_came_first": "durability_from_response",
    "plot_turnbull": "durability_intervals",
    "plot_mean_count": "recurrent_loss",
    "plot_trajectories": "trajectories",
    "plot_missing_scores": "missing_scores",
    "plot_adverse_events": "adverse_events",
    "plot_adverse_events_by_phase": "adverse_events_by_phase",
    "plot_watched_harms": "watched_harms",
    "plot_blood_pressure": "blood_pressure",
    "plot_pressure_rise": "pressure_rise",
    "plot_dissociation": "dissociation_over_sessions",
    "plot_site_funnel": "adverse_events_by_site",
    "plot_for_whom": "for_whom",
    "plot_calibration": "prognosis_curves",
    "plot_net_benefit": "prognosis_curves",
    "plot_time_to": "time_to_response",
    "plot_paired_change": "paired_change",
    "plot_change_by_sessions": "change_by_sessions",
    "plot_two_groups": "two_groups",
    "plot_ideation_shift": "ideation_shift",
    "plot_shift_table": "ideation_shift",
    "plot_emergent_ideation": "treatment_emergent_ideation_by_week",
    "plot_ideation_clearance": "ideation_clearance",
    "plot_attempts_and_admissions": "attempts_and_admissions",
    "plot_induction_completed": "induction_completed",
    "plot_maintenance_rhythm": "maintenance_rhythm",
    "plot_planned_intervals": "planned_intervals",
    "plot_time_to_discontinuation": "time_to_discontinuation",
    "plot_change_by_item": "change_by_item",
    "plot_other_conditions": "other_conditions",
    "plot_scored_predictors": "scored_predictors",
    "plot_equity_ladder": "equity_ladder",
    "plot_standardised": "standardised",
    "plot_interactions": "interactions",
    "plot_sessions_by_number": "sessions_by_number",
}


@pytest.fixture(scope="module")
def results():
    return {name: sample_answer(name) for name in DRAWN.values()}


def texts(ax):
    """Texts of the axes, each on one line: a caption is broken where the figure ends."""
    return [text.get_text().replace("\n", " ") for text in ax.texts]


def test_every_figure_is_tried_here():
    assert set(PLOTS) == set(DRAWN)


@pytest.mark.parametrize("name", PLOTS)
def test_signature_and_caption(name, results):
    plot = getattr(kt, name)
    result = results[DRAWN[name]]
    signature = inspect.signature(plot)
    assert list(signature.parameters)[:2] == ["table", "ax"]
    assert not [
        p
        for p in signature.parameters.values()
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    _, given = plt.subplots()
    ax = plot(result.table, ax=given, caption=result.caption)
    assert ax is given
    assert result.caption in texts(ax)
    assert "PHQ-9, convention 1" in result.caption
    assert ax.get_title(loc="left")


@pytest.mark.parametrize("name", PLOTS)
def test_nothing_is_drawn_of_what_is_hidden_or_refused(name, results):
    table = results[DRAWN[name]].table
    empty = getattr(kt, name)(table.iloc[:0])
    assert "Not shown" in texts(empty)[0]
    assert "Not shown" in texts(getattr(kt, name)(pd.DataFrame()))[0]


def test_bands_are_the_table(results):
    table = results["response_by_session"].table
    ax = kt.plot_response_by_session(table)
    tops = {patch.get_label(): patch.get_data() for patch in ax.patches}
    assert tops["estimate"].values == pytest.approx(table["estimate"])
    assert tops["still_in_course"].values == pytest.approx([100] * len(table))
    whole = sum(
        np.asarray(step.values) - np.asarray(step.baseline) for step in tops.values()
    )
    assert whole == pytest.approx(np.full(len(table), 100.0))


def test_numbers_at_risk_stand_on_the_ticks(results):
    table = results["response_by_session"].table
    ax = kt.plot_response_by_session(table)
    shown = [
        tuple(map(int, label.get_text().split("\n"))) for label in ax.get_xticklabels()
    ]
    assert shown == list(zip(table["session"], table["at_risk"], strict=True))
    assert ax.get_xticks().tolist() == table["session"].tolist()


def test_waterfall_has_a_slot_for_everyone(results):
    table = results["waterfall"].table
    ax = kt.plot_waterfall(table)
    states = [patch for patch in ax.patches if isinstance(patch, StepPatch)]
    heights = np.array([patch.get_data().values for patch in states])
    scored = table["percent_change"].dropna()
    # Each place belongs to one state.
    assert np.isfinite(heights).sum(axis=0).tolist() == [1] * len(scored)
    assert np.nansum(heights, axis=0) == pytest.approx(scored.clip(upper=CAP))
    assert states[0].get_data().edges[[0, -1]].tolist() == [0.5, len(scored) + 0.5]
    assert ax.get_xlim() == (0.5, len(table) + 0.5)
    assert f"{len(table) - len(scored)} not scored" in texts(ax)


def test_a_bar_beyond_the_axis_gets_an_arrow():
    table = pd.DataFrame(
        {
            "place": [1, 2],
            "percent_change": [250.0, -50.0],
            "state": ["worse", "response"],
        }
    )
    ax = kt.plot_waterfall(table)
    assert ax.lines[0].get_xydata().tolist() == [[1, CAP]]
    assert "arrow: 1 above 100 %" in ax.get_xlabel()
    none = kt.plot_waterfall(table.assign(percent_change=-50.0))
    assert "arrow" not in none.get_xlabel()


@pytest.mark.parametrize(("n_people", "parted"), [(60, True), (480, False)])
def test_bars_of_many_people_keep_the_colour_of_the_legend(n_people, parted):
    """White lines between them took two fifths of each bar of the sample."""
    place = np.arange(n_people) + 1
    table = pd.DataFrame({"place": place, "percent_change": -30.0})
    ax = kt.plot_waterfall(table.assign(state="partial"))
    lines = [each for each in ax.collections if isinstance(each, LineCollection)]
    assert bool(lines) == parted
    width = ax.get_window_extent().width / n_people
    for each in lines:
        line = each.get_linewidth()[0] * ax.figure.dpi / 72
        assert line < width / 8


def test_ladder_bars_are_left_and_lost(results):
    table = results["ladder"].table
    left, lost = kt.plot_ladder(table).containers
    assert [bar.get_width() for bar in left] == table["left"].tolist()
    assert [bar.get_width() for bar in lost] == table["lost"].tolist()
    assert [bar.get_x() for bar in lost] == table["left"].tolist()


def test_session_counts_and_gaps_are_the_table(results):
    counts = results["session_counts"].table
    first, every = kt.plot_session_counts(counts).containers
    assert [bar.get_height() for bar in first] == counts["first_course"].tolist()
    assert [bar.get_height() for bar in every] == counts["in_all"].tolist()
    gaps = results["session_gaps"].table
    ax = kt.plot_session_gaps(gaps)
    assert ax.lines[0].get_ydata().tolist() == gaps["estimate"].tolist()
    assert [
        tuple(segment[:, 1]) for segment in ax.collections[0].get_segments()
    ] == list(zip(gaps["q25"], gaps["q75"], strict=True))


@pytest.mark.parametrize("outcome", ["remission", "response", "loss_of_response"])
def test_specification_draws_every_combination_with_its_choices(results, outcome):
    table = results["specification"].table
    rows = table[(table["outcome"] == outcome)].sort_values(
        ["estimate", "number"], ignore_index=True
    )
    ax = kt.plot_specification(table, outcome=outcome)
    points = {
        x: y
        for line in ax.lines
        if " " in line.get_label() and line.get_label()[0] != "_"
        for x, y in line.get_xydata()
    }
    assert points == pytest.approx(dict(rows["estimate"].items()))
    ends = sorted(
        tuple(segment[:, 1])
        for part in ax.collections
        for segment in getattr(part, "get_segments", list)()
    )
    assert np.array(ends) == pytest.approx(
        np.array(sorted(zip(rows["ci_low"], rows["ci_high"], strict=True)))
    )
    marked = {
        part.get_label(): sorted(part.get_offsets()[:, 0])
        for part in ax.collections
        if ": " in part.get_label()
    }
    for column in ("instrument", "baseline", "rule"):
        for name, chosen in rows.groupby(column).groups.items():
            assert marked[f"_{column}: {name}"] == sorted(chosen)


def test_specification_marks_a_recalled_rule():
    cohort = kt.load_cohort(kt.sample_folder())
    table = specification(cohort, also=("Wilkinson 2018",)).table
    labels = [
        label.get_text() for label in kt.plot_specification(table).get_yticklabels()
    ]
    assert "Wilkinson 2018 (recalled)" in labels
    assert "Hawley 2002" in labels


def test_a_hidden_count_does_not_look_like_nobody():
    steps = pd.DataFrame({"step": ["a", "b"], "left": [20, None], "lost": [0, 15]})
    _, lost = kt.plot_ladder(steps.astype({"left": "Int64"})).containers
    assert [bar.get_width() for bar in lost] == [0, 0]
    counts = pd.DataFrame({"sessions": [1, 2], "first_course": [20, None]})
    counts = counts.assign(in_all=20).astype({"first_course": "Int64"})
    assert "hidden" in kt.plot_session_counts(counts).get_xlabel()
    lengths = pd.DataFrame({"key": ["days_0_to_4", "all"], "days": ["0 to 4", "all"]})
    lengths = lengths.assign(n=9, intervals=20, held=None, failed=2, not_known=1)
    lengths = lengths.assign(not_well_at_start=1)
    assert "Not shown" in texts(kt.plot_maintenance(lengths))[0]


def test_missing_scores_are_the_table(results):
    table = results["missing_scores"].table.set_index("key")
    ax = kt.plot_missing_scores(results["missing_scores"].table)
    marks = {line.get_label(): line.get_xdata() for line in ax.lines}
    shares = table[table["unit"] == "%"]
    for name, found in marks.items():
        rows = shares[shares["strategy"] == " ".join(name.split())]
        assert found == pytest.approx(rows["estimate"].to_numpy(float))
    band = ax.patches[0]
    assert band.get_x() == table.loc["response_worst_case", "estimate"]
    end = band.get_x() + band.get_width()
    assert end == pytest.approx(table.loc["response_best_case", "estimate"])
    other = kt.plot_missing_scores(results["missing_scores"].table, unit="points")
    labels = [label.get_text() for label in other.get_yticklabels()]
    assert labels == ["mean change"]


def test_a_harm_that_is_hidden_keeps_its_place_beside_the_good_news():
    table = sample_answer("missing_scores", "cms").table
    ax = kt.plot_missing_scores(table)
    labels = [" ".join(each.get_text().split()) for each in ax.get_yticklabels()]
    place = labels.index("worse by a reliable change")
    assert "hidden" in texts(ax)
    drawn = np.vstack([line.get_xydata() for line in ax.lines])
    assert drawn[~np.isnan(drawn[:, 0]), 1].max() < place - 0.5


def test_a_harm_that_was_never_found_has_its_upper_end(results):
    table = results["watched_harms"].table
    axes = kt.plot_watched_harms(table)
    never = table[table["events"] == 0]
    assert len(never) > 1
    ends = np.concatenate(
        [line.get_xdata() for line in axes.lines if line.get_marker() == "|"]
    )
    assert sorted(ends) == pytest.approx(sorted(never["ci_high"]))
    drawn = np.concatenate(
        [line.get_xdata() for line in axes.lines if line.get_marker() != "|"]
    )
    found = table.loc[table["events"] > 0, "estimate"]
    assert sorted(drawn[~np.isnan(drawn)]) == pytest.approx(sorted(found))
    assert f"0 of {never['sessions'].iloc[0]:,}" in texts(axes)


def test_two_sides_are_drawn_as_they_stand_in_the_table(results):
    table = results["against"].table
    ax = kt.plot_against(table)
    shares = table[table["unit"].str.startswith("%")].dropna(subset=["difference"])
    marks = {each.get_label(): each for each in ax.collections}
    for words, column in (
        ("as they are", "difference"),
        ("with the same case mix", "alike"),
    ):
        drawn = np.ma.filled(marks[words].get_offsets()[:, 0], np.nan)
        assert drawn == pytest.approx(shares[column].to_numpy(float), nan_ok=True)
    labels = [text.get_text() for text in ax.get_yticklabels()]
    assert len(labels) == len(shares)
    assert labels[0].startswith("had responded by session 6 (36 and 31 %)")
    assert ax.get_xlabel().splitlines() == [
        "percentage points: started in 2025 less started in 2024",
        "in brackets: started in 2025, and started in 2024",
    ]


@pytest.mark.parametrize("what", ["had responded", "had reached remission"])
def test_two_figures_of_days_are_told_apart_by_their_titles(what):
    rows = pd.DataFrame(
        {
            "key": ["share_25"],
            "about": [f"25 % of all {what}"],
            "estimate": [15.0],
            "ci_low": [13.0],
            "ci_high": [20.0],
            "to_day": [180.0],
        }
    )
    assert what in kt.plot_time_to(rows).get_title(loc="left")
    plt.close("all")


def test_lines_that_cross_have_dashes_of_their_own():
    """Shades of grey would be taken for one another."""
    routes = ("everybody", "iv", "im", "intranasal", "sublingual")
    rows = [
        {"route": route, "session": step, "n": 90, "estimate": 9.0 - step}
        for route in routes
        for step in (1, 2)
    ]
    ends = {"ci_low": 5.0, "ci_high": 11.0}
    ax = kt.plot_dissociation(pd.DataFrame([row | ends for row in rows]))
    assert len({line.get_linestyle() for line in ax.lines[1:]}) == len(routes) - 1
    rows = [
        {"kind": "benefit", "session": session, "at": at, "estimate": 9.0, "all": 1.0}
        for session in (0, 2)
        for at in (10.0, 20.0)
    ]
    own, everybody, later, everybody_later = kt.plot_net_benefit(
        pd.DataFrame(rows)
    ).lines[:4]
    assert own.get_marker() != later.get_marker()
    assert everybody.get_linestyle() != everybody_later.get_linestyle()


def test_a_hidden_row_leaves_the_others_their_axis():
    rows = [
        {"kind": "benefit", "session": 0, "at": at, "estimate": good, "all": good}
        for at, good in ((10.0, 30.0), (np.nan, np.nan), (30.0, 12.0))
    ]
    assert kt.plot_net_benefit(pd.DataFrame(rows)).get_ylim() == (-15.0, 33.0)


@pytest.mark.parametrize("dpi", [72, 100, 200])
@pytest.mark.parametrize("name", ["plot_shift_table", "plot_paired_change"])
def test_a_caption_ends_within_a_figure_that_is_saved_as_it_is(name, dpi, results):
    result = results[DRAWN[name]]
    figure = getattr(kt, name)(result.table, caption=result.caption).figure
    figure.set_dpi(dpi)
    figure.canvas.draw()
    ends = [text.get_window_extent().x1 for text in figure.axes[0].texts]
    assert max(ends) <= figure.bbox.x1
    plt.close(figure)


def test_words_in_a_colour_can_be_read():
    """The lightest grey that passes on white at 4.5 to 1 is known to be #767676."""
    assert ink_of("#767676") == "#767676"
    assert ink_of("#777777") < "#777777"
    assert ink_of("#E69F00") < "#e69f00"


@pytest.mark.parametrize(
    ("started", "counted"), [(600, 474), (60, 60), (1_200_000, 1_199_999)]
)
def test_words_of_the_picture_of_who_was_counted_stand_inside_it(started, counted):
    people = {"people": [started, counted], "unknown": [0.0, 12.0]}
    table = pd.DataFrame({"what": ["started", "counted above"]} | people)
    axes = plot_counted_small(table)
    figure = axes.get_figure()
    # Measuring the words would draw the picture twice.
    assert figure.get_layout_engine() is None
    figure.canvas.draw()
    frame = figure.bbox
    words = [each for each in axes.findobj(Text) if each.get_text()]
    ends = [each.get_window_extent() for each in words if each.get_visible()]
    assert min(end.x0 for end in ends) >= frame.x0
    assert max(end.x1 for end in ends) <= frame.x1
    ticks = [label.get_window_extent() for label in axes.get_xticklabels()]
    shown = [end for end in ticks if axes.bbox.x0 - 20 < end.x0 < axes.bbox.x1]
    for one, other in itertools.pairwise(shown):
        assert one.x1 < other.x0
