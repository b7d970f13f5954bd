"""The data sets of an export, from `data_sets.toml`: a page that people read too."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from kettrack.exporting.variables import NEVER, DataSet, Variable
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
