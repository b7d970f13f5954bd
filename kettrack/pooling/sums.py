"""The tables of several sites, added up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import pandas as pd

from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.tallies import add_tallies


class Counted(Protocol):
    """Sites and buckets alike."""

    @property
    def tables(self) -> Mapping[str, Mapping[str, pd.DataFrame]]:
        """Question to its tables, by name."""
        ...


def summed(
    sites: Sequence[Counted],
    question: str,
) -> dict[str, pd.DataFrame]:
    """The tables of one question, added up over the sites that have counted it.

    Parameters
    ----------
    sites : sequence of Counted
        Those that have not counted it add nothing.
    question : str
        One that can be pooled.
    """
    counted = []
    for site in sites:
        # A site that could not count it has sent a reason instead.
        counted.append(site.tables.get(question, {}))
    shapes = PARTS[question].shapes
    found = {}
    for name, shape in shapes.items():
        there = []
        for tables in counted:
            if name in tables:
                there.append(tables[name])
        # A table may be missing: a rule that is not defined, a site in which nobody responded.
        if there:
            found[name] = add_tallies(shape, there)
    return found
