"""The built-in instruments, one file each: ranges, bands, cut-offs and error, each with its source.

To add a scale, write its file and import it here; everything else follows from what the file says.
Item wording never ships; item numbers, ranges and cut-offs do.
"""

from __future__ import annotations

from typing import Final

from kettrack.errors import UsageError
from kettrack.vocabulary.instrument import Instrument

# The order of the imports is the order in which the scales are listed.
# isort: off
from kettrack.vocabulary.instruments.phq9 import PHQ9 as PHQ9
from kettrack.vocabulary.instruments.qids_sr16 import QIDS_SR16 as QIDS_SR16
from kettrack.vocabulary.instruments.ids_sr30 import IDS_SR30 as IDS_SR30
from kettrack.vocabulary.instruments.madrs import MADRS as MADRS
from kettrack.vocabulary.instruments.hamd17 import HAMD17 as HAMD17
from kettrack.vocabulary.instruments.bdi2 import BDI2 as BDI2
from kettrack.vocabulary.instruments.gad7 import GAD7 as GAD7
from kettrack.vocabulary.instruments.pcl5 import PCL5 as PCL5
from kettrack.vocabulary.instruments.cssrs import CSSRS as CSSRS
from kettrack.vocabulary.instruments.cadss import CADSS as CADSS
from kettrack.vocabulary.instruments.promis_depression import (
    PROMIS_DEPRESSION as PROMIS_DEPRESSION,
)
# isort: on

INSTRUMENTS: Final[dict[str, Instrument]] = {
    scale.name: scale
    for scale in tuple(globals().values())
    if isinstance(scale, Instrument)
}


def get_instrument(name: str, known: dict[str, Instrument] | None = None) -> Instrument:
    """Look an instrument up by name.

    Parameters
    ----------
    name : str
        As in the `instrument` column, for instance `"PHQ-9"`.
    known : dict, optional
        Name to Instrument; default the built-in ones. A cohort's own dict also holds the
        user-defined ones.

    Raises
    ------
    UsageError
        When there is none of that name; the message lists those there are.

    Examples
    --------
    >>> get_instrument("PHQ-9").maximum
    27
    """
    known = INSTRUMENTS if known is None else known
    if name not in known:
        raise UsageError(
            f"No instrument is called {name!r}; there are: {', '.join(known)}."
        )
    return known[name]
