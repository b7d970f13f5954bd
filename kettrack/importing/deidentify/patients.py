"""What the patients table may keep: an age in place of a date of birth, days in place of dates."""

from __future__ import annotations

from datetime import date
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from kettrack.arrays import Bools, Floats, Ints
from kettrack.importing.deidentify.days import (
    FAR_FROM_FIRST,
    NO_CLOCK,
    Clocks,
    unix_days,
)
from kettrack.importing.deidentify.options import ArrowTables, Deidentification
from kettrack.importing.remarks import ColumnPlace, Remarks
from kettrack.importing.source import (
    BIRTH_DATE,
    SOURCE_FILE,
    SOURCE_ROW,
    SOURCE_TABLE,
)
from kettrack.vocabulary.columns import AGE_CAP, DEATHS, EARLIEST_DAY, LATEST_DAY
from kettrack.vocabulary.days import DAYS_IN_WEEK

_ID: Final = "patient_id"
_AGE: Final = "age"
_OBSERVED: Final = "observed_to_day"
_START_YEAR: Final = "start_year"
_DAY_COLUMNS: Final = (_OBSERVED, "last_contact_day", "stop_day")
_UNIX_DAY_0: Final = date(1970, 1, 1)
_OLDEST: Final = 120
_NO_AGE: Final = "the patient has no session with a date, so that no age can be told"
_UNBORN: Final = "the date of birth lies after the patient's first session"
_TOO_OLD: Final = f"the date of birth makes the patient older than {_OLDEST}"
_CAPPED: Final = f"ages over {AGE_CAP - 1} become one class, {AGE_CAP}+"


def finish_patients(
    tables: ArrowTables,
    clocks: Clocks,
    how: Deidentification,
    remarks: Remarks,
) -> pa.Table | None:
    """Make the patients table what a cohort folder may hold.

    Parameters
    ----------
    tables : mapping
        With codes; the other tables have days by now.
    clocks : Clocks
        The first sessions.
    how : Deidentification
        The date of the extract, and whether years are kept.
    remarks : Remarks
        Takes what was refused or mended.

    Returns
    -------
    pyarrow.Table or None
        None where there is no table and nothing to put into one.
    """
    patients = tables.get("patients")
    if how.extract_date is not None or how.start_year:
        patients = _with_everyone(patients, clocks)
    if patients is None:
        return None
    first = clocks.of_rows(patients)
    for column in _DAY_COLUMNS:
        patients = _on_own_clock(patients, column, first, remarks)
    deaths = _deaths(tables.get("events"), patients)
    patients = _observed(patients, first, deaths, how)
    patients = _aged(patients, first, remarks)
    return _with_year(patients, first) if how.start_year else patients


def _with_everyone(
    patients: pa.Table | None,
    clocks: Clocks,
) -> pa.Table:
    """Add a row for each patient with a session whom the table does not know."""
    treated = clocks.codes.filter(pa.array(np.isfinite(clocks.first)))
    if patients is None:
        return _rows_of_nowhere(treated)
    unknown = pc.invert(pc.is_in(treated, pc.unique(patients[_ID])))
    added = _rows_of_nowhere(treated.filter(unknown))
    return pa.concat_tables([patients, added], promote_options="default")


def _rows_of_nowhere(codes: pa.Array) -> pa.Table:
    """Rows that stand in no source."""
    return pa.table(
        {
            _ID: codes,
            SOURCE_FILE: pa.nulls(len(codes), pa.string()),
            SOURCE_TABLE: pa.nulls(len(codes), pa.string()),
            SOURCE_ROW: pa.nulls(len(codes), pa.int64()),
        }
    )


def _on_own_clock(
    patients: pa.Table,
    column: str,
    first: Floats,
    remarks: Remarks,
) -> pa.Table:
    """Turn dates of a column into days; days stay as they are."""
    if column not in patients.column_names:
        return patients
    days = unix_days(patients[column])
    if pa.types.is_date32(patients.schema.field(column).type):
        lost = np.isfinite(days) & np.isnan(first)
        _refuse_cells(patients, column, lost, NO_CLOCK, remarks)
        days = days - first
        far = (days < EARLIEST_DAY) | (days > LATEST_DAY)
        _refuse_cells(patients, column, far, FAR_FROM_FIRST, remarks)
        days = np.where(far, np.nan, days)
    return _with_numbers(patients, column, days)


def _deaths(
    events: pa.Table | None,
    patients: pa.Table,
) -> Floats:
    """The day of the death of the patient of each row; NaN for the living."""
    days = np.full(len(patients), np.nan)
    if events is None or "event" not in events.column_names:
        return days
    # The first one counts where two rows tell of it.
    deaths = events.filter(pc.is_in(events["event"], pa.array(DEATHS)))
    places = pc.index_in(patients[_ID], deaths[_ID].combine_chunks())
    found = pc.fill_null(places.combine_chunks(), -1).to_numpy()
    # Place -1 takes the entry appended: no death.
    return np.append(unix_days(deaths["day"]), np.nan)[found]


def _observed(
    patients: pa.Table,
    first: Floats,
    deaths: Floats,
    how: Deidentification,
) -> pa.Table:
    """Fill `observed_to_day` from the date of the extract, in whole weeks: the exact day would tell
    the date of the first session to whoever knows that of the extract.
    """
    days = np.full(len(patients), np.nan)
    if _OBSERVED in patients.column_names:
        days = unix_days(patients[_OBSERVED])
    elif how.extract_date is None:
        return patients
    if how.extract_date is not None:
        extract = (how.extract_date - _UNIX_DAY_0).days
        # A log goes no further than to a death.
        days = np.where(
            np.isnan(days),
            np.fmin(extract - first, deaths),
            days,
        )
    weeks = np.floor(days / DAYS_IN_WEEK) * DAYS_IN_WEEK
    return _with_numbers(patients, _OBSERVED, weeks)


def _aged(
    patients: pa.Table,
    first: Floats,
    remarks: Remarks,
) -> pa.Table:
    """Put the age at the first session in the place of the date of birth."""
    if BIRTH_DATE not in patients.column_names:
        return patients
    born = unix_days(patients[BIRTH_DATE])
    ages = _whole_years(born, first)
    wrong = {
        _NO_AGE: np.isfinite(born) & np.isnan(first),
        _UNBORN: ages < 0,
        _TOO_OLD: ages > _OLDEST,
    }
    for reason, hit in wrong.items():
        _refuse_cells(patients, BIRTH_DATE, hit, reason, remarks)
        ages = np.where(hit, np.nan, ages)
    capped = ages > AGE_CAP - 1
    n_capped = int(capped.sum())
    remarks.column(_place(patients, BIRTH_DATE), "mended", _CAPPED, n_capped)
    ages = np.where(capped, AGE_CAP, ages)
    if _AGE in patients.column_names:
        # An age that stands in the source is the one that was written down then.
        given = unix_days(patients[_AGE])
        ages = np.where(np.isnan(given), ages, given)
    return _with_numbers(patients, _AGE, ages).drop_columns([BIRTH_DATE])


def _whole_years(
    born: Floats,
    day: Floats,
) -> Floats:
    """Birthdays from a date of birth to a day; NaN where one of them is not known."""
    # Only known dates have a year.
    known = np.isfinite(born) & np.isfinite(day)
    years = np.full(len(born), np.nan)
    birth_year, birthday = _year_and_day(born[known])
    this_year, this_day = _year_and_day(day[known])
    years[known] = this_year - birth_year - (this_day < birthday)
    return years


def _year_and_day(
    days: Floats,
) -> tuple[Ints, Ints]:
    """The calendar year, and the place in it as month and day (1231 is its last)."""
    dates = pa.array(days.astype(np.int32)).cast(pa.date32())
    within = pc.add(
        pc.multiply(pc.month(dates), 100),
        pc.day(dates),
    )
    return pc.year(dates).to_numpy(), within.to_numpy()


def _with_year(
    patients: pa.Table,
    first: Floats,
) -> pa.Table:
    """Fill `start_year`."""
    known = np.isfinite(first)
    years = np.full(len(first), np.nan)
    years[known] = _year_and_day(first[known])[0]
    return _with_numbers(patients, _START_YEAR, years)


def _with_numbers(
    table: pa.Table,
    column: str,
    numbers: Floats,
) -> pa.Table:
    """Put whole numbers into a column; NaN becomes empty."""
    # Arrow has no whole number for NaN, so these cells get a 0 that the mask hides.
    unknown = np.isnan(numbers)
    whole = np.where(unknown, 0, numbers).astype(np.int64)
    cells = pa.array(whole, mask=unknown)
    if column not in table.column_names:
        return table.append_column(column, cells)
    return table.set_column(table.column_names.index(column), column, cells)


def _place(
    patients: pa.Table,
    column: str,
) -> ColumnPlace:
    """Where the patients stand: most often in one table of one file."""
    files = pc.unique(patients[SOURCE_FILE]).drop_null().to_pylist()
    names = pc.unique(patients[SOURCE_TABLE]).drop_null().to_pylist()
    rows = patients[SOURCE_ROW].combine_chunks()
    return ColumnPlace(
        file=files[0] if len(files) == 1 else "",
        table=names[0] if len(names) == 1 else "",
        column=column,
        rows=rows,
    )


def _refuse_cells(
    patients: pa.Table,
    column: str,
    hit: Bools,
    reason: str,
    remarks: Remarks,
) -> None:
    """Say of cells that they are refused."""
    remarks.cells(_place(patients, column), pa.array(hit), "refused", reason)
