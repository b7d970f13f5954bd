"""A cohort: the tables after the door, what was left outside and why, and where it came from."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Never, cast, overload

import pandas as pd

from kettrack.arrays import Bools, Ints
from kettrack.errors import UsageError
from kettrack.escapes import visible
from kettrack.privacy.policies import get_policy
from kettrack.reading.import_remarks import no_remarks
from kettrack.reading.patient_places import places_by_code, places_by_name
from kettrack.reading.typed import CheckedTable
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.criteria import get_criteria
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import get_instrument
from kettrack.vocabulary.rules import Criteria


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a cohort came from.

    Parameters
    ----------
    input_sha256 : str
        SHA-256 over the input files in name order; empty for frames handed over in memory.
    files : tuple of str
        File names, without folders.
    allowed : tuple of str
        Columns let through the identifier check by name.
    """

    input_sha256: str = ""
    files: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


_TABLES: Final = ("patients", "sessions", "scores", "events")


class TableField:
    """A table of a cohort: its frame is made when it is first asked for, and then kept."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, cohort: None, owner: type) -> Never: ...
    @overload
    def __get__(self, cohort: Cohort, owner: type) -> pd.DataFrame: ...
    def __get__(self, cohort: Cohort | None, owner: type) -> pd.DataFrame:
        # So a dataclass learns that the field has no default.
        if cohort is None:
            raise AttributeError(self._name)
        held = cohort.__dict__[self._name]
        if isinstance(held, CheckedTable):
            held = held.frame()
            # Kept in the place of the codes: nothing is held twice.
            cohort.__dict__[self._name] = held
        return cast(pd.DataFrame, held)

    def __set__(self, cohort: Cohort, table: pd.DataFrame | CheckedTable) -> None:
        cohort.__dict__[self._name] = table


def _rows_of_each(
    words: pd.Series,
) -> dict[str, int]:
    counts = words.value_counts()
    rows = {}
    for name, n in counts.items():
        rows[str(name)] = int(n)
    return rows


def refuse_unscored(
    settings: Settings,
    scored: Mapping[str, int],
) -> None:
    """Refuse a cohort without a score of the primary instrument.

    Parameters
    ----------
    settings : Settings
        In force.
    scored : mapping
        Instrument to its rows, most first.

    Raises
    ------
    UsageError
        Naming the instruments that there are scores of.
    """
    if settings.instrument in scored:
        return
    counts_shown = not get_policy(settings.policy).for_release
    names = []
    for name, n in scored.items():
        count = f" ({n:,})" if counts_shown else ""
        names.append(f"{name}{count}")
    if not counts_shown:
        names.sort()  # the usual order, most scores first, tells which are few
    there = ", ".join(names) or "no instrument"
    raise UsageError(
        f"This cohort has no {settings.instrument} score. It has scores of: {there}. Choose one"
        f" with --instrument, or with instrument = ... in {SETTINGS_FILE}."
    )


@dataclass(frozen=True, repr=False)
class Cohort:
    """The checked tables of one clinic or study. Made by `load_cohort` or `cohort_from_frames`,
    never by hand.

    Parameters
    ----------
    sessions : DataFrame
        One row per patient and session, sorted by `patient_id`, `day`, `order`; `day` int32, day 0
        = first session; `order` int32, 1, 2, ... within a day, never missing. Every column of the
        vocabulary is there, missing ones all-missing.
    scores : DataFrame
        One row per patient, instrument, day and timing, sorted by `patient_id`, `instrument`,
        `day`, `timing` (before, unknown, after: an ordered category). `score` float64, NaN =
        incomplete. Item columns as far as any is filled.
    patients : DataFrame
        One row per patient with at least one session, sorted by `patient_id`; missing values stay
        missing.
    events : DataFrame
        One row per patient and event, sorted by `patient_id`, `day`; may be empty.
    settings : Settings
        What `kettrack.toml` and the caller asked for.
    notes : tuple of str
        What the reader noticed or did, one sentence each, with counts.
    exclusions : DataFrame
        One row per reason for leaving something out: `reason` `n_rows` `n_patients`.
    provenance : Provenance
        Files, their hash, and columns allowed through.
    truths : dict of str to float
        What is true of a simulated clinic, from its `truth.json`; empty for any other.
    import_remarks : DataFrame
        What an import did on the way to this folder, from its `import_problems.csv`: one row per
        thing mended, refused or left out; empty for any other folder.
    """

    sessions: TableField = TableField()
    scores: TableField = TableField()
    patients: TableField = TableField()
    events: TableField = TableField()
    settings: Settings = field(default_factory=Settings)
    notes: tuple[str, ...] = ()
    exclusions: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["reason", "n_rows", "n_patients"])
    )
    provenance: Provenance = field(default_factory=Provenance)
    truths: dict[str, float] = field(default_factory=dict)
    import_remarks: pd.DataFrame = field(default_factory=no_remarks)

    def columns(
        self,
        table: str,
        names: Sequence[str],
        rows: Bools | None = None,
    ) -> pd.DataFrame:
        """Some columns of a table, as in its frame, which is not made for them.

        Parameters
        ----------
        table : str
            `sessions`, `scores`, `patients` or `events`.
        names : sequence of str
            Columns.
        rows : bool array, optional
            Which rows; all by default.
        """
        held = self.__dict__[table]
        if isinstance(held, CheckedTable):
            return held.frame(names, rows)
        columns = cast(pd.DataFrame, held)[list(names)]
        return columns if rows is None else columns[rows].reset_index(drop=True)

    def scores_on(self, instrument: str) -> Bools:
        """Which rows of the scores are of an instrument."""
        held = self.__dict__["scores"]
        # Told by the codes where there are codes: no name of a scale is made for each row.
        if isinstance(held, CheckedTable):
            return held.rows["instrument"].is_one_of([instrument])
        named = cast(pd.DataFrame, held)["instrument"] == instrument
        return named.to_numpy(bool)

    def patient_places(self, table: str) -> Ints:
        """Place of each row's patient in the patients table, -1 = not in it.

        Parameters
        ----------
        table : str
            `sessions`, `scores`, `patients` or `events`.
        """
        held = self.__dict__[table]
        patients = self.__dict__["patients"]
        if isinstance(held, CheckedTable) and isinstance(patients, CheckedTable):
            return places_by_code(held, patients)
        rows = self.columns(table, ["patient_id"])["patient_id"]
        everyone = self.patients["patient_id"]
        return places_by_name(rows, everyone)

    def __repr__(self) -> str:
        """What it holds, never a row; under a policy for release no count either."""
        settings = self.settings
        counts = "counts are not shown under this policy"
        if not get_policy(settings.policy).for_release:
            parts = [f"{self._n_rows(name):,} {name}" for name in _TABLES]
            counts = ", ".join(parts)
        return visible(
            f"<Cohort: {counts}. {settings.instrument}, {settings.criteria}, policy"
            f" {settings.policy}. The rows are in .patients, .sessions, .scores and .events.>"
        )

    def _n_rows(self, table: str) -> int:
        """Rows of a table, which is not made for it."""
        held = self.__dict__[table]
        return len(held.rows if isinstance(held, CheckedTable) else held)

    @property
    def instrument(self) -> Instrument:
        """The primary instrument."""
        return get_instrument(self.settings.instrument, self.settings.known_instruments)

    def require_scores(self) -> None:
        """Refuse to go on without a single score of the primary instrument.

        Raises
        ------
        UsageError
            Naming the instruments that there are scores of.
        """
        if self.scores_on(self.settings.instrument).any():
            return
        # Counted over all rows, those without a total among them.
        instrument = self.columns("scores", ["instrument"])["instrument"]
        refuse_unscored(self.settings, _rows_of_each(instrument))

    @property
    def shown_notes(self) -> list[str]:
        """The notes that may be printed under the policy in force: under one for release, those
        without a count.
        """
        if not get_policy(self.settings.policy).for_release:
            return list(self.notes)
        # The digits of PHQ-9 are no count.
        names = "|".join(map(re.escape, self.settings.known_instruments))
        kept = []
        for note in self.notes:
            without_names = re.sub(names, "", note)
            if not re.search(r"\d", without_names):
                kept.append(note)
        n_hidden = len(self.notes) - len(kept)
        # That something is hidden is said; how much is not, but for one.
        if n_hidden:
            one = n_hidden == 1
            hidden = (
                "1 note that holds a count is" if one else "Notes that hold a count are"
            )
            policy = self.settings.policy
            kept.append(f"{hidden} not shown under the policy {policy!r}.")
        return kept

    @property
    def criteria(self) -> Criteria:
        """The rules in force for the primary instrument."""
        return get_criteria(
            self.instrument, self.settings.criteria, self.settings.user_criteria
        )

    def with_criteria(self, criteria: Criteria) -> Cohort:
        """The same cohort with other rules in force, such as a variant of those it has under
        another name.
        """
        settings = replace(
            self.settings,
            criteria=criteria.name,
            # Put first, so that it is found before one of the same name.
            user_criteria=(criteria, *self.settings.user_criteria),
        )
        return replace(self, settings=settings)
