"""What a data set of an export is: its variables, each with what it means and when it is missing.

The files, `define.json` and the tables of `docs/export.md` are made from these values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import pandas as pd

VariableKind = Literal["text", "whole", "decimal"]
DataSetClass = Literal["ADSL", "BDS", "OCCDS", "SDTM", "OMOP"]
# Limit of SAS transport files, version 5.
LONGEST_TEXT: Final = 200
NEVER: Final = "never"

_DTYPES: Final[Mapping[VariableKind, str]] = {
    "text": "str",
    "whole": "Int64",
    "decimal": "float64",
}


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a data set.

    Parameters
    ----------
    name : str
        At most eight capitals and digits.
    label : str
        At most 40 letters.
    kind : {"text", "whole", "decimal"}
        What stands in it.
    derivation : str
        Where it comes from, in a sentence.
    missing : str
        When it is empty; `never` where it is always filled.
    unit : str
        Empty where there is none.
    allowed : tuple of str
        Every value it may have, where the list is closed.
    """

    name: str
    label: str
    kind: VariableKind
    derivation: str
    missing: str = NEVER
    unit: str = ""
    allowed: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """Whether it is filled in every record."""
        return self.missing == NEVER


@dataclass(frozen=True, slots=True)
class DataSet:
    """One data set of an export.

    Parameters
    ----------
    name : str
        In capitals, such as `ADSL`.
    label : str
        What it is, at most 40 letters.
    kind : {"ADSL", "BDS", "OCCDS", "SDTM", "OMOP"}
        Class of the standard that it follows.
    grain : str
        What one record is.
    keys : tuple of str
        Variables that tell records apart; records are sorted by them.
    variables : tuple of Variable
        In the order in which they are written.
    """

    name: str
    label: str
    kind: DataSetClass
    grain: str
    keys: tuple[str, ...]
    variables: tuple[Variable, ...]

    @property
    def names(self) -> list[str]:
        """Names of the variables in order."""
        return [variable.name for variable in self.variables]

    def frame(self, columns: Mapping[str, Any]) -> pd.DataFrame:
        """A frame of this data set: every variable, in order and of its kind.

        Parameters
        ----------
        columns : mapping
            Variable to its values; neither more nor fewer than the data set has.
        """
        odd = set(columns) ^ set(self.names)
        if odd:
            raise AssertionError(f"{self.name}: {', '.join(sorted(odd))}")
        # A single value fills every record, also where there is none.
        raw = pd.DataFrame({name: columns[name] for name in self.names})
        kinds = {
            one.name: _DTYPES[one.kind]
            for one in self.variables
            # Words of millions of records stay held once.
            if not isinstance(raw[one.name].dtype, pd.CategoricalDtype)
        }
        return raw.astype(kinds)
