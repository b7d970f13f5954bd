"""Everything that is worked out from a cohort, in one frozen value that every question takes.

Data flow down one stair: sorted arrays, baselines, courses, events, tables. Each step is computed
when it is first asked for, and then kept with the value; nothing is kept anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, TypeVar

import numpy as np
import pandas as pd

from kettrack.errors import NotIdentified, UsageError
from kettrack.reading.cohort import Cohort, Provenance
from kettrack.settings import Settings
from kettrack.timelines.as_of import death_days, log_ends
from kettrack.timelines.bucket import Array, Bucket, bucket_of
from kettrack.timelines.courses import (
    care_status,
    derive_courses,
    first_courses,
    known_courses,
)
from kettrack.timelines.events import (
    Alignment,
    Baselines,
    EventRows,
    align_scores,
    find_baselines,
    find_events,
    ratable,
)
from kettrack.timelines.keeping import Keeping
from kettrack.timelines.outcomes import (
    leave_out,
    log_reasons,
    outcome_rows,
    outcomes_of,
)
from kettrack.timelines.person_sessions import session_day_rows
from kettrack.timelines.state_events import (
    can_bring_back,
    merge_event_rows,
    no_returns,
    returns_by_event_row,
    state_event_rows,
)
from kettrack.timelines.states import state_segment_rows, timeline_rows
from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.rules import Criteria, Rule

T = TypeVar("T")

# What does not depend on the rules: a cohort under other rules shares it.
FREE_OF_RULES: Final = (
    "instrument",
    "bucket",
    "baselines",
    "alignment",
    "_courses",
    "_first_courses",
    "_known_courses",
    "_care",
    "_log_ends",
    "log_reasons",
)


@dataclass(frozen=True, eq=False)
class DerivedCohort:
    """A cohort with its timelines. Made by `derive`, never by hand.

    The tables of the cohort keep their own names: `sessions`, `scores`, `patients`, `events`. Every
    table is handed out as a copy on write, so that whoever changes it changes only their own.

    Parameters
    ----------
    cohort : Cohort
        As it came through the reader.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> derived = derive(load_cohort(sample_folder()))
    >>> derived.bucket.n == len(derived.outcomes) == len(derived.patients)
    True
    """

    cohort: Cohort
    _keeping: Keeping = field(default_factory=Keeping, repr=False)

    def __reduce__(self) -> tuple[Callable[[Cohort], DerivedCohort], tuple[Cohort]]:
        """To another process goes what came in; the rest is worked out there."""
        return derive, (self.cohort,)

    # ---- what came in

    @cached_property
    def sessions(self) -> pd.DataFrame:
        """One row per patient and session; see `Cohort`."""
        return self.cohort.sessions

    @cached_property
    def scores(self) -> pd.DataFrame:
        """One row per patient, instrument, day and timing; see `Cohort`."""
        return self.cohort.scores

    @cached_property
    def patients(self) -> pd.DataFrame:
        """One row per patient; see `Cohort`."""
        return self.cohort.patients

    @cached_property
    def events(self) -> pd.DataFrame:
        """One row per patient and entry of the events table; see `Cohort`."""
        return self.cohort.events

    @cached_property
    def exclusions(self) -> pd.DataFrame:
        """One row per reason for leaving something out at the door; see `Cohort`."""
        return self.cohort.exclusions

    @cached_property
    def import_remarks(self) -> pd.DataFrame:
        """What an import mended, refused and left out; see `Cohort`."""
        return self.cohort.import_remarks

    @cached_property
    def settings(self) -> Settings:
        """What `kettrack.toml` and the caller asked for."""
        return self.cohort.settings

    @property
    def policy(self) -> str:
        """Name of the disclosure policy. Who asks is counted: see `Keeping.once_for_all`."""
        self.look()
        return self.cohort.settings.policy

    def look(self) -> None:
        """Say that something hangs on the policy."""
        self._keeping.looks.n += 1

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What the reader noticed or did."""
        return self.cohort.notes

    @property
    def shown_notes(self) -> list[str]:
        """The notes that may be printed under the policy in force."""
        self.look()
        return self.cohort.shown_notes

    @cached_property
    def provenance(self) -> Provenance:
        """Files, their hash, and columns allowed through."""
        return self.cohort.provenance

    @cached_property
    def instrument(self) -> Instrument:
        """The primary instrument."""
        return self.cohort.instrument

    @cached_property
    def criteria(self) -> Criteria:
        """The rules in force for the primary instrument."""
        return self.cohort.criteria

    @property
    def response_rule(self) -> Rule:
        """The rule for response in force.

        Raises
        ------
        NotIdentified
            When the rules in force define no response.
        """
        rule = self.criteria.response
        if rule is None:
            raise NotIdentified(
                f"the rules in force define no response on {self.instrument.name}.",
                "scores of an instrument with a response rule, or [criteria] of your own in"
                " kettrack.toml.",
            )
        return rule

    # ---- sorted arrays

    @cached_property
    def bucket(self) -> Bucket:
        """Scores of the primary instrument, and sessions, as sorted arrays."""
        return bucket_of(self.cohort)

    @cached_property
    def baselines(self) -> Baselines:
        """Baseline of each patient under the baseline rule in force."""
        return find_baselines(self.bucket, self.settings.baseline, self.instrument.sign)

    @cached_property
    def alignment(self) -> Alignment:
        """Sessions to date and days since the last session, for each score."""
        return align_scores(self.bucket)

    @cached_property
    def log_reasons(self) -> dict[str, Array]:
        """Reasons in the log to leave a patient out: name -> bool, shape (patients,)."""
        return log_reasons(
            self.cohort.columns("sessions", ["patient_id", "drug"]), self.patients
        )

    @cached_property
    def rated(self) -> Array:
        """Whether change is rated, per patient: the baseline is there and is a case, and the log
        gives no reason to leave the patient out.
        """
        # Not the same as `included`: whoever was not scored afterwards started all the same.
        left_out = np.logical_or.reduce(list(self.log_reasons.values()))
        return ratable(self.baselines, self.criteria) & ~left_out

    @cached_property
    def event_rows(self) -> dict[str, EventRows]:
        """First occurrence of each event by scores, as rows of the bucket."""
        return find_events(self.bucket, self.criteria, self.baselines)

    @cached_property
    def returns(self) -> pd.DataFrame:
        """Returns of the illness that an entry of the events table shows before the scores do."""
        # Most criteria name no entry: then the events by scores are not asked for either.
        if not can_bring_back(self.events, self.criteria):
            return no_returns()
        return returns_by_event_row(
            self.events, self.bucket, self.criteria, self.baselines, self.event_rows
        )

    # ---- tables

    @property
    def courses(self) -> pd.DataFrame:
        """Course of each session: one row per patient and session; see `derive_courses`."""
        return self._courses.copy(deep=False)

    @property
    def first_courses(self) -> pd.DataFrame:
        """First course of each patient, by `patient_id`; see `courses.first_courses`."""
        return self._first_courses.copy(deep=False)

    @property
    def known_courses(self) -> pd.DataFrame:
        """Part of the first course that the log is complete for; see `courses.known_courses`."""
        return self._known_courses.copy(deep=False)

    @property
    def care(self) -> pd.DataFrame:
        """Care status of each patient; see `courses.care_status`."""
        return self._care.copy(deep=False)

    @property
    def log_ends(self) -> pd.Series:
        """Day to which each patient's log reaches, by `patient_id`; see `as_of.log_ends`."""
        return self._log_ends.copy(deep=False)

    @property
    def timeline(self) -> pd.DataFrame:
        """One row per patient, instrument and score; see `timeline_table`."""
        return self._timeline.copy(deep=False)

    @property
    def outcomes(self) -> pd.DataFrame:
        """One row per patient; see `outcomes_table`."""
        return self._outcomes.copy(deep=False)

    @property
    def state_events(self) -> pd.DataFrame:
        """One row per patient, instrument and event; see `state_events_table`."""
        return self._state_events.copy(deep=False)

    @property
    def state_segments(self) -> pd.DataFrame:
        """Stretches of days in which a patient's state is known: one row per patient and segment.

        A state begins on the day of its score and holds until the next complete score, at most
        `Criteria.state_holds_days` days after its own. The baseline is `unchanged` by definition,
        from the first session on. Of two scores on one day the later one counts. An incomplete
        score neither begins nor ends anything. Nobody is in a state from the day of a death on.

        Sorted: `patient_id` `state` (ordered category) `from_day` `to_day` (the first day on which
        it holds no more). Patients without a rated baseline have none; nothing begins before day 0.

        Examples
        --------
        >>> from kettrack import load_cohort, sample_folder
        >>> segments = derive(load_cohort(sample_folder())).state_segments
        >>> int((segments.to_day - segments.from_day).max())
        29
        """
        return self._state_segments.copy(deep=False)

    @property
    def all_sessions(self) -> pd.DataFrame:
        """One row per patient and session day, of every course; see `all_sessions_table`."""
        return self._all_sessions.copy(deep=False)

    @property
    def person_sessions(self) -> pd.DataFrame:
        """One row per patient and session day of the first course; see `person_sessions_table`."""
        rows = self._all_sessions
        inside = rows[rows["in_first_course"]]
        return inside.drop(columns="in_first_course").reset_index(drop=True)

    # ---- the same under other rules, and what a question adds

    def with_criteria(self, criteria: Criteria) -> DerivedCohort:
        """The same cohort with other rules in force; what no rule touches is shared.

        Parameters
        ----------
        criteria : Criteria
            Such as a variant of those in force under another name.
        """
        # Cached properties live in the instance's dict: what is put there is not worked out again.
        cohort = self.cohort.with_criteria(criteria)
        other = DerivedCohort(cohort, self._keeping.of_another())
        for name in FREE_OF_RULES:
            other.__dict__[name] = getattr(self, name)
        # The rules are at hand: looking them up by name would make every preset once more.
        other.__dict__["criteria"] = criteria
        return other

    def replace(self, **changes: Any) -> DerivedCohort:
        """Another cohort with some tables or settings in the place of its own.

        Parameters
        ----------
        **changes
            Fields of `Cohort`.
        """
        cohort = replace(self.cohort, **changes)
        other = DerivedCohort(cohort, self._keeping.of_another())
        if "settings" not in changes:
            # Scale and rules are named by the settings, and those are the same.
            for name in ("instrument", "criteria"):
                other.__dict__[name] = getattr(self, name)
        return other

    def sharing(self, other: DerivedCohort) -> DerivedCohort:
        """This cohort with everything that was worked out for `other`: the same tables and rules
        under another policy.
        """
        shared = replace(self, _keeping=other._keeping)
        for name in other.__dict__.keys() - {"cohort", "settings", "_keeping"}:
            shared.__dict__[name] = other.__dict__[name]
        return shared

    def apart(self) -> DerivedCohort:
        """This cohort with what it has kept until now; what it keeps from now on is its own."""
        own = self._keeping.apart()
        other = replace(self, _keeping=own)
        other.__dict__.update(self.__dict__ | {"_keeping": own})
        return other

    def of_people(self, chosen: Array) -> DerivedCohort:
        """The cohort that this one would be if only some of its people had come.

        Parameters
        ----------
        chosen : bool, shape (patients,)
            Whose rows stay, in the order of `patients`.

        Examples
        --------
        >>> from kettrack import load_cohort, sample_folder
        >>> clinic = derive(load_cohort(sample_folder()))
        >>> women = clinic.of_people((clinic.patients["sex"] == "female").to_numpy(bool))
        >>> women.patients["sex"].unique().tolist()
        ['female']
        """
        parts = {"patients": self.patients[chosen].reset_index(drop=True)}
        for name in ("sessions", "scores", "events"):
            place = self.cohort.patient_places(name)
            # Place -1 is nobody of the list, and would read the last person's choice.
            kept = (place >= 0) & chosen[place]
            parts[name] = getattr(self, name)[kept].reset_index(drop=True)
        return self.replace(**parts)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What a question works out and asks for again; see `Keeping.once`."""
        return self._keeping.once(key, make)

    def once_for_all(self, key: Hashable, make: Callable[[], T]) -> T:
        """The same under every policy, where that can be; see `Keeping.once_for_all`."""
        return self._keeping.once_for_all(key, make)

    @cached_property
    def _courses(self) -> pd.DataFrame:
        columns = ["patient_id", "day", "order"]
        return derive_courses(self.cohort.columns("sessions", columns))

    @cached_property
    def _first_courses(self) -> pd.DataFrame:
        return first_courses(self._courses, self.patients)

    @cached_property
    def _known_courses(self) -> pd.DataFrame:
        return known_courses(self._first_courses, self.sessions, self.patients)

    @cached_property
    def _care(self) -> pd.DataFrame:
        sessions = self.cohort.columns("sessions", ["patient_id", "day"])
        return care_status(self._first_courses, sessions, self.patients)

    @cached_property
    def _log_ends(self) -> pd.Series:
        return log_ends(self.cohort)

    @cached_property
    def _timeline(self) -> pd.DataFrame:
        return timeline_rows(
            self.scores,
            self.criteria,
            self.bucket,
            self.baselines,
            self.alignment,
            self._courses["course"],
        )

    @cached_property
    def _outcomes(self) -> pd.DataFrame:
        if self.bucket.large:
            # block by block, on every core
            rule = self.settings.baseline
            sign = self.instrument.sign
            scored = outcomes_of(self.bucket, self.criteria, rule, sign)
        else:
            scored = outcome_rows(
                self.bucket, self.criteria, self.baselines, self.event_rows
            )
        dated = merge_event_rows(scored, self.returns)
        return leave_out(dated, self.instrument.name, self._care, self.log_reasons)

    @cached_property
    def _state_events(self) -> pd.DataFrame:
        return state_event_rows(
            self.bucket, self.criteria, self.event_rows, self.returns
        )

    @cached_property
    def _state_segments(self) -> pd.DataFrame:
        outcomes = self._outcomes.set_index("patient_id")
        baseline_day = outcomes.loc[self.rated, "baseline_day"]
        died = death_days(self.cohort)
        return state_segment_rows(self._timeline, baseline_day, self.criteria, died)

    @cached_property
    def _all_sessions(self) -> pd.DataFrame:
        return session_day_rows(
            self.cohort,
            self.criteria,
            self.bucket,
            self.baselines,
            self._first_courses,
            self.log_reasons,
        )


def derive(cohort: Cohort | DerivedCohort) -> DerivedCohort:
    """A cohort with everything that is worked out from it, each part when it is first asked for.

    Ask several questions of the value and the parts they share are worked out once. It speaks of
    the cohort as it is now: whoever changes a table of the cohort derives it again.

    Parameters
    ----------
    cohort : Cohort or DerivedCohort
        From `load_cohort`; a derived cohort comes back as it is.

    Raises
    ------
    UsageError
        For anything else, such as the path of a folder.

    Examples
    --------
    >>> from kettrack import load_cohort, sample_folder
    >>> derived = derive(load_cohort(sample_folder()))
    >>> derive(derived) is derived
    True
    """
    if isinstance(cohort, DerivedCohort):
        return cohort
    if not isinstance(cohort, Cohort):
        raise UsageError(
            f"A cohort is wanted here, not {type(cohort).__name__}: load the folder first, with"
            " kettrack.load_cohort(folder)."
        )
    return DerivedCohort(cohort)
