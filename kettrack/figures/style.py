"""One look for every figure: colours by meaning, safe for colour-blind readers, with hatches where
grey print needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, FuncFormatter

from kettrack.arrays import Floats
from kettrack.escapes import visible
from kettrack.vocabulary.plain_words import STATE_WORDS

STYLE_SHEET: Final = Path(__file__).with_name("kettrack.mplstyle")

# Colours of Okabe and Ito (Color Universal Design, 2008) by what they stand for.
RESPONDED: Final = "#0072B2"
REMITTED: Final = "#004B75"
PARTIAL: Final = "#E69F00"
WORSE: Final = "#D55E00"
STOPPED: Final = "#CC79A7"
SECOND: Final = "#56B4E9"
# Tints for what is neither good nor bad: an end as planned, no data, still in care.
COMPLETED: Final = "#E8CFA0"
NO_DATA: Final = "#BBBBBB"
SCORED_LATER: Final = "#DDDDDD"
IN_CARE: Final = "#EEF3F6"
UNCHANGED: Final = "#CFCFCF"
# Text: the main one, one that steps back, and the caption.
INK: Final = "#333333"
FAINT_INK: Final = "#777777"
CAPTION_INK: Final = "#666666"

# Sizes of text in points. A figure in the report is about as wide as the page, so that 7 points
# can still be read in print.
# Of small words against what is behind them: WCAG 2.2, 1.4.3.
LEAST_CONTRAST: Final = 4.5
NOTE_SIZE: Final = 7.5
LABEL_SIZE: Final = 8.0
NUMBER_SIZE: Final = 9.0
CAPTION_SIZE: Final = 7.0


class Look(NamedTuple):
    """How an area is filled, and what it is called.

    Parameters
    ----------
    colour : str
        Hex code.
    hatch : str
        Pattern for grey print; empty = none.
    words : str
        As the reader sees it.
    edge : str
        Colour of the hatch.
    """

    colour: str
    hatch: str = ""
    words: str = ""
    edge: str = "#FFFFFF"


# State of a score -> its look, from worst to best.
STATES: Final = {
    "worse": Look(WORSE, "xxxx", STATE_WORDS["worse"]),
    "unchanged": Look("#888888", "", STATE_WORDS["unchanged"]),
    "partial": Look(PARTIAL, "", STATE_WORDS["partial"]),
    "response": Look(RESPONDED, "", STATE_WORDS["response"]),
    "remission": Look(REMITTED, "", STATE_WORDS["remission"]),
}


class Margins(NamedTuple):
    """Room around new axes, in inches."""

    left: float
    right: float
    bottom: float
    top: float


@contextmanager
def canvas(
    ax: Axes | None,
    width: float = 7.0,
    height: float = 4.2,
    margins: Margins | None = None,
) -> Iterator[Axes]:
    """Draw in the house style, on the given axes or on new ones.

    Parameters
    ----------
    ax : Axes or None
        None = new axes on a figure of their own.
    width, height : float
        Size of a new figure in inches.
    margins : Margins, optional
        Where the words around the axes are always as long; default: measured, which draws all of
        them twice.

    Yields
    ------
    Axes
        To draw on while the style is in force.
    """
    # A style sheet changes matplotlib's settings for everybody, so it is in force only here.
    with plt.style.context(str(STYLE_SHEET)):
        axes = ax or _new_axes((width, height), margins)
        yield axes
        _as_written(axes)


def _new_axes(size: tuple[float, float], margins: Margins | None) -> Axes:
    if margins is None:
        return plt.subplots(figsize=size, layout="constrained")[1]
    figure, axes = plt.subplots(figsize=size, layout="none")
    width, height = size
    figure.subplots_adjust(
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
    )
    return axes


def _as_written(axes: Axes) -> None:
    """Show every text of the axes as it was written: a user's words set no formula and hide no
    sign.
    """
    framed = (axes, *axes.child_axes)
    # To ask matplotlib for every axis walks through all that is drawn, which takes as long as to
    # draw it.
    for axis in (axis for each in framed for axis in (each.xaxis, each.yaxis)):
        # matplotlib's own numbers need nothing.
        if isinstance(axis.get_major_formatter(), FuncFormatter | FixedFormatter):
            names = [label.get_text() for label in axis.get_ticklabels()]
            seen = [visible(name) for name in names]
            # Drawing writes the name of a tick anew, so the list itself is replaced.
            if seen != names:
                axis.set_ticks(axis.get_ticklocs(), seen)
    for text in axes.findobj(Text):
        # Title and names of the axes were there before the style sheet, which sets the others.
        text.set_parse_math(False)
        shown = visible(text.get_text())
        if shown != text.get_text():
            text.set_text(shown)


def ink_of(colour: str) -> str:
    """The colour for words: the same hue, darkened until it can be read on white.

    Parameters
    ----------
    colour : str
        Of a line or a band, in any form that matplotlib takes.

    Returns
    -------
    str
        With a contrast of at least 4.5 to 1 on white (WCAG 2.2, 1.4.3), as #rrggbb.

    Examples
    --------
    >>> ink_of("#0072B2"), ink_of("#E69F00")
    ('#0072b2', '#9d6c00')
    """
    rgb = np.array(to_rgb(colour))
    while contrast_on_white(rgb) < LEAST_CONTRAST:
        rgb = rgb * 0.98
    red, green, blue = map(float, rgb)
    return to_hex((red, green, blue))


def contrast_on_white(rgb: Floats) -> float:
    """Contrast of a colour on white by WCAG 2.2, from 1 to 21; `rgb` from 0 to 1."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ [0.2126, 0.7152, 0.0722])
    return 1.05 / (luminance + 0.05)
