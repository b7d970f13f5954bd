"""What a cohort folder's `kettrack.toml` may say, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from kettrack.vocabulary.instrument import Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.rules import Criteria
from kettrack.vocabulary.status_words import OwnStatus

SETTINGS_FILE: Final = "kettrack.toml"
# Words of the file and the command line; `reading.settings_schema` checks them.
BaselineRule = Literal["last", "mean", "worst"]
DuplicateRule = Literal["last", "first", "worst", "mean"]
LogEndRule = Literal["observed_to_day", "last session or score of each patient"]
# A choice for folders without `observed_to_day`; every output that it touches names it.
LAST_ROW: Final[LogEndRule] = "last session or score of each patient"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Command line over `kettrack.toml` over these defaults.

    Parameters
    ----------
    instrument : str
        The primary instrument.
    criteria : str
        Name of the rules for it: `convention` or a preset.
    baseline : {"last", "mean", "worst"}
        Which score of the baseline window, the days up to the first session
        (`vocabulary.days.BASELINE_WINDOW_DAYS`), is the baseline.
    duplicates : {"last", "first", "worst", "mean"}
        Which of several different scores for one patient, instrument, day and timing is kept.
    log_complete_to : {"observed_to_day", "last session or score of each patient"}
        To which day a log is taken to be complete where `observed_to_day` is missing: to none, or
        to the last session or score of that patient.
    policy : str
        Disclosure policy of everything printed.
    withheld : tuple of str
        Numbers that may not stand beside the others of the same report; set by `kettrack report`
        alone, and no key of the file.
    currency : str
        Of `cost`.
    extract : str
        Free text naming the data cut-off, printed in the report.
    crisis_line : str
        Whom patients can call at any hour, printed on the handout.
    columns : mapping
        Table name to {contract name: name in the source}; the key `""` holds those for every table.
    scores_of : str
        The instrument of a table of scores without the column `instrument`: the one that
        `kettrack.toml` names. Empty where it names none.
    status : OwnStatus
        What the words in status columns mean, from `[status]`.
    user_instruments, user_criteria : tuple
        Defined in `[instruments.X]` and `[criteria.X]`, marked *user* in every output.
    """

    instrument: str = "PHQ-9"
    criteria: str = "convention"
    baseline: BaselineRule = "last"
    duplicates: DuplicateRule = "last"
    log_complete_to: LogEndRule = "observed_to_day"
    policy: str = "internal"
    withheld: tuple[str, ...] = ()
    currency: str = ""
    extract: str = ""
    crisis_line: str = ""
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    scores_of: str = ""
    status: OwnStatus = field(default_factory=OwnStatus)
    user_instruments: tuple[Instrument, ...] = ()
    user_criteria: tuple[Criteria, ...] = ()

    @property
    def known_instruments(self) -> dict[str, Instrument]:
        """Name to instrument: the built-in ones and the user's."""
        # `kettrack.toml` cannot take a built-in name, so it replaces nothing here.
        return INSTRUMENTS | {scale.name: scale for scale in self.user_instruments}
