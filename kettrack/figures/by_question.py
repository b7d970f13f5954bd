"""Which figure draws the answer to a question."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Where the figure does not have the name of the question.
_OTHER_NAME: Final = {
    "dissociation_over_sessions": "dissociation",
    "durability_from_response": "durability",
    "durability_intervals": "turnbull",
    "durability_of_every_response": "durability",
    "going_on_by_score": "going_on",
    "maintenance_lengths": "maintenance",
    "prognosis_curves": "calibration",
    "recurrent_loss": "mean_count",
    "adverse_events_by_site": "site_funnel",
    "remission_by_session": "response_by_session",
    "severity_flows": "flows",
    "should_we_go_on": "futility",
    "state_occupancy": "occupancy",
    "time_to_remission": "time_to",
    "time_to_response": "time_to",
    "treatment_emergent_ideation_by_week": "emergent_ideation",
}


def figure_of(question: str) -> Callable[..., Axes] | None:
    """The function that draws the answer to a question; None where there is none.

    Parameters
    ----------
    question : str
        Its name; an answer by groups has another name, and no figure.

    Examples
    --------
    >>> figure_of("should_we_go_on").__name__
    'plot_futility'
    >>> figure_of("baseline_table") is None
    True
    """
    name = _OTHER_NAME.get(question, question)
    # By its public name: what is public is written down in one place.
    found: Callable[..., Axes] | None = getattr(
        import_module("kettrack"), f"plot_{name}", None
    )
    return found
