"""The data sets of an export, from `data_sets.toml`, a page that people read too: their variables,
each with what it means and when it is missing, and their records in blocks.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import pandas as pd

from kettrack.exporting.words import (
    BASELINE_TYPES,
    CENSORED_WORDS,
    TERMS,
    TIMES,
    capitals,
)
from kettrack.timelines.courses import COURSES
from kettrack.timelines.events import STATUSES
from kettrack.timelines.outcomes import EXCLUSIONS
from kettrack.timelines.states import STATES
from kettrack.vocabulary import columns
from kettrack.vocabulary.cdisc_words import (
    TO_CDISC_RACES,
    TO_CDISC_ROUTES,
    TO_CDISC_SEXES,
)

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

_PAGE: Final = Path(__file__).parent / "data_sets.toml"
_BRACED: Final = re.compile(r"\{(\w+)\}")
# Lists that the vocabulary owns: the page names them, so that none is typed twice.
_LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "BASELINES": tuple(BASELINE_TYPES.values()),
    "CENSORED": tuple(CENSORED_WORDS.values()),
    "COURSES": COURSES,
    "DIAGNOSES": capitals(columns.DIAGNOSES),
    "DRUGS": capitals(columns.DRUGS),
    "ETHNICITIES": capitals(columns.ETHNICITIES),
    "EVENTS_IN_WORDS": capitals(tuple(one.words for one in TIMES)),
    "EXCLUSIONS": capitals(EXCLUSIONS),
    # Several words of kettrack may share one of the standard.
    "RACES": tuple(dict.fromkeys(TO_CDISC_RACES.values())),
    "ROUTES": tuple(TO_CDISC_ROUTES.values()),
    "SEXES": tuple(TO_CDISC_SEXES.values()),
    "STATES": capitals(STATES),
    "STATUSES": capitals(STATUSES),
    "STOP_REASONS": capitals(columns.STOP_REASONS),
    "TERMS": capitals(TERMS),
    "TIMES": tuple(one.code for one in TIMES),
    "TIMES_IN_WORDS": tuple(one.param for one in TIMES),
    # OMOP keeps the words of the source.
    "drugs": columns.DRUGS,
    "routes": columns.ROUTES,
}
_NUMBERS: Final[Mapping[str, str]] = {"AGE_CAP": str(columns.AGE_CAP)}

# Blocks of one data set, in order. They can be walked through again and again.
Blocks = Iterable[pd.DataFrame]
Write = Callable[[pd.DataFrame], None]


# The files, `define.json` and the tables of `docs/export.md` are made from these values.
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


def _data_set(name: str, said: Mapping[str, Any]) -> DataSet:
    variables = [
        Variable(
            name=variable,
            label=one["label"],
            kind=one["kind"],
            derivation=_filled_in(one["from"]),
            missing=one.get("empty", NEVER),
            unit=one.get("unit", ""),
            allowed=_values(one.get("values", [])),
        )
        for variable, one in said["variables"].items()
    ]
    return DataSet(
        name=name,
        label=said["label"],
        kind=said["class"],
        grain=said["grain"],
        keys=tuple(said["keys"]),
        variables=tuple(variables),
    )


def _filled_in(text: str) -> str:
    return _BRACED.sub(lambda found: _NUMBERS[found[1]], text)


def _values(said: str | list[str]) -> tuple[str, ...]:
    """A closed list, written out or named."""
    if isinstance(said, list):
        return tuple(said)
    return _LISTS[said.strip("{}")]


def _read() -> dict[str, DataSet]:
    page = tomllib.loads(_PAGE.read_text(encoding="utf-8"))
    return {name: _data_set(name, said) for name, said in page.items()}


# In the order of the page, which is that in which they are written.
DATA_SETS: Final[Mapping[str, DataSet]] = _read()


@dataclass(frozen=True, slots=True)
class Sizes:
    """What has to be known of a data set before its first record is written.

    Parameters
    ----------
    records : int
        How many there are.
    widths : mapping
        Text variable to the bytes of its longest text.
    """

    records: int
    widths: Mapping[str, int]


def sizes_of(data_set: DataSet, blocks: Blocks) -> Sizes:
    """Count the records, and the bytes of texts.

    Parameters
    ----------
    data_set : DataSet
        What the variables are.
    blocks : iterable of DataFrame
        All of its records.
    """
    texts = []
    for one in data_set.variables:
        if one.kind == "text":
            texts.append(one.name)
    records = 0
    widths = dict.fromkeys(texts, 0)
    for block in blocks:
        records += len(block)
        for name in texts:
            # Each word once: a column of millions of cells has few.
            words = block[name].dropna().unique()
            bytes_of = [len(str(word).encode()) for word in words]
            longest = max(bytes_of, default=0)
            widths[name] = max(widths[name], longest)
    return Sizes(records, widths)
