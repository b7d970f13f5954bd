"""The one picture draws the numbers of its table; refusals keep their row, and no two texts
overlap.
"""

import matplotlib
import numpy as np
import pandas as pd
import pytest

matplotlib.use("Agg")
from matplotlib.colors import to_hex

from kettrack.figures.answers import plot_session_answers
from kettrack.figures.style import WORSE

CAPTION = "N = 640 · PHQ-9, convention 1"
LONG = (
    "these data cannot say whether 6 sessions are better than 3: an effective sample size of 10"
    " (34 people stopped there)"
)
LONGER = (
    f"{LONG}; fifty effective ones are wanted, and none of them may carry more than a twentieth"
    " of all there is to know."
)


def answers(**columns):
    rows = [
        (
            "naive_slope",
            "People who had 3 more sessions in the end: change at week 12",
            "points",
            "biased by design",
        ),
        (
            "adjusted_slope",
            "People who had 3 more sessions in the end, at equal baselines: score at week 12",
            "points",
            "biased by design",
        ),
        (
            "next_session",
            "One more session soon, against none: people still coming, alike so far; score about 21"
            " days later",
            "points",
            "causal, under assumptions",
        ),
        (
            "stop_after",
            "If everyone had stopped after 6 sessions rather than 3: score at week 12",
            "points",
            "causal, under assumptions",
        ),
        (
            "g_formula",
            "The same, by models of the score week by week",
            "points",
            "second opinion",
        ),
        ("negative_control", "a measure left out", "points", "check"),
        ("e_value", "strength of a reason that would remove it", "risk ratio", "check"),
        (
            "e_value_limit",
            "strength of one that would make its interval reach 0",
            "risk ratio",
            "check",
        ),
        ("overlap", "of the decisions could have gone either way", "%", "check"),
        (
            "effective_k",
            "effective sample size for stopping after 6 sessions",
            "people",
            "check",
        ),
        (
            "effective_m",
            "effective sample size for stopping after 3 sessions",
            "people",
            "check",
        ),
    ]
    table = pd.DataFrame(rows, columns=["key", "about", "unit", "kind"])
    table = table.assign(n=640, better="lower", status="ok", reason="", note="")
    table["estimate"] = [
        1.43,
        1.59,
        -0.6,
        -0.65,
        -0.63,
        0.2,
        1.5,
        1.3,
        94.0,
        110.2,
        351.3,
    ]
    table["ci_low"], table["ci_high"] = table["estimate"] - 0.4, table["estimate"] + 0.4
    table.loc[6:, ["ci_low", "ci_high"]] = np.nan
    table.loc[5, "note"] = "no difference found"
    return table.assign(**columns)


def refusing(*keys):
    table = answers()
    gone = table["key"].isin(keys)
    table.loc[gone, ["estimate", "ci_low", "ci_high"]] = np.nan
    return table.assign(
        status=np.where(gone, "refused", "ok"), reason=np.where(gone, LONGER, "")
    )


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_points_and_intervals_are_those_of_the_table():
    table = answers()
    ax = plot_session_answers(table, caption=CAPTION)
    drawn = {line.get_label(): line for line in ax.lines}
    for kind, rows in table[table["kind"] != "check"].groupby("kind"):
        assert drawn[kind].get_xdata().tolist() == rows["estimate"].tolist()
        assert drawn[kind].get_ydata().tolist() == rows.index.tolist()
    spans = [
        tuple(segment[:, 0])
        for lines in ax.collections
        for segment in lines.get_segments()
    ]
    assert spans == list(zip(table["ci_low"][:5], table["ci_high"][:5], strict=True))
    assert [
        label.get_text().replace("\n", " ") for label in ax.get_yticklabels()
    ] == table["about"][:5].tolist()
    assert texts(ax).count("640") == 5
    assert CAPTION in texts(ax)


def test_what_rounds_to_nothing_has_no_sign():
    said = " ".join(texts(plot_session_answers(answers(ci_high=-0.001))))
    assert "to 0.00)" in said
    assert "\N{MINUS SIGN}0.00" not in said


def test_the_naive_ones_are_marked():
    ax = plot_session_answers(answers())
    drawn = {line.get_label(): line for line in ax.lines}
    assert to_hex(drawn["biased by design"].get_color()).upper() == WORSE
    assert texts(ax).count("biased by design") == 2


def test_what_would_change_our_mind_is_said_with_its_numbers():
    said = " ".join(texts(plot_session_answers(answers()))).replace("\n", " ")
    assert (
        "a measure left out: 0.20 (\N{MINUS SIGN}0.20 to 0.60) points (no difference"
        " found)" in said
    )
    assert (
        "would remove it: 1.50; strength of one that would make its interval reach 0: 1.30"
        in said
    )
    assert (
        "effective sample size for stopping after 6 sessions: 110; effective sample size for"
        in said
    )
    assert "Calibration" not in said


def test_a_refused_method_keeps_its_row():
    ax = plot_session_answers(
        refusing("next_session", "stop_after", "e_value", "e_value_limit")
    )
    first, second = (
        text for text in ax.texts if text.get_text().startswith("refused: these")
    )
    assert [first.xy[1], second.xy[1]] == [2, 3]
    assert len(first.get_text()) < len(LONGER)
    assert first.get_text().endswith("...")
    assert "not known: these data" in " ".join(texts(ax))
    assert [label.get_text()[:3] for label in ax.get_yticklabels()] == [
        "Peo",
        "Peo",
        "One",
        "If ",
        "The",
    ]


def test_better_is_left_also_where_high_scores_are_good():
    low, high = (
        plot_session_answers(answers(better=way)).get_xlim()
        for way in ("lower", "higher")
    )
    assert low[0] < 0 < low[1]
    assert high[0] > 0 > high[1]


@pytest.mark.parametrize(
    "table",
    [answers(), refusing("next_session", "stop_after", "g_formula"), answers(n=pd.NA)],
)
def test_nothing_overlaps_and_nothing_is_cut_off(table):
    ax = plot_session_answers(table, caption=CAPTION)
    ax.figure.canvas.draw()
    inside = ax.figure.bbox
    boxes = [
        text.get_window_extent()
        for text in [*ax.texts, *ax.get_yticklabels(), ax.xaxis.label, ax.title]
    ]
    for place, box in enumerate(boxes):
        assert inside.x0 <= box.x0 + 1
        assert box.x1 <= inside.x1 + 1
        assert inside.y0 <= box.y0 + 1
        assert box.y1 <= inside.y1 + 1
        assert not any(box.overlaps(other) for other in boxes[place + 1 :])


@pytest.mark.parametrize(
    "table", [pd.DataFrame(), answers(estimate=np.nan), answers().iloc[:0]]
)
def test_nothing_is_drawn_of_what_is_hidden_or_refused(table):
    assert "Not shown" in texts(plot_session_answers(table))[0]
