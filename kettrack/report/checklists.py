"""Checklists of reporting guidelines, filled where kettrack knows the answer: STROBE (von Elm and
others 2007) with RECORD (Benchimol and others 2015), and TARGET (Cashin and others 2025). What an
item asks stands here in kettrack's own words; a journal wants the original form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kettrack import __version__
from kettrack.report.paper_tables import PaperRow, PaperTable
from kettrack.result import Result
from kettrack.timelines.derived import DerivedCohort

AUTHORS: Final = "for the authors"
_COLUMNS: Final = ("Item", "What it asks", "What this analysis says")
_OWN_WORDS: Final = (
    "The items are told in words of kettrack's own. Use the original form of the guideline for a"
    " journal, and check every answer: kettrack knows the files, not the clinic."
)
_STROBE: Final = (
    ("1", "Design in title and abstract; balanced summary"),
    ("RECORD 1.1-1.3", "Kind of data, region and time, linkage, in title or abstract"),
    ("2, 3", "Background, and objectives with hypotheses set before"),
    ("4", "Design"),
    ("5", "Setting, places, dates of recruitment and follow-up"),
    ("6", "Who was eligible, from where, how followed"),
    ("RECORD 6.1-6.3", "How people were chosen, codes, validation, linkage"),
    ("7", "Outcomes, exposures, confounders, with definitions"),
    ("RECORD 7.1", "Complete list of codes and algorithms"),
    ("8", "Source and method of each measurement"),
    ("9", "Efforts against bias"),
    ("10", "How the study size came about"),
    ("11", "How numbers were handled and grouped"),
    ("12", "Statistical methods, missing data, loss to follow-up, sensitivity"),
    ("RECORD 12.1-12.3", "Access to the data, cleaning, linkage"),
    ("13, RECORD 13.1", "Numbers at each stage, with reasons; a flow diagram"),
    ("14", "Characteristics, missing values, time of follow-up"),
    ("15", "Numbers of outcome events over time"),
    ("16", "Estimates with precision, crude and adjusted"),
    ("17", "Other analyses"),
    ("18-21", "Key results, limitations, interpretation, generalisability"),
    ("RECORD 19.1", "What it means that the data were not made for this question"),
    ("22", "Funding"),
    ("RECORD 22.1", "Access to protocol, data, code"),
)
_TARGET: Final = (
    ("1-4", "Abstract, background, causal question, why a trial is emulated"),
    ("5", "Data sources: purpose, place, time"),
    ("6a, 7a", "Eligibility: in the trial, and in these data"),
    ("6b, 7b", "Treatment strategies"),
    ("6c, 7c", "Assignment"),
    ("6d, 7d", "Start and end of follow-up"),
    ("6e, 7e", "Outcomes: how and when measured"),
    ("6f, 7f", "Causal contrasts and effect measures"),
    ("6g, 7g", "Assumptions, and the variables behind them"),
    ("6h, 7h(i)", "Analysis, models, missing data"),
    ("7h(ii)", "Sensitivity analyses"),
    ("8", "Numbers assessed, eligible, and in each strategy"),
    ("9, 11, 12", "Baseline data, missing data and outcomes by strategy"),
    ("10", "Length of follow-up, and why it ended"),
    ("13", "Effect estimates with precision"),
    ("14", "Results of the sensitivity analyses"),
    ("15, 16", "Interpretation and limitations"),
    ("17, 18, 20, 21", "Ethics, registration, funding, conflicts of interest"),
    ("19", "Sharing of data and code"),
)
_CODE: Final = (
    f"All numbers come from kettrack {__version__}, which is open source, run on the files named"
    " under Software."
)


def strobe_and_record(
    found: Mapping[str, Result],
    cohort: DerivedCohort,
) -> PaperTable:
    """The checklist of an observational study of routine data.

    Parameters
    ----------
    found : mapping
        Name to result, of those that the tables of a paper need.
    cohort : DerivedCohort
        Of which they were asked.
    """
    # Every item that is not here is left to the authors.
    extract = cohort.settings.extract
    said = {
        "4": (
            "Cohort from the routine logs of a clinic, each person followed from the first session."
        ),
        "5": f"Extract: {extract}. Places and dates: {AUTHORS}." if extract else "",
        "6": f"Everyone with a session in the log. {found['ladder'].text}",
        "RECORD 6.1-6.3": (
            "No codes and no linkage: everyone with a session in the log. Reasons: Table 4."
        ),
        "7": "See Scale and rules, and What the numbers are about.",
        "RECORD 7.1": (
            f"Rules {cohort.criteria.label}, hash {cohort.criteria.hash}; every rule is a value"
            " with its source in the code."
        ),
        "8": f"Scores of the {cohort.instrument.name} and sessions as the clinic logged them.",
        "9": (
            "People who stopped or were not scored stay in the denominator. Scores are counted from"
            " the baseline before the first session. What depends on who stops is told apart."
        ),
        "10": "Everyone in the log; no size was planned.",
        "11": "Change in points and in % of the baseline. Severity by the bands of the scale.",
        "12": "See Missing scores and people who stop, One more session, and Uncertainty.",
        "RECORD 12.1-12.3": (
            "Rows that were left out or changed are counted by `kettrack check`. No linkage."
        ),
        "13, RECORD 13.1": "Table 4.",
        "14": "Table 1, with the number of people who have each value.",
        "15": "Tables 2 and 3.",
        "16": "Table 2. The only adjusted estimate is that of one more session.",
        "17": "See the chapters of the report.",
        "RECORD 19.1": (
            "Scores were taken when people came, so who is scored depends on how they are. The log"
            " does not say why people stop unless the clinic wrote it down."
        ),
        "RECORD 22.1": _CODE,
    }
    return _checklist("STROBE", "STROBE with RECORD", _STROBE, said)


def target(result: Result) -> PaperTable:
    """The checklist of an emulated trial: one more session against a pause.

    Parameters
    ----------
    result : Result
        Of the question `next_session`.
    """
    if result.status == "refused":
        return PaperTable(
            name="TARGET",
            title="TARGET 2025",
            columns=_COLUMNS,
            rows=(),
            notes=(f"No trial was emulated. {result.text}",),
        )
    said = {
        "5": "See Data.",
        "6a, 7a": _caveat(result, "A decision counts"),
        "6b, 7b": result.estimand,
        "6c, 7c": (
            "In the trial, chance decides after each session. In these data the clinic and the"
            " person decide; people with the same history are taken as alike."
        ),
        "6d, 7d": (
            "Both begin on the day of a session, when the decision is open. "
            + _caveat(result, "After the grace")
        ),
        "6e, 7e": _caveat(result, "", holds="The outcome is"),
        "6f, 7f": f"A mean difference in points. {result.estimand}",
        "6g, 7g": _caveat(result, "The answer assumes"),
        "6h, 7h(i)": _caveat(result, "The method is"),
        "7h(ii)": (
            "Without any adjustment, without weights, and with people of no score worse than"
            " similar people: rows of `next_session`. Clinics in which sessions do nothing:"
            " `calibration`."
        ),
        "8": "Rows of `next_session`: decisions, people, and what was left out and why.",
        "13": result.text,
        "14": "Rows of `next_session`, and `sessions_and_change` beside it.",
        "15, 16": (
            f"An association unless every reason to stop was recorded. The rest is {AUTHORS}."
        ),
        "19": _CODE,
    }
    title = "TARGET 2025, for one more session against a pause"
    return _checklist("TARGET", title, _TARGET, said)


def _checklist(
    name: str,
    title: str,
    items: tuple[tuple[str, str], ...],
    said: Mapping[str, str],
) -> PaperTable:
    rows = [PaperRow((item, asks, said.get(item) or AUTHORS)) for item, asks in items]
    return PaperTable(
        name=name,
        title=title,
        columns=_COLUMNS,
        rows=tuple(rows),
        notes=(_OWN_WORDS,),
    )


def _caveat(result: Result, begins: str, holds: str = "") -> str:
    """The caveat that tells one thing; where the question words it anew, the place to look."""
    told = [
        caveat
        for caveat in result.caveats
        if caveat.startswith(begins) and holds in caveat
    ]
    return told[0] if told else "See One more session."
