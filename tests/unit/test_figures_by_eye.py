"""The eight key figures, point by point as they were last looked at: a label that moves is seen.

Who changes a figure looks at it, and then stores what it is to be:
`pytest tests/unit/test_figures_by_eye.py --mpl-generate-path=tests/unit/figures`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.testing.compare import compare_images
from sample_answers import sample_answer

import kettrack as kt

# Root mean square of the difference over all points, of 255. The same figure drawn again differs by
# 0; a label that is shifted by a few points differs by more than this.
TOLERANCE = 0.5
KEY_FIGURES = {
    "plot_response_by_session": "response_by_session",
    "plot_durability": "durability",
    "plot_waterfall": "waterfall",
    "plot_ladder": "ladder",
    "plot_adverse_events": "adverse_events",
    "plot_worsening_by_week": "worsening_by_week",
    "plot_trajectories": "trajectories",
    "plot_ideation_shift": "ideation_shift",
}


def drawn(name: str) -> Figure:
    result = sample_answer(KEY_FIGURES[name])
    plot: Callable[..., Axes] = getattr(kt, name)
    figure = plot(result.table, caption=result.caption).get_figure(root=True)
    assert figure is not None
    return figure


# As a notebook stores it, at a smaller size.
SAVED = {"dpi": 60, "bbox_inches": "tight", "metadata": {"Software": None}}
STORED = Path(__file__).parent / "figures"
# Another matplotlib may draw letters in another way: the lock says which one it was.
SAME_LETTERS = mpl.__version_info__[:2] == (3, 11)


@pytest.mark.skipif(not SAME_LETTERS, reason="drawn by another matplotlib")
@pytest.mark.parametrize("name", KEY_FIGURES)
@pytest.mark.mpl_image_compare(
    baseline_dir="figures",
    tolerance=TOLERANCE,
    style="default",
    savefig_kwargs=SAVED,
)
def test_a_key_figure_is_as_it_was_looked_at(name: str) -> Figure:
    return drawn(name)


@pytest.mark.skipif(not SAME_LETTERS, reason="drawn by another matplotlib")
def test_a_label_that_is_shifted_is_seen(tmp_path: Path) -> None:
    name = "plot_ladder"
    with mpl.style.context("default", after_reset=True):
        figure = drawn(name)
        # About three points to the right.
        figure.axes[0].xaxis.label.set_x(0.51)
        figure.savefig(tmp_path / "shifted.png", **SAVED)
    stored = STORED / f"test_a_key_figure_is_as_it_was_looked_at_{name}.png"
    (tmp_path / "stored.png").write_bytes(stored.read_bytes())
    told = compare_images(
        str(tmp_path / "stored.png"),
        str(tmp_path / "shifted.png"),
        tol=TOLERANCE,
    )
    assert told is not None
