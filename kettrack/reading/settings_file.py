"""`kettrack.toml` to `Settings`: an unknown key is an error; a user's own instruments and criteria
become the same frozen values as the built-in ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from kettrack.errors import DataProblems, UsageError, WrongArgument
from kettrack.privacy.identifying_text import HOW_TO_NAME_DATA, reason_in_text
from kettrack.reading.own_scales import own_scales
from kettrack.reading.own_status import own_status
from kettrack.reading.problems import Ledger, did_you_mean
from kettrack.reading.rule_sense import (
    published_name,
    senseless_rules,
)
from kettrack.reading.scale_names import scale_meant
from kettrack.reading.settings_schema import (
    CriteriaTable,
    Place,
    ReviewTable,
    RuleTable,
    SettingsTable,
    given,
    read_table,
)
from kettrack.reading.toml_file import read_toml
from kettrack.settings import SETTINGS_FILE, Settings
from kettrack.vocabulary.columns import TABLES
from kettrack.vocabulary.criteria import convention
from kettrack.vocabulary.instrument import Fact, Instrument
from kettrack.vocabulary.instruments import INSTRUMENTS
from kettrack.vocabulary.rules import Criteria, Predicate, ReviewRules, Rule, Run

_Content = Mapping[str, Any]
_Scales = Mapping[str, Instrument]
# Keys of what is meant to be public: a telephone number there is nobody's own.
_PUBLIC: Final = ("crisis_line",)
# Keys that name where a number was published.
_PUBLICATIONS: Final = ("source", "licence")
_RUN_PARTS: Final = tuple(field.name for field in fields(Run))


_WHERE_COLUMNS_ARE: Final = (
    "; all columns stand in the data_dictionary.md that kettrack simulate writes"
)


def load_settings(path: str | Path) -> Settings:
    """Read a `kettrack.toml`.

    Parameters
    ----------
    path : str or Path
        Keys: `instrument`, `criteria`, `baseline`, `duplicates`, `log_complete_to`, `policy`,
        `currency`, `extract`, `crisis_line`; tables: `[columns]` and `[columns.scores]` (contract
        name = name in the source), `[instruments.X]`, `[criteria.X]`, `[status]` (word =
        "observed" or "not observed"). With a `[criteria.X]` table the name of the
        criteria in force is `use` in `[criteria]`, since TOML gives a key one meaning only.

    Returns
    -------
    Settings
        Defaults where nothing is said; user-defined instruments and criteria are marked `user`.

    Raises
    ------
    DataProblems
        Carries every unknown key and every value that cannot be.
    UsageError
        When there is no such file.
    """
    if not isinstance(path, (str, Path)):
        raise WrongArgument("load_settings", f"the path of a {SETTINGS_FILE}", path)
    if not Path(path).is_file():
        raise UsageError(f"There is no settings file {str(path)!r}.")
    ledger = Ledger()
    settings = read_settings(Path(path), ledger)
    if settings is None or ledger.problems:
        raise DataProblems(ledger.in_order())
    return settings


def read_settings(
    path: Path,
    ledger: Ledger,
) -> Settings | None:
    """Read a settings file into what of it can be used; the rest goes to the ledger. None where it
    is no TOML at all.

    Parameters
    ----------
    path : Path
        The file.
    ledger : Ledger
        Takes every unknown key and every value that cannot be.
    """
    file = read_toml(path, ledger)
    return None if file is None else _settings(file.content, file.top)


def _settings(
    content: _Content,
    place: Place,
) -> Settings:
    _report_identifying_words(content, place)
    table = read_table(content, SettingsTable, place, keep_what_fits=True)
    # Settings that fit are used even so: the tables are then checked under the right names.
    values = given(table) if table else {}
    columns = values.pop("columns", {})
    values["columns"] = _columns(columns, place.at("columns"))
    tables = values.pop("instruments", {})
    instruments = own_scales(tables, place.at("instruments"))
    values["user_instruments"] = instruments
    values["scores_of"] = values.get("instrument", "")
    values["status"] = own_status(values.pop("status", {}), place.at("status"))
    # `criteria` is a name, or a table of criteria with the name in its key `use`.
    if isinstance(values.get("criteria"), dict):
        own = dict(values.pop("criteria"))
        here = place.at("criteria")
        values |= _criteria_in_force(own, here)
        known = INSTRUMENTS | {scale.name: scale for scale in instruments}
        values["user_criteria"] = _all_criteria(own, known, here)
    return Settings(**values)


def _report_identifying_words(content: _Content, place: Place) -> None:
    """Report every text and every name in the file that could identify somebody."""
    for key, value in content.items():
        here = place.at(key)
        reason = reason_in_text(key)
        # Names of columns are judged with their columns.
        if isinstance(value, dict) and key != "columns":
            _report_identifying_words(value, here)
        elif isinstance(value, str) and not reason and key not in _PUBLIC:
            reason = reason_in_text(value, publication=key in _PUBLICATIONS)
        if reason:
            here.problem(f"this looks like {reason}; {HOW_TO_NAME_DATA}")


def _criteria_in_force(
    bundles: dict[str, Any],
    place: Place,
) -> dict[str, str]:
    """Take `use` out of `[criteria]`; nothing where it is not said."""
    if "use" not in bundles:
        return {}
    name = bundles.pop("use")
    if isinstance(name, str):
        return {"criteria": name}
    place.at("use").problem("the name of the criteria in force, in quotation marks")
    return {}


def _columns(
    content: _Content,
    place: Place,
) -> dict[str, dict[str, str]]:
    """Table name to what its columns are called in the source; `""` for all tables."""
    general = {}
    read = {}
    for name, source in content.items():
        if not isinstance(source, dict):
            general[name] = source
        # A table inside [columns] is one of ours; a text is a column for all tables.
        elif name in TABLES:
            known = set(TABLES[name].names)
            read[name] = _renames(source, known, place.at(name))
        else:
            there_are = f"; there are: {', '.join(TABLES)}"
            hint = did_you_mean(name, TABLES) or there_are
            place.at(name).problem(f"no such table{hint}")
    everywhere = {name for table in TABLES.values() for name in table.names}
    read[""] = _renames(general, everywhere, place)
    return {name: renames for name, renames in read.items() if renames}


def _renames(
    content: Mapping[str, object],
    known: set[str],
    place: Place,
) -> dict[str, str]:
    good = {}
    for name, source in content.items():
        if name not in known:
            hint = did_you_mean(name, known) or _WHERE_COLUMNS_ARE
            place.at(name).problem(f"no such column{hint}")
        elif not isinstance(source, str) or not source.strip():
            expected = "the column's name in the source, in quotation marks"
            place.at(name).problem(expected)
        else:
            good[name] = source.strip()
    return good


def _all_criteria(
    content: _Content,
    known: _Scales,
    place: Place,
) -> tuple[Criteria, ...]:
    # Names differ by more than capital letters, so that `--criteria` finds one.
    names = [name.strip().casefold() for name in content]
    made = []
    for name, table in content.items():
        here = place.at(name)
        plain = name.strip().casefold()
        if not plain or names.count(plain) > 1:
            here.problem("a name that is not empty and stands once")
        criteria = _criteria(name, table, known, here)
        if criteria is not None:
            made.append(criteria)
    return tuple(made)


def _criteria(
    name: str,
    content: object,
    known: _Scales,
    place: Place,
) -> Criteria | None:
    """A user's criteria: what is not said is as in kettrack's convention for the instrument. None
    when something was wrong.
    """
    table = read_table(content, CriteriaTable, place)
    if table is None:
        return None
    # A published name must stay what its publication says, and the default what ours say.
    if published_name(name):
        place.problem("choose another name: built-in rules have this one")
        return None
    instrument = known.get(table.instrument)
    if instrument is None:
        hint = scale_meant(table.instrument, known)
        place.at("instrument").problem(f"one of: {', '.join(known)}; {hint}")
        return None
    criteria = _built_criteria(name, table, instrument)
    written = given(table)
    wrong = _contradictions_of_rules(table, instrument)
    wrong = senseless_rules(criteria, instrument) | wrong
    for key, expected in wrong.items():
        rule = key.partition(".")[0]
        # A rule that was not written here comes from the convention: it is told at the table.
        if rule in written:
            place.at(*key.split(".")).problem(expected)
        else:
            place.problem(
                f"{rule} of its own, or {rule} = false: the convention's does not fit. Expected:"
                f" {expected}"
            )
    return None if wrong else criteria


def _contradictions_of_rules(
    table: CriteriaTable,
    instrument: Instrument,
) -> dict[str, str]:
    """Keys of criteria that contradict the instrument or another key, with what was expected."""
    values = given(table)
    low = instrument.minimum
    high = instrument.maximum
    wrong = {}
    if not low <= values.get("caseness", low) <= high:
        expected = f"within the range of {instrument.name}, {low:g} to {high:g}"
        wrong["caseness"] = expected
    for key, rule in values.items():
        if isinstance(rule, RuleTable):
            run = _run(rule)
            # Such a rule could never be met.
            if run.min_gap > run.max_gap:
                wrong[f"{key}.max_gap"] = (
                    "not below min_gap; as written, no score could ever confirm another"
                )
    return wrong


def _built_criteria(
    name: str,
    table: CriteriaTable,
    instrument: Instrument,
) -> Criteria:
    values = given(table)
    # `convention(instrument)` below brings the instrument along.
    del values["instrument"]
    source = values.pop("source", SETTINGS_FILE)
    values.setdefault("version", "1")
    if "caseness" in values:
        values["caseness"] = Fact(values["caseness"], source, "user")
    for key, value in values.items():
        if isinstance(value, RuleTable):
            values[key] = _rule(value, source)
        elif isinstance(value, ReviewTable):
            values[key] = ReviewRules(**given(value))
    return replace(
        convention(instrument), name=name, source=source, standing="user", **values
    )


def _rule(
    table: RuleTable,
    source: str,
) -> Rule:
    return Rule(
        predicate=Predicate(table.measure, table.operator, table.limit),
        run=_run(table),
        source=table.source or source,
        standing="user",
        event_rows=tuple(table.event_rows or ()),
    )


def _run(table: RuleTable) -> Run:
    values = given(table)
    parts = {part: values[part] for part in _RUN_PARTS if part in values}
    return Run(**parts)
