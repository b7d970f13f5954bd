"""Two sides beside each other: the numbers, what is refused, and what a policy lets out."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sample_answers import derived_sample, sample_answer
from simulated import simulated_cohort
from spec.tables import cohort as text_cohort
from statsmodels.stats.proportion import confint_proportions_2indep

import kettrack as kt
from kettrack.analysis.against.case_mix import made_alike
from kettrack.analysis.against.sides import compared_sides
from kettrack.analysis.short_answers import quick_answers
from kettrack.cli.app import main
from kettrack.errors import NotIdentified, UsageError
from kettrack.privacy.disclosure import apply
from kettrack.privacy.release.row_differences import sides_together
from kettrack.report.against_page import against_chapter, compare_inside, compare_with


@pytest.fixture
def run(capfd):
    def _run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments)])
        return int(left.value.code or 0), *capfd.readouterr()

    return _run


APART = ["difference", "difference_low", "difference_high", "joint_low", "joint_high"]
ALIKE = ["alike", "alike_low", "alike_high"]


@pytest.fixture(scope="module")
def periods() -> pd.DataFrame:
    return sample_answer("against").table.set_index("key")


@pytest.fixture(scope="module")
def twins() -> list[kt.Cohort]:
    return [simulated_cohort("clinic", 240, seed) for seed in (20261121, 77)]


def under(clinic: kt.Cohort, **settings: object) -> kt.Cohort:
    return replace(clinic, settings=replace(clinic.settings, **settings))


# ---- the numbers


def test_a_clinic_beside_itself_does_not_differ(twins):
    found = kt.estimate("against", twins[0], other=twins[0])
    second = found.table[found.table["key"].str.endswith("_here")]
    known = second.dropna(subset=["estimate"])
    assert len(known) > 8
    assert (known["difference"] == 0).all()
    assert (known["difference_low"] == -known["difference_high"]).all()
    alike = known["alike"].dropna()
    assert len(alike) > 3
    assert alike.to_numpy() == pytest.approx(0, abs=1e-9)
    # Who has hardly a score cannot be known again.
    told = " ".join(found.caveats)
    same = re.search(r"(\d+) people of this side have the very scores", told)
    assert same is not None
    assert 200 < int(same[1]) <= 240


def test_asked_the_other_way_round_it_is_the_same_with_the_other_sign(twins):
    one = kt.estimate("against", twins[0], other=twins[1]).table
    other = kt.estimate("against", twins[1], other=twins[0]).table
    here = one["key"].str.endswith("_here")
    for low, high in (APART[1:3], APART[3:5], ALIKE[1:]):
        assert one[low][here].to_numpy() == pytest.approx(
            -other[high][here].to_numpy(), nan_ok=True
        )
    for name in ("difference", "alike"):
        assert one[name][here].to_numpy() == pytest.approx(
            -other[name][here].to_numpy(), nan_ok=True
        )


def test_each_side_says_what_its_own_first_page_says():
    sample = derived_sample()
    year = sample.patients["start_year"].to_numpy(float)
    table = kt.estimate("against", sample, other="2025:2024").table.set_index("key")
    for key, chosen in {"now": 2025, "then": 2024}.items():
        answers = {a.key: a for a in quick_answers(sample.of_people(year == chosen))}
        row = table.loc[f"responded_{key}"]
        said = (
            f"{row['estimate']:.0f} % ({row['ci_low']:.0f} to {row['ci_high']:.0f} %)"
        )
        assert answers["response"].headline == said
        assert f"of {row['n']} people" in answers["response"].sentence
        not_known = table.loc[f"not_known_{key}", "estimate"]
        assert f"{not_known:.0f} % were no longer scored" in answers["counted"].sentence
        lasting = table.loc[f"lasting_{key}"]
        assert f"of {lasting['n']} responders" in answers["lasting"].sentence


def test_a_share_without_censoring_has_newcombes_interval(periods):
    here = periods.loc["rated_now"]
    there = periods.loc["rated_then"]
    ends = confint_proportions_2indep(
        here["events"], here["n"], there["events"], there["n"], method="newcomb"
    )
    found = here[["difference_low", "difference_high"]].to_numpy(float) / 100
    assert found == pytest.approx(ends)
    # Twelve comparisons at once need a wider interval, and not by a little.
    width = here["joint_high"] - here["joint_low"]
    assert width > 1.3 * (here["difference_high"] - here["difference_low"])


def test_other_people_explain_a_difference_that_is_theirs():
    rng = np.random.default_rng(3)
    baseline = rng.normal(18, 4, 4000)
    here = rng.random(4000) < 1 / (1 + np.exp(-(baseline - 18) / 4))
    worse = rng.random(4000) < 1 / (1 + np.exp(-(baseline - 18) / 2))
    people = pd.DataFrame(
        {
            "part": worse.astype(float),
            "whole": 1.0,
            "baseline": baseline,
            "failed_antidepressants": np.nan,
        }
    )
    found = made_alike(people[here], people[~here])
    assert found is not None
    crude = worse[here].mean() - worse[~here].mean()
    assert crude > 0.2
    assert abs(found.apart.estimate) < 4
    assert found.apart.low < 0 < found.apart.high
    # Too few events on a side: nobody stands for the others.
    none = people[~here].assign(part=0.0)
    assert made_alike(people[here], none) is None


# ---- the sides


def years(text: str) -> kt.Cohort:
    patients = "patient | start_year | observed_to_day\n"
    scores = "patient | day | score\n"
    for place, year in enumerate(text.split()):
        patients += f" p{place} | {'' if year == '-' else year} | 100\n"
        scores += f" p{place} | -1 | 20\n p{place} | 7 | 9\n"
    return text_cohort(scores, patients=patients)


@pytest.mark.parametrize(
    ("asked", "here", "there"),
    [
        ("2022", "started in 2023 to 2024", "started in 2022"),
        ("2023", "started in another year", "started in 2023"),
        ("2022-2023", "started in 2024", "started in 2022 to 2023"),
        ("2024:2022", "started in 2024", "started in 2022"),
        ("", "started in 2023 to 2024", "started in 2022"),
    ],
)
def test_periods_are_read_and_named(asked, here, there):
    clinic = kt.derive(years(" ".join(["2022"] * 20 + ["2023"] * 12 + ["2024"] * 12)))
    sides = compared_sides(clinic, asked)
    assert (sides.here.words, sides.there.words) == (here, there)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("last year", "neither a folder nor a period"),
        ("2024-2022", "ends before it begins"),
        ("2022:2022-2023", "share a year"),
    ],
)
def test_what_is_no_period_is_told_so(asked, words):
    clinic = kt.derive(years(" ".join(["2022"] * 20 + ["2023"] * 12)))
    with pytest.raises(UsageError, match=words):
        compared_sides(clinic, asked)


def test_without_a_year_the_column_is_asked_for():
    clinic = kt.derive(years(" ".join(["-"] * 20)))
    with pytest.raises(UsageError, match=r"start_year .*patients\.csv"):
        compared_sides(clinic, "2022")
    refused = kt.estimate("against", clinic)
    assert (refused.status, "start_year" in refused.collect) == ("refused", True)


def test_one_year_and_small_sides_are_refused():
    with pytest.raises(NotIdentified, match="in one year"):
        compared_sides(kt.derive(years(" ".join(["2022"] * 20))), "")
    with pytest.raises(NotIdentified, match="has 3 people, and a side needs 11"):
        compared_sides(kt.derive(years("2022 " * 20 + "2023 " * 3)), "2023")


def test_what_no_side_reaches_is_named_without_a_time():
    few = kt.estimate("against", years("2022 " * 20 + "2023 " * 12))
    assert "Still responding after the first course" in few.text
    assert not few.table["about"].str.contains(r"\.\.\.|[{}]").any()


def test_people_of_neither_period_are_told():
    clinic = kt.derive(years("2022 " * 12 + "2023 " * 12 + "- " * 4))
    assert compared_sides(clinic, "2022").neither == 4
    hidden = kt.derive(under(clinic.cohort, policy="cms"))
    with pytest.raises(NotIdentified, match="belong to neither period"):
        compared_sides(hidden, "2022")
    rounded = kt.derive(under(clinic.cohort, policy="midpoint6"))
    assert compared_sides(rounded, "2022").neither == 4


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"instrument": "GAD-7"}, "instrument is 'PHQ-9' in this folder and 'GAD-7'"),
        ({"baseline": "worst"}, "baseline is 'last' in this folder and 'worst'"),
        ({"criteria": "Sakurai 2020"}, "criteria is"),
    ],
)
def test_sides_that_count_differently_are_refused(twins, change, words):
    if "criteria" in change:
        there = set(kt.list_presets()["name"])
        change = {"criteria": sorted(there & _of_phq9())[0]}
    found = kt.estimate("against", twins[0], other=under(twins[1], **change))
    assert found.status == "refused"
    assert words in found.reason
    assert "--criteria" in found.collect


def _of_phq9() -> set[str]:
    from kettrack.vocabulary.criteria import criteria_for
    from kettrack.vocabulary.instruments import PHQ9

    return {bundle.name for bundle in criteria_for(PHQ9)}


def test_two_policies_are_no_policy(twins):
    with pytest.raises(UsageError, match="choose one with --policy"):
        kt.estimate("against", twins[0], other=under(twins[1], policy="cms"))


# ---- what leaves the clinic


def test_what_is_rounded_is_told_from_what_is_shown(twins):
    sides = [under(each, policy="midpoint6") for each in twins]
    found = kt.estimate("against", sides[0], other=sides[1])
    table = found.table.set_index("about")
    assert not table["suppressed"].any()
    assert (table["n"].dropna() % 6 == 3).all()
    first = table[~table.index.duplicated()]
    second = table[table.index.duplicated()]
    apart = second["estimate"] - first["estimate"]
    # Both figures and the difference are cut to one decimal.
    assert second["difference"].to_numpy() == pytest.approx(
        apart.to_numpy(), abs=0.11, nan_ok=True
    )
    exact = kt.estimate("against", *twins[:1], other=twins[1]).table
    changed = exact.set_index("about")["estimate"] != table["estimate"].to_numpy()
    assert changed.sum() > 8


def test_both_sides_are_hidden_together(twins):
    exact = kt.estimate("against", twins[0], other=twins[1])
    hidden = apply(replace(exact, policy=""), "cms")
    assert hidden.table["suppressed"].all()
    numbers = ["n", "events", "sessions", "estimate", *APART, *ALIKE]
    assert hidden.table[numbers].isna().all(axis=None)
    assert "Not shown" in hidden.text
    # A single row that must go takes the figures of all others with it.
    marked = exact.table.assign(suppressed=exact.table["key"] == "serious_there")
    one_hidden = sides_together(replace(exact, table=marked))
    assert one_hidden.table["estimate"].isna().all()
    none = sides_together(replace(exact, table=exact.table.assign(suppressed=False)))
    assert none.table["estimate"].notna().any()


def test_a_report_decides_over_both_sides(twins):
    here, there = (under(each, policy="midpoint6") for each in twins)
    inside = compare_inside(here, there)
    assert inside.policy == "internal"
    found = compare_with(here, there)
    assert found.policy == "midpoint6"
    chapter = against_chapter(found)
    words = [cell.source for cell in chapter.cells if cell.cell_type == "markdown"]
    assert "This does not say that one side is better" in words[0]
    html = chapter.cells[-1].outputs[0]["data"]["text/html"]
    assert "the other clinic" in html
    assert "This is no ranking" in html
    with pytest.raises(NotIdentified, match="not counted alike"):
        compare_with(here, under(there, instrument="GAD-7"))
    hidden = [under(each, policy="cms") for each in twins]
    with pytest.raises(UsageError, match="does not compare two sides"):
        compare_with(*hidden)


# ---- the command


def test_the_command_compares_folders_and_periods(run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(kt.sample_folder(), other)
    sample = str(kt.sample_folder())
    code, out, _ = run("estimate", "against", sample, "--against", str(other))
    assert code == 0
    assert "this clinic, and the other clinic" in out
    code, out, _ = run("estimate", "against", sample, "--against", "2024")
    assert code == 0
    assert "people who started in 2025, and people who started in 2024" in out
    code, _, told = run("estimate", "ladder", sample, "--against", "2024")
    assert code == 2
    assert "kettrack estimate against FOLDER --against 2024" in told


def test_a_report_that_cannot_compare_writes_nothing(run, tmp_path):
    page = tmp_path / "report.html"
    sample = str(kt.sample_folder())
    code, _, told = run("report", sample, "-o", str(page), "--against", "yesterday")
    assert code == 2
    assert "neither a folder nor a period" in told
    other = tmp_path / "other"
    shutil.copytree(kt.sample_folder(), other)
    with (other / "kettrack.toml").open("a", encoding="utf-8") as settings:
        settings.write('\nbaseline = "worst"\n')
    code, _, told = run("report", sample, "-o", str(page), "--against", str(other))
    assert code == 3
    assert "baseline is" in told
    assert not page.exists()
