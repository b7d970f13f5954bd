"""An answer as a frame, as a table of a journal, as a figure and as a citation; and what a cohort
says of itself.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pandas as pd
import pytest
from matplotlib import pyplot as plt
from sample_answers import derived_sample, sample_answer

import kettrack as kt
from kettrack import showing
from kettrack.errors import UsageError
from kettrack.figures.by_question import _OTHER_NAME, figure_of
from kettrack.result import Result


def test_a_frame_is_a_copy_that_says_what_it_is() -> None:
    result = sample_answer("worsening")
    frame = result.to_frame()
    assert frame.equals(result.table)
    assert frame.attrs["estimand"] == result.estimand
    frame["n"] = 0
    assert (result.table["n"] > 0).any()


def test_a_table_of_a_journal_has_intervals_scopes_and_what_it_is_about() -> None:
    result = sample_answer("worsening")
    page = result.to_great_table().as_raw_html()
    first = result.table.iloc[0]
    ends = f"{first.estimate:.1f} ({first.ci_low:.1f} to {first.ci_high:.1f})"
    assert ends in page
    assert "estimate (95 % interval)" in page
    # 0 of 7 has an upper end too.
    assert "0.0 (0.0 to 30.8)" in page
    assert 'scope="col"' in page
    assert result.estimand in page
    title = re.search(r'id="title">([^<]*)<', page)
    assert title is not None
    assert title[1].startswith("56 of 556 people")
    assert title[1].endswith("baseline).")


def test_words_of_a_clinic_are_no_html() -> None:
    result = sample_answer("ladder")
    table = result.table.astype({"step": object})
    table.loc[0, "step"] = "<script>x</script>"
    page = replace(result, table=table).to_great_table().as_raw_html()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_a_hidden_cell_stays_hidden() -> None:
    page = sample_answer("baseline_table", "cms").to_great_table().as_raw_html()
    row = re.search(r"native</td>(.*?)</tr>", page, re.DOTALL)
    assert row is not None
    assert "hidden" in row[1]
    assert "4" not in re.sub(r"<[^>]*>", "", row[1])


def test_without_the_package_it_is_told_what_to_type(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(showing, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match=r"pip install 'kettrack\[papers\]'"):
        sample_answer("ladder").to_great_table()


def test_an_answer_draws_itself() -> None:
    result = sample_answer("ladder")
    _, given = plt.subplots()
    ax = result.plot(given)
    assert ax is given
    texts = [text.get_text().replace("\n", " ") for text in ax.texts]
    assert result.caption in texts


@pytest.mark.parametrize(("question", "figure"), sorted(_OTHER_NAME.items()))
def test_every_figure_of_another_name_is_there(question: str, figure: str) -> None:
    draw = figure_of(question)
    assert draw is not None
    assert draw.__name__ == f"plot_{figure}"
    assert question in set(kt.questions()["name"])


def test_what_has_no_figure_says_so() -> None:
    for result in (
        sample_answer("baseline_table"),
        # a figure draws the whole, and none the groups
        sample_answer("maintenance", by="severity"),
    ):
        with pytest.raises(UsageError, match="No figure draws"):
            result.plot()


def test_a_citation_names_version_rules_source_and_input() -> None:
    result = sample_answer("ladder")
    said = result.cite()
    criteria = result.made_from["criteria"]
    for part in (
        kt.__version__,
        "question ladder",
        criteria["hash"],
        "published cut-offs",
        result.made_from["input_sha256"][:12],
        "Policy: internal",
    ):
        assert part in said
    # Other numbers under the name of a published rule are the clinic's own.
    changed = {**result.made_from, "criteria": {**criteria, "hash": "other"}}
    assert "(rules of the clinic;" in replace(result, made_from=changed).cite()
    unknown = {**result.made_from, "instrument": "WSAS"}
    assert "(rules of the clinic;" in replace(result, made_from=unknown).cite()


def test_a_cohort_says_what_it_holds_and_no_row() -> None:
    derived = derived_sample()
    said = repr(derived.cohort)
    assert "600 patients, 4,289 sessions" in said
    codes = derived.patients["patient_id"].astype(str)
    assert not any(code in said for code in codes)
    # Whether its frames were made or not.
    assert repr(kt.load_cohort(kt.sample_folder())) == said
    assert "600" not in repr(derived_sample("cms").cohort)
    assert said in repr(derived)


@pytest.mark.parametrize(
    ("role", "n", "said"),
    [
        ("count", [600, 7], "N = 600"),
        # Of 600 people nobody can tell, and 222 of them had an event.
        ("count", [pd.NA, 222], ""),
        ("denominator", [600, pd.NA], "N = 600"),
        ("denominator", [pd.NA, 0], ""),
    ],
)
def test_a_caption_takes_no_part_of_the_people_for_everybody(role, n, said):
    table = pd.DataFrame(
        {"key": ["all", "part"], "n": pd.array(n, "Int64"), "suppressed": True}
    )
    result = Result(
        name="people",
        table=table,
        roles={"key": "key", "n": role},
        sentence="",
        estimand="",
        policy="cms",
    )
    assert result.caption.partition(" · ")[0] == said or not said
    assert ("N = " in result.caption) == bool(said)
