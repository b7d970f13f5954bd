"""What stands over the columns of a table on a page: a program knows them by a short name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Column of a value -> how the columns of its ends begin; by default as the value is called. The
# ends named like a count are no interval of it.
ENDS_OF: Final = {
    "estimate": "ci",
    "people share": "people",
    "median day": "median",
    "silent": "no interval",
}
# Units that are percentages by another name.
SHARES: Final = {
    "per 100 sessions": "percent of sessions",
    "%": "percent",
    "% of all": "percent of all",
}
OF_EACH_ROW: Final = "as named in each row"
# Units that would say nothing over a column.
UNITS: Final = {
    "": "value",
    OF_EACH_ROW: "value",
    "patients": "value",
    "people": "value",
    "rows": "value",
    "scores": "value",
}
# Percentages less percentages.
DIFFERENCES: Final = ("difference", "adjusted", "shrunken", "interaction")
# Columns that hold the names of columns of a file.
NAMES: Final = ("column",)
HEADS: Final = {
    "mean, sd": "mean (SD)",
    "analysable share": "analysable",
    "key": "about",
    "sd": "SD",
    "n": "N",
    "q05": "5 % lie below",
    "q10": "10 % lie below",
    "q25": "lower quartile",
    "q75": "upper quartile",
    "q90": "90 % lie below",
    "q95": "95 % lie below",
    "ess": "effective number of people",
    "effective": "effective number of people",
    "auc": "area under the curve",
    "null": "if sessions did nothing",
    "null confirmed": "confirmed, if sessions did nothing",
    "at most": "at most, if everybody not scored had",
    "confirmed": "confirmed by a second score",
    "estimand": "what is counted",
    "landmark": "after session",
    "stratum": "people",
    "axis": "counted by",
    "strategy": "how missing scores count",
    "composite": "not scored counts as not better",
    "imputed": "missing scores imputed",
    "best": "at best",
    "worst": "at worst",
    "horizon": "when",
    "retreated": "came again",
    "censored": "log ended",
    "silent": "of these, no longer scored",
    "silent low": "if all of them had lost it",
    "silent high": "if none of them had",
    "single": "by one score alone",
    "single null": "by one score, if sessions did nothing",
    "soon": "within two more sessions",
    "soon null": "within two, if sessions did nothing",
    "median day": "median, days",
    "lost first": "lost first",
    "again first": "came again first",
    "people share": "people with it",
    "people with": "people with it",
    "special": "of special interest",
    "term": "term",
    "unrecorded": "sessions unrecorded",
    "low 95": "95 % limit, low",
    "high 95": "95 % limit, high",
    "low 998": "99.8 % limit, low",
    "high 998": "99.8 % limit, high",
    "joint low": "all differences at once, from",
    "joint high": "all differences at once, to",
    "chance": "chance, one look, %",
    "chance all": "chance, all looks, %",
    "chance bent": "chance, bent line, %",
    "shrunken": "shrunken difference",
    "interaction": "apart from the first group",
    "adjusted": "at equal other characteristics",
    "trials": "decisions",
    "most apart": "furthest apart in",
    "apart before": "apart before weighting, SD",
    "apart after": "apart after weighting, SD",
    "base rate": "with a response",
    "brier": "Brier score",
    "brier base": "Brier score of one forecast for all",
    "bias error": "error of the bias",
    "holds": "interval holds the truth, %",
    "tells": "interval leaves out 0, %",
    "refused": "refused, %",
    "if none": "if none of the others",
    "if all": "if all of the others",
    "could": "could meet the rule",
    "percent change": "change, %",
    "dose mg": "dose, mg",
    "from day": "from day",
    "person days": "person-days",
    "person years": "person-years",
    "followed days": "median days followed",
    "p": "p",
}
# Question -> its columns that mean something else there than elsewhere.
HEADS_OF: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "response_by_session_by_severity": {"at": "session", "events": "responded"},
        "response_by_session_by_early_response": {
            "at": "session",
            "events": "responded",
        },
        "durability_by_severity": {"at": "day", "events": "lost"},
        "session_gaps": {"estimate": "median days"},
        "maintenance": {"estimate": "losses per 100 person-weeks, or hazard ratio"},
        "session_intervals": {"estimate": "median days"},
        "dissociation_over_sessions": {"estimate": "mean, points"},
        "session_duration": {"estimate": "mean, minutes"},
        "trajectories": {"at": "session or week", "estimate": "mean score, points"},
        "sessions_by_number": {"at": "baseline"},
        "state_after_course": {"key": "state", "eligible": "could be scored"},
        "among_scored": {"key": "score and state", "eligible": "started"},
        "response_if_all_continued": {
            "plain": "plain curve, as if stopping said nothing",
            "observed": "as things happened",
        },
        "prognosis": {"estimate": "better than one forecast for all by"},
        "prognosis_curves": {"at": "forecast, %"},
        "expected_course": {"estimate": "median, points"},
    }
)
