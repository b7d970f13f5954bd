"""Figures of single people draw the numbers of their table: tested on the data of the Axes, not on
pictures.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from sample_answers import sample_answer
from spec.tables import cohort

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.colors import to_hex

import kettrack as kt
from kettrack.figures.patient import ANSWERS, PANELS, ROUTES
from kettrack.figures.style import STATES
from kettrack.figures.trajectories import MOST_DRAWN

WELL_KNOWN = "S557"  # of the sample: many sessions, a complete log


@pytest.fixture(scope="module")
def sample():
    return kt.load_cohort(kt.sample_folder())


@pytest.fixture(scope="module")
def page(sample):
    return kt.patient_page(sample, WELL_KNOWN)


@pytest.fixture(scope="module")
def expected():
    return sample_answer("expected_course")


def panels(ax):
    return {panel.get_label(): panel for panel in ax.child_axes}


def texts(ax):
    # A caption is broken where the figure ends.
    return [text.get_text().replace("\n", " ") for text in ax.texts]


def rows(page, what):
    return page.table[page.table["what"] == what]


def line(panel, label):
    return next(line for line in panel.lines if line.get_label() == label)


def test_patient_panels_share_one_clock_and_carry_the_caption(page):
    _, given = plt.subplots()
    ax = kt.plot_patient(page.table, given, page.caption)
    assert ax is given
    assert page.caption in texts(ax)
    assert WELL_KNOWN in ax.get_title(loc="left")
    assert set(panels(ax)) == set(PANELS)
    assert len({panel.get_xlim() for panel in ax.child_axes}) == 1


def test_scores_lines_and_bands_are_the_table(page):
    panel = panels(kt.plot_patient(page.table))["score"]
    drawn = line(panel, "score").get_xydata()
    assert (
        drawn.tolist()
        == rows(page, "score")[["day", "value"]].dropna().to_numpy(float).tolist()
    )
    for row in rows(page, "line").to_dict("records"):
        assert set(line(panel, f"{row['label']}: {row['value']:g}").get_ydata()) == {
            row["value"]
        }
    bands = rows(page, "band")
    assert texts(panel) == bands["label"].tolist()
    assert [patch.get_y() for patch in panel.patches] == bands["low"].tolist()
    assert panel.get_ylim() == (0, 27)
    assert "log ends (day 385)" in [each.get_label() for each in panel.lines]


def test_states_are_spans_of_their_colour(page):
    panel = panels(kt.plot_patient(page.table))["state"]
    states = rows(page, "state")
    for part in panel.collections:
        own = states[states["label"] == part.get_label()]
        spans = [
            (path.vertices[:, 0].min(), path.vertices[:, 0].max())
            for path in part.get_paths()
        ]
        assert spans == list(zip(own["day"], own["to_day"], strict=True))
        assert (
            not len(own)
            or to_hex(part.get_facecolor()[0])
            == STATES[part.get_label()].colour.lower()
        )
    assert (states["to_day"] - states["day"]).max() <= 28


def test_sessions_are_as_high_as_the_dose_and_coloured_by_route(page):
    panel = panels(kt.plot_patient(page.table))["sessions"]
    sessions = rows(page, "session")
    drawn = [tuple(segment[1]) for segment in panel.collections[0].get_segments()]
    assert drawn == list(zip(sessions["day"], sessions["value"], strict=True))
    assert (
        to_hex(panel.collections[0].get_color()[0])
        == ROUTES[sessions["label"].iloc[0]][0].lower()
    )


def test_suicidality_and_pressure_are_the_table(sample):
    page = kt.patient_page(sample, "S010")
    drawn = panels(kt.plot_patient(page.table))
    answers = rows(page, "suicidality")
    _, squares = drawn["suicidality"].collections
    assert (
        squares.get_offsets().data.tolist()
        == answers[["day", "value"]].to_numpy(float).tolist()
    )
    assert [to_hex(colour) for colour in squares.get_facecolor()] == [
        ANSWERS[int(v)].lower() for v in answers["value"]
    ]
    for part, kind in zip(
        drawn["blood pressure"].collections, ("systolic", "diastolic"), strict=True
    ):
        ends = [tuple(segment[:, 1]) for segment in part.get_segments()]
        assert ends == list(
            zip(rows(page, kind)["low"], rows(page, kind)["high"], strict=True)
        )
    assert drawn["events"].lines[0].get_xydata().tolist() == [[25, 0], [63, 0]]
    assert texts(drawn["events"]) == ["dose up", "dose up"]


def test_the_cssrs_stands_beside_the_item_with_what_it_leaves_open():
    clinic = cohort("""
        patient | day | score | item_9 | item_1 | item_2 | item_3 | item_4 | item_6 | instrument
        a       |  -1 | 20    | 2      |        |        |        |        |        | PHQ-9
        a       |   5 |       |        | 1      | 1      | 0      | 1      | 1      | C-SSRS
        a       |   9 |       |        | 0      | 0      |        |        | 0      | C-SSRS
        """)
    page = kt.patient_page(clinic, "a")
    drawn = panels(kt.plot_patient(page.table))
    lines, marks = drawn["suicidality"].collections[2:]
    assert marks.get_offsets().data.tolist() == [[5, 4], [9, 0]]
    # a yes to 4 with 5 blank may be a 5
    assert [segment[:, 1].tolist() for segment in lines.get_segments()] == [
        [4, 5],
        [0, 0],
    ]
    legend = drawn["suicidality"].get_legend().get_texts()
    assert [text.get_text() for text in legend] == ["PHQ-9", "C-SSRS"]
    assert texts(drawn["events"]) == ["suicidal behaviour (C-SSRS)"]


def test_a_patient_of_whom_little_is_known():
    clinic = cohort("patient | day | score\n a | 0 | 20\n a | 7 |\n b | 0 |")
    for patient in ("a", "b"):
        ax = kt.plot_patient(kt.patient_page(clinic, patient).table)
        assert texts(panels(ax)["suicidality"]) == ["none recorded"]
        assert texts(panels(ax)["blood pressure"]) == ["none recorded"]
        assert len(line(panels(ax)["score"], "no total").get_xdata()) == 1
        ax.figure.draw_without_rendering()


def test_nobody_of_that_name_and_nothing_for_release(sample):
    with pytest.raises(kt.UsageError, match="No patient"):
        kt.patient_page(sample, "nobody")
    page = kt.patient_page(
        cohort("patient | day | score\n a | 0 | 20", policy="cms"), "a"
    )
    assert page.table.empty
    assert page.text in repr(page)
    assert "Not shown" in texts(kt.plot_patient(page.table))[0]
    assert "Not shown" in texts(kt.plot_patient(pd.DataFrame()))[0]
    assert "Not shown" in texts(kt.plot_expected(pd.DataFrame()))[0]


def test_expected_course_is_the_table_of_the_patients_band(sample, expected):
    lines = kt.comparable_scores(sample)
    ax = kt.plot_expected(
        expected.table, people=lines, patient_id="S007", caption=expected.caption
    )
    shown = expected.table[(expected.table["band"] == "moderate")].dropna()
    assert (
        line(ax, "median").get_xydata().tolist()
        == shown[["sessions", "estimate"]].to_numpy(float).tolist()
    )
    for part, low, high in zip(
        ax.collections, ("q10", "q25"), ("q90", "q75"), strict=True
    ):
        heights = part.get_paths()[0].vertices[:, 1]
        assert (heights.min(), heights.max()) == (shown[low].min(), shown[high].max())
    own = lines[lines["patient_id"] == "S007"].drop_duplicates("sessions")
    assert (
        line(ax, "patient S007").get_xydata().tolist()
        == own[["sessions", "score"]].to_numpy(float).tolist()
    )
    numbers = [
        tuple(map(int, label.get_text().split("\n"))) for label in ax.get_xticklabels()
    ]
    assert numbers == list(zip(shown["sessions"], shown["n"], strict=True))
    assert any(text.startswith(f"N = {shown['n'].max()} · PHQ-9") for text in texts(ax))


def test_at_most_two_hundred_people_are_drawn_and_none_without_lines(expected):
    many = pd.DataFrame(
        {
            "patient_id": np.repeat([f"p{k:03d}" for k in range(450)], 2),
            "band": "moderate",
        }
    )
    many = many.assign(sessions=[0, 1] * 450, score=12.0)
    ax = kt.plot_expected(expected.table, people=many)
    grey = [each for each in ax.lines if each.get_label().startswith("_p")]
    assert 100 < len(grey) <= MOST_DRAWN
    assert [
        each.get_label()
        for each in kt.plot_expected(expected.table, band="severe").lines
    ] == ["median"]
