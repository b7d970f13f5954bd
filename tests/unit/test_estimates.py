"""Every estimate on the sample, on a clinic that recorded almost nothing, and under every policy;
the words it may use.
"""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from sample_answers import derived_sample, sample_answer
from spec.tables import cohort

from kettrack import Cohort, load_cohort, sample_folder
from kettrack.analysis import estimate, registry
from kettrack.analysis.overview import first_page
from kettrack.analysis.registry import asked_as, load_questions, questions
from kettrack.analysis.response.after_course import scores_after_course
from kettrack.analysis.response.exits import CAUSES
from kettrack.analysis.short_answers import summary_text
from kettrack.errors import UsageError
from kettrack.privacy.policies import POLICIES
from kettrack.timelines.derived import derive
from kettrack.vocabulary.columns import TABLES

BANNED = (
    "effect of number of sessions",
    "proved",
    "significant",
    "dose-response",
    "needed",
)


@pytest.fixture(scope="module")
def sample() -> Cohort:
    return load_cohort(sample_folder())


def under(clinic: Cohort, **settings: str) -> Cohort:
    return replace(clinic, settings=replace(clinic.settings, **settings))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", load_questions())
def test_every_estimate_says_something_under_every_policy(name, policy):
    found = sample_answer(name, policy)
    assert found.policy == policy
    assert found.text
    assert "{" not in found.text + repr(found)


@pytest.mark.parametrize("name", load_questions())
def test_one_patient_and_no_optional_file(name):
    clinic = cohort("patient | day | score\n a | -1 | 20\n a | 7 | 9")
    found = estimate(name, clinic)
    assert found.text
    if name.endswith("by_session"):
        assert found.status == "refused"
        assert "observed_to_day" in found.collect


@pytest.mark.parametrize("instrument", ["PHQ-9", "GAD-7", "MADRS", "C-SSRS"])
def test_another_instrument(sample, instrument):
    assert "None" not in summary_text(under(sample, instrument=instrument))


def test_words_that_claim_too_much_are_not_used():
    for name in load_questions():
        found = sample_answer(name)
        said = " ".join([found.text, found.estimand, *found.caveats]).lower()
        assert not [word for word in BANNED if re.search(rf"\b{word}\b", said)]


def test_the_ladder_loses_nobody_in_silence(sample):
    table = sample_answer("ladder").table
    assert table["lost"].sum() == table["left"].iloc[0] - table["left"].iloc[-1]
    assert table["left"].iloc[0] == len(sample.patients)


def test_the_bands_of_the_curve_add_up():
    table = sample_answer("response_by_session").table
    bands = table[["estimate", *CAUSES[1:], "still_in_course"]].sum(axis=1)
    assert bands.tolist() == pytest.approx([100] * len(table))
    # those who left by any cause stay in the count; only the end of a log takes somebody out
    ended_before = table["log_ends"].cumsum().shift(fill_value=0)
    assert (table["n"] - ended_before).min() >= 11


def test_worsening_stands_beside_the_good_news():
    page = " ".join(result.text for result in first_page(derived_sample()))
    assert "had responded" in page
    assert "scored worse than before treatment" in page


def test_after_the_course_the_first_score_of_the_window_counts():
    clinic = cohort(
        """
        patient | day | score
        early   |  -1 | 20
        early   |  20 |  5       # 13 days after the last session
        early   |  21 | 12
        early   |  30 |  4
        edge    |  -1 | 20
        edge    |  38 |  9       # 31 days after
        beyond  |  -1 | 20
        beyond  |  39 |  9
        open    |  -1 | 20
        open    |  21 |  9       # the log ends before day 7 + 31
        """,
        "patient | days\n early | 0 7\n edge | 0 7\n beyond | 0 7\n open | 0 7",
        "patient | observed_to_day\n early | 70\n edge | 70\n beyond | 70\n open | 35",
    )
    table = scores_after_course(derive(clinic)).set_index("patient_id")["score"]
    assert table.dropna().to_dict() == {"early": 12, "edge": 9}
    assert set(table.index) == {"early", "edge", "beyond"}


def test_an_unknown_estimate_is_an_error_that_lists_the_known(sample):
    with pytest.raises(UsageError, match="response_by_session"):
        estimate("respons", sample)


# ---- one question named in the answer to another


def _names_in(text: str) -> list[str]:
    """Names of questions that a reader meets; a column may have the name of a question."""
    columns = {column for table in TABLES.values() for column in table.names}
    there = [name for name in load_questions() if name not in columns]
    spaced = "|".join(name for name in there if "_" in name)
    return re.findall(rf"\b(?:{spaced})\b|`(?:{'|'.join(there)})`", text)


def test_an_answer_names_other_questions_by_their_words():
    for name in load_questions():
        found = sample_answer(name)
        said = [found.text, found.estimand, found.reason, found.collect]
        assert _names_in(" ".join([*said, *found.caveats])) == [], name


def test_no_sentence_of_any_answer_holds_the_name_of_a_question():
    rooms = Path(registry.__file__).parent
    for module in rooms.rglob("*.py"):
        for text in _prose(module):
            assert _names_in(text) == [], f"{module.name}: {text}"


def _prose(module: Path) -> list[str]:
    """What a module can say to a reader: no docstrings, and no errors of who calls it."""
    tree = ast.parse(module.read_text(encoding="utf-8"))
    passed_over = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) or _is_usage_error(node):
            passed_over |= {id(part) for part in ast.walk(node)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and id(node) not in passed_over
        # a name by itself is no sentence
        if isinstance(node.value, str) and " " in node.value.strip()
    ]


def _is_usage_error(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "UsageError"
    )


def test_questions_are_found_by_their_words():
    there = questions()
    assert there["asks"].is_unique
    named = asked_as("worsening_by_week").strip('"')
    assert there.set_index("asks").loc[named, "name"] == "worsening_by_week"
