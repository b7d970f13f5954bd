"""What leaves a site: files that can be read, are refused with a place, or may be released."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import kettrack as kt
from kettrack.cli.app import app, main
from kettrack.errors import UsageError
from kettrack.pooling.between_sites import shown_alone
from kettrack.pooling.catalogue import PARTS
from kettrack.pooling.since import checked_since
from kettrack.pooling.tallies import without_empty_rows
from kettrack.privacy.policies import POLICIES, get_policy
from kettrack.reading.cohort import Cohort
from kettrack.settings import Settings

TABLES = ("sessions", "scores", "patients", "events")
SIZES = {"A": 150, "B": 90, "C": 9}


def people_of(whole: Cohort, first: int, number: int, policy: str) -> Cohort:
    """Some people of a cohort as a cohort of their own."""
    patients = whole.patients["patient_id"][first : first + number]
    frames = {
        name: getattr(whole, name)[getattr(whole, name)["patient_id"].isin(patients)]
        for name in TABLES
    }
    return kt.cohort_from_frames(**frames, settings=Settings(policy=policy))


def make(policy: str) -> list[kt.Summary]:
    whole = kt.load_cohort(kt.sample_folder())
    found = []
    first = 0
    for site, number in SIZES.items():
        found.append(kt.summarise(people_of(whole, first, number, policy), site))
        first += number
    return found


@pytest.fixture(scope="module")
def exact() -> list[kt.Summary]:
    return make("internal")


@pytest.fixture(scope="module")
def rounded() -> list[kt.Summary]:
    return make("midpoint6")


@pytest.fixture(scope="module")
def pooled(exact: list[kt.Summary]) -> kt.Pool:
    return kt.pool(exact)


@pytest.fixture(scope="module")
def said(exact: list[kt.Summary]) -> dict[str, Any]:
    return json.loads(exact[1].to_json())


# ---- the file


def test_every_number_has_words(said: dict[str, Any]) -> None:
    for question in said["questions"].values():
        assert question["asks"].endswith("?")
        for table in question["tables"].values():
            for row in table["rows"]:
                assert row.keys() == table["columns"].keys()
            assert all(table["columns"].values())


def test_nobody_is_named(said: dict[str, Any]) -> None:
    codes = kt.load_cohort(kt.sample_folder()).patients["patient_id"]
    text = json.dumps(said)
    assert not [code for code in codes if f'"{code}"' in text]


def test_the_curve_by_plain_loops_from_the_files_alone(
    exact: list[kt.Summary], pooled: kt.Pool
) -> None:
    """Aalen and Johansen in fractions, from what the files say, without any of our estimators."""
    left: dict[int, dict[str, int]] = {}
    for site in exact:
        table = json.loads(site.to_json())["questions"]["response_by_session"]["tables"]
        for row in table["response"]["rows"]:
            step = left.setdefault(row.pop("session"), {})
            for name, count in row.items():
                if name != "never_counted":
                    step[name] = step.get(name, 0) + count
    free = Fraction(1)
    responded = Fraction(0)
    expected = []
    for session in sorted(left):
        at_risk = sum(sum(left[later].values()) for later in left if later >= session)
        gone = sum(left[session].values()) - left[session]["log_ends"]
        responded += free * Fraction(left[session]["responded"], at_risk)
        free *= 1 - Fraction(gone, at_risk)
        expected.append(float(100 * responded))
    found = pooled["response_by_session"].table["estimate"]
    assert found.tolist() == pytest.approx(expected[: len(found)], rel=1e-12)
    assert len(found) > 4


def test_a_file_reads_back_as_it_was_written(
    exact: list[kt.Summary], tmp_path: Path
) -> None:
    path = tmp_path / "site.json"
    path.write_text(exact[0].to_json(), encoding="utf-8")
    again = kt.read_summary(path)
    assert again.to_json() == exact[0].to_json()
    assert (again.site, again.people, again.rules) == (
        exact[0].site,
        exact[0].people,
        exact[0].rules,
    )


# ---- files that cannot be read

SUM = "questions.paired_change.tables.values.rows[0].total"
SESSION = "questions.response_by_session.tables.response.rows[0].responded"


def set_at(path: str, value: object) -> Callable[[dict[str, Any]], None]:
    """A change of one place of the file."""

    def change(said: dict[str, Any]) -> None:
        here: Any = said
        *above, last = path.replace("[", ".").replace("]", "").split(".")
        for name in above:
            here = here[int(name) if isinstance(here, list) else name]
        here[last] = value

    return change


BROKEN = {
    "other format": (
        set_at("format", "something"),
        "format - 'kettrack site summary'; this file",
    ),
    "later version": (set_at("schema", 99), "schema - 1; the site needs the version"),
    "negative": (set_at(SESSION, -1), f"{SESSION} - a whole number from 0"),
    "text": (set_at(SESSION, "many"), f"{SESSION} - a whole number from 0"),
    "fraction": (set_at(SESSION, 1.5), f"{SESSION} - a whole number from 0"),
    "truth": (set_at(SESSION, True), f"{SESSION} - a whole number from 0"),
    "huge": (set_at(SESSION, 10**300), f"{SESSION} - a whole number from 0"),
    "far step": (
        set_at("questions.durability.tables.days.rows[0].day", 10**12),
        "rows[0].day - a whole number from 0 to 100,000",
    ),
    "no object": (set_at("rules", []), "rules - an object with names"),
    "no rows": (
        set_at("questions.ladder.tables.reasons.rows", None),
        "questions.ladder.tables.reasons.rows - a list",
    ),
    "a column more": (
        set_at("questions.ladder.tables.reasons.rows[0].name", "Jane"),
        "only the columns of this table: reason",
    ),
    "a person as a column": (
        set_at("questions.ladder.tables.reasons.rows[0].Jane Smith", 3),
        "reasons.rows[0] - only the columns of this table",
    ),
    "a person as a table": (
        set_at("questions.ladder.tables.Jane Smith", {}),
        "questions.ladder.tables - only the tables of this question: reasons",
    ),
    "a person as a question": (
        set_at("questions.Jane Smith", {}),
        "questions - questions that can be pooled; 1 are none",
    ),
    "a person as a reason": (
        set_at("not_counted.Jane Smith", 3),
        "questions - questions that can be pooled; 1 are none",
    ),
    "a sum longer than a float": (
        set_at(SUM, 10**400),
        f"{SUM} - a number, not beyond 1e30",
    ),
    "a sum whose square is none": (
        set_at(SUM, 1e308),
        f"{SUM} - a number, not beyond 1e30",
    ),
    "fewer people than started": (
        set_at("people", 3),
        "people - as many people as started in questions.ladder",
    ),
    "half a letter": (set_at("site", "\ud800"), "site - text without control"),
    "a letter for terminals": (
        set_at("site", "\x1b[31m"),
        "site - text without control",
    ),
    "a row less": (
        set_at("questions.adverse_events.tables.events.rows", []),
        "questions.adverse_events.tables.events.rows - a row for 'any'",
    ),
    "a table less": (
        set_at("questions.worsening.tables", {}),
        "all tables of this question; not there: people",
    ),
    "unknown question": (set_at("questions.swimmer", {}), "pooled; 1 are none"),
    "unknown policy": (set_at("policy", "none"), "policy - one of internal"),
    "no name": (set_at("site", " "), "site - a name"),
    "true as a version": (set_at("schema", True), "schema - 1; the site needs"),
    "a person as a site": (
        set_at("site", "Jane Smith"),
        "site - a code, and not what looks like a person's name",
    ),
    "counted and not": (
        set_at("not_counted.ladder", "no log"),
        "not_counted.ladder - no question that stands in questions too",
    ),
    "more left out than started": (
        set_at("questions.ladder.tables.reasons.rows[1].people", 10**6),
        "reasons.rows[1].people - no more than in the row 'started'",
    ),
    "more got worse than there are": (
        set_at("questions.worsening.tables.people.rows[0].events", 10**6),
        "people.rows[0].events - no more than n",
    ),
    "more sessions with an event than sessions": (
        set_at("questions.adverse_events.tables.events.rows[0].events", 10**6),
        "events.rows[0].events - no more than rows",
    ),
    "half a truth": (set_at("log_end_known", 1), "log_end_known - true or false"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_wrong_is_told_with_its_place(
    case: str, said: dict[str, Any], tmp_path: Path
) -> None:
    change, told = BROKEN[case]
    broken = json.loads(json.dumps(said))
    change(broken)
    path = tmp_path / "site.json"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(kt.DataProblems) as error:
        kt.read_summary(path)
    assert told in str(error.value)
    # A value may be anything, a name among it.
    assert "Jane" not in str(error.value)


NO_JSON = {
    "cut": ('{"format": "kettrack', "line 1"),
    "empty": ("", "JSON to its end"),
    "deep": ("[" * 100_000, "no deeper nested"),
    "long number": ('{"people": ' + "9" * 9_000 + "}", "no longer numbers"),
    "nan": ('{"people": NaN}', "no NaN"),
    "twice": ('{"people": 1, "people": 2}', "each name once"),
    "list": ("[1, 2]", "an object with names"),
}


@pytest.mark.parametrize("case", NO_JSON)
def test_what_is_no_json_is_told(case: str, tmp_path: Path) -> None:
    text, told = NO_JSON[case]
    path = tmp_path / "site.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(kt.DataProblems, match=told):
        kt.read_summary(path)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "site.json"
    path.write_bytes(b"\xff\xfe{")
    with pytest.raises(kt.DataProblems, match="text in UTF-8"):
        kt.read_summary(path)


def test_problems_of_all_files_at_once(said: dict[str, Any], tmp_path: Path) -> None:
    paths = []
    for name in "AB":
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(said | {"people": -1}), encoding="utf-8")
        paths.append(path)
    with pytest.raises(kt.DataProblems) as error:
        kt.pool(paths)
    assert {problem.file for problem in error.value.problems} == {"A.json", "B.json"}


# ---- sites that do not go together


def test_reasons_that_add_up_to_more_than_everybody_are_told(
    said: dict[str, Any], tmp_path: Path
) -> None:
    broken = json.loads(json.dumps(said))
    rows = broken["questions"]["ladder"]["tables"]["reasons"]["rows"]
    # Each of them may be; all of them together are more people than came.
    for row in rows[1:]:
        row["people"] = broken["people"] - 1
    path = tmp_path / "site.json"
    path.write_text(json.dumps(broken), encoding="utf-8")
    with pytest.raises(kt.DataProblems, match="no more people left out than"):
        kt.read_summary(path)


def test_a_site_that_is_called_like_a_person_is_refused() -> None:
    with pytest.raises(kt.UsageError, match="looks like a person's name") as error:
        kt.summarise(kt.load_cohort(kt.sample_folder()), site="Jane Smith")
    assert "Jane" not in str(error.value)


def test_rules_that_look_like_a_person_are_not_repeated(
    exact: list[kt.Summary],
) -> None:
    odd = replace(exact[1], rules=replace(exact[1].rules, instrument="Jane Smith"))
    with pytest.raises(kt.NotIdentified, match="instrument is") as error:
        kt.pool([exact[0], odd])
    assert "Jane" not in str(error.value)


def test_one_site_is_no_pool(exact: list[kt.Summary]) -> None:
    with pytest.raises(kt.UsageError, match="two sites or more"):
        kt.pool(exact[:1])


def test_the_same_site_twice(exact: list[kt.Summary]) -> None:
    again = replace(exact[0], site="D")
    with pytest.raises(kt.UsageError, match="hold the same counts: 'A', 'D'"):
        kt.pool([*exact, again])


def test_the_same_name_twice(exact: list[kt.Summary]) -> None:
    with pytest.raises(kt.UsageError, match="have the same name"):
        kt.pool([exact[0], replace(exact[1], site="A")])


def test_the_same_files_twice(exact: list[kt.Summary]) -> None:
    marked = [replace(site, input_sha256="ab") for site in exact[:2]]
    with pytest.raises(kt.UsageError, match="made from the same files"):
        kt.pool(marked)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("criteria_hash", "criteria hash"),
        ("baseline", "baseline"),
        ("instrument", "instrument"),
        ("scale", "scale"),
    ],
)
def test_other_rules_are_refused(
    field: str, words: str, exact: list[kt.Summary]
) -> None:
    other = replace(exact[1], rules=replace(exact[1].rules, **{field: "other"}))
    with pytest.raises(
        kt.NotIdentified, match=f"not counted alike: {words} is"
    ) as error:
        kt.pool([exact[0], other])
    assert "'A'" in str(error.value)
    assert "'B'" in str(error.value)


def test_another_version_is_refused(exact: list[kt.Summary]) -> None:
    other = replace(exact[1], version="0.0.9")
    with pytest.raises(kt.NotIdentified, match="version of kettrack is"):
        kt.pool([exact[0], other])


def test_sites_in_any_order_are_the_same(
    exact: list[kt.Summary], pooled: kt.Pool
) -> None:
    other = kt.pool(exact[::-1])
    for name, result in pooled.results.items():
        pd.testing.assert_frame_equal(result.table, other[name].table)
        assert result.text == other[name].text


def test_a_site_that_cannot_count_sends_its_reason(exact: list[kt.Summary]) -> None:
    """Without the end of any log a site has no curve, and everything else."""
    whole = kt.load_cohort(kt.sample_folder())
    open_ended = people_of(whole, 300, 60, "internal")
    patients = open_ended.patients.assign(
        observed_to_day=pd.NA, stop_day=pd.NA, last_contact_day=pd.NA
    )
    without = kt.summarise(replace(open_ended, patients=patients), "D")
    assert "no log says" in without.not_counted["response_by_session"]
    pooled = kt.pool([*exact, without])
    assert pooled["ladder"].table["n"].iloc[0] == sum(SIZES.values()) + 60
    told = " ".join(pooled["response_by_session"].caveats)
    assert "from the counts of 3 sites" in told
    assert "Not counted by 1 of the sites: no log says" in told
    # Nobody knows that the log of the silent went on.
    assert "while their log went on" not in pooled["durability"].text


# ---- small sites


def test_a_small_site_counts_and_is_not_shown(pooled: kt.Pool) -> None:
    assert pooled["ladder"].table["n"].iloc[0] == sum(SIZES.values())
    beside = pooled["sites_side_by_side"]
    assert "C" not in set(beside.table["site"])
    assert "too few people to be shown alone" in beside.text


@pytest.mark.parametrize(
    ("people", "shown"),
    [
        ([200, 60, 90], [True, True, True]),
        ([200, 5, 60, 90], [True, False, False, True]),
        ([200, 5, 4, 60], [True, False, False, False]),
        ([200, 6, 7, 60], [True, False, False, True]),
        ([200, 0, 60], [True, False, True]),
        ([5, 60], [False, False]),
        ([11, 10, 10], [True, False, False]),
    ],
)
def test_what_the_sum_would_tell(people: list[int], shown: list[bool]) -> None:
    assert shown_alone(np.array(people)).tolist() == shown


# ---- what is rounded


def test_running_numbers_are_off_by_half_a_step_at_most(
    exact: list[kt.Summary], rounded: list[kt.Summary]
) -> None:
    step = get_policy("midpoint6").rounding.step
    tried = 0
    for whole, less in zip(exact, rounded, strict=True):
        for question, tables in less.tables.items():
            for name, table in tables.items():
                shape = PARTS[question].shapes[name]
                if not shape.clock or table.empty:
                    continue
                true = totals(shape, whole.tables[question][name])
                found = totals(shape, table).reindex(true.index)
                others = [key for key in shape.keys if key != shape.clock]
                # Steps at which nothing moved are not in the file.
                filled = found.groupby(others).ffill() if others else found.ffill()
                assert (filled.fillna(0) - true).abs().max().max() <= step / 2
                tried += 1
    assert tried > 30


def totals(shape: Any, table: pd.DataFrame) -> pd.DataFrame:
    """Running totals of each count, by the keys of the table."""
    others = [key for key in shape.keys if key != shape.clock]
    ordered = table.sort_values(list(shape.keys))
    counts = ordered[list(shape.counts)]
    running = (
        counts.groupby([ordered[key] for key in others]).cumsum()
        if others
        else counts.cumsum()
    )
    running.index = pd.MultiIndex.from_frame(ordered[list(shape.keys)])
    return running


def test_no_count_of_people_is_small(rounded: list[kt.Summary]) -> None:
    """1 to 6 people are 3, whoever counts them."""
    step = get_policy("midpoint6").rounding.step
    for site in rounded:
        assert site.people % (step // 2) == 0
        for question, tables in site.tables.items():
            for name, table in tables.items():
                counts = [
                    column
                    for column in PARTS[question].shapes[name].counts
                    if not column.endswith(("squared", "by_events"))
                ]
                assert not (table[counts].to_numpy() % (step // 2)).any()


def test_means_of_few_people_do_not_leave(rounded: list[kt.Summary]) -> None:
    fewest = get_policy("midpoint6").fewest_behind
    scores = pd.concat(site.tables["trajectories"]["scores"] for site in rounded)
    # Rounded up to the middle of its step at most.
    assert scores["n"].min() >= fewest - 3
    means = scores["total"] / scores["n"]
    assert np.allclose(means, means.round(2))


def test_a_mean_does_not_tell_how_many_people_it_is_of(
    rounded: list[kt.Summary],
) -> None:
    """A mean times its people is whole: 17.27 can be of 11 people, and not of 12."""
    rules = get_policy("midpoint6")
    for site in rounded:
        scores = site.tables["trajectories"]["scores"]
        for total, n in scores[["total", "n"]].itertuples(index=False):
            low, high = rules.meant(int(n))
            half = 0.05 if n < 100 else 0.005
            for people in range(max(low, rules.fewest_behind), high + 1):
                sums = np.array([total / n - half, total / n + half]) * people
                assert np.ceil(sums[0] - 1e-9) <= np.floor(sums[1] + 1e-9)
                # Such numbers would have the same mean in the file.
                near = np.arange(np.ceil(sums[0] - 1e-9), np.floor(sums[1] + 1e-9) + 1)
                digits = 1 if n < 100 else 2
                assert (abs((near / people).round(digits) - total / n) < 1e-6).any()


def test_the_longest_follow_up_does_not_leave(
    exact: list[kt.Summary], rounded: list[kt.Summary]
) -> None:
    """The last day of a curve is the follow-up of one person."""
    for whole, less in zip(exact[:2], rounded[:2], strict=True):
        last = [
            site.tables["time_to_response"]["response"]["day"].max()
            for site in (whole, less)
        ]
        assert last[1] < last[0]


def test_rounded_sites_give_nearly_the_same(
    pooled: kt.Pool, rounded: list[kt.Summary]
) -> None:
    near = kt.pool(rounded)
    assert near.policy == "midpoint6"
    assert near["recurrent_loss"].status == "refused"
    shares = [
        each["response_by_session"].table.set_index("session")["estimate"]
        for each in (near, pooled)
    ]
    # Half a step for each site and cause, of some 200 people.
    assert (shares[0] - shares[1]).abs().max() < 8
    assert "rounded its counts" in " ".join(near["ladder"].caveats)


@pytest.mark.parametrize("policy", [name for name in POLICIES if name != "internal"])
def test_the_pooled_answers_pass_the_gate(policy: str, exact: list[kt.Summary]) -> None:
    found = kt.pool(exact, policy=policy)
    hides = get_policy(policy).smallest_count > 1
    beside = found["sites_side_by_side"]
    assert (beside.status == "refused") == hides
    table = found["differences_between_sites"].table
    shares = table[table["unit"] != "points"]
    few = shares["events"].between(1, get_policy(policy).smallest_count - 1)
    assert not few.any()
    # What is hidden must not follow from a share and its people.
    gone = shares[shares["events"].isna()]
    assert gone[["estimate", "mean"]].isna().all(axis=None)
    for result in found.results.values():
        assert result.policy == policy
        assert result.to_json()


def test_a_policy_with_holes_is_refused() -> None:
    whole = kt.load_cohort(kt.sample_folder())
    with pytest.raises(kt.UsageError, match="counts with holes cannot be added"):
        kt.summarise(people_of(whole, 0, 40, "cms"))


# ---- the commands


def test_from_folders_to_a_page(tmp_path: Path) -> None:
    run = CliRunner()
    files = []
    for seed in (1, 2):
        folder = tmp_path / f"clinic{seed}"
        made = run.invoke(
            app, ["simulate", str(folder), "-n", "80", "--seed", str(seed)]
        )
        assert made.exit_code == 0
        files.append(str(tmp_path / f"site{seed}.json"))
        said = run.invoke(
            app, ["summarise", str(folder), "-o", files[-1], "--site", f"S{seed}"]
        )
        assert said.exit_code == 0, said.output
        assert "The counts of 80 people" in said.output
    page = tmp_path / "report.html"
    assert run.invoke(app, ["pool", *files, "-o", str(page)]).exit_code == 0
    html = page.read_text(encoding="utf-8")
    assert "Content-Security-Policy" in html
    assert "2 sites sent counts of 160 people" in html
    # What nobody pools yet is named, so that silence is not taken for good news.
    assert "suicide attempts, admissions and deaths are not in these sums" in html
    assert not {"suicidality_in_short", "attempts_and_admissions"} & PARTS.keys()
    assert "<script" not in html
    said = run.invoke(app, ["pool", *files])
    assert "response_by_session: Of " in said.output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["pool", "none.json", "nothing.json"], 2),
        (["pool", "none.json", "-o", "page.txt"], 2),
        (["summarise", "none", "-o", "site.csv"], 2),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == code


# ---- the list


def test_every_question_says_whether_it_is_pooled() -> None:
    table = kt.pooled_questions().set_index("name")
    assert set(table.index) == set(kt.questions()["name"])
    assert set(table["pooled"]) == {"yes", "in part", "no"}
    assert (table["pooled"] != "no").sum() == len(PARTS)
    assert table.loc[table["pooled"] != "yes", "why"].str.len().gt(0).all()


def test_steps_of_zeros_are_not_written(exact: list[kt.Summary]) -> None:
    shape = PARTS["time_to_response"].shapes["response"]
    table = exact[0].tables["time_to_response"]["response"]
    kept = without_empty_rows(shape, table)
    assert len(kept) < len(table)
    assert kept["day"].max() == table["day"].max()
    assert kept[list(shape.counts)].sum().equals(table[list(shape.counts)].sum())


# ---- the page and the schema


def made_by_docs() -> Any:
    """The script that makes what `docs` says of summaries."""
    path = Path(__file__).parents[2] / "docs" / "pooling_tables.py"
    spec = spec_from_file_location("pooling_tables", path)
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_page_and_schema_are_those_of_today() -> None:
    docs = made_by_docs()
    page = docs.PAGE.read_text(encoding="utf-8")
    assert page == docs.page_with_table(page), "python docs/pooling_tables.py"
    assert docs.SCHEMA_FILE.read_text(encoding="utf-8") == docs.schema_text()


def test_a_summary_fits_its_schema(
    exact: list[kt.Summary], rounded: list[kt.Summary]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = made_by_docs().summary_schema()
    for site in (*exact, *rounded):
        jsonschema.validate(json.loads(site.to_json()), schema)


# ---- a second summary


@pytest.fixture(scope="module")
def months() -> tuple[kt.Summary, kt.Summary]:
    """Three people come between two summaries."""
    whole = kt.load_cohort(kt.sample_folder())
    june, july = (
        kt.summarise(people_of(whole, 0, number, "midpoint6"), "A")
        for number in (120, 123)
    )
    return june, july


def means(summary: kt.Summary) -> pd.DataFrame:
    table = summary.tables["trajectories"]["scores"]
    by_key = table.set_index(list(PARTS["trajectories"].shapes["scores"].keys))
    return by_key.assign(mean=by_key["total"] / by_key["n"])


def test_two_summaries_do_not_tell_the_scores_of_who_came_between(
    months: tuple[kt.Summary, kt.Summary],
) -> None:
    june, july = months
    sent, stayed = checked_since(july, june)
    rules = get_policy("midpoint6")
    then, unaware, now = (
        means(each).align(means(june))[0] for each in (june, july, sent)
    )
    moved = (unaware["mean"] - then["mean"]).abs() > 1e-9
    few = (unaware["n"] - then["n"]).abs() - 5 < rules.fewest_behind
    assert (moved & few).any(), "an unaware summary tells"
    assert stayed > 0
    pd.testing.assert_frame_equal(now[few], then[few])
    # It can be sent, read and pooled like any other.
    again = json.loads(sent.to_json())
    assert again["policy"] == "midpoint6"
    # Whoever sends the same twice tells nothing.
    assert checked_since(june, june)[1] == 0


def test_enough_people_move_a_mean(months: tuple[kt.Summary, kt.Summary]) -> None:
    june, july = months
    table = july.tables["trajectories"]["scores"]
    many = table.assign(n=table["n"] + 18)
    later = replace(july, tables={"trajectories": {"scores": many}})
    first = replace(june, tables={"trajectories": {"scores": table}})
    assert checked_since(later, first)[1] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"policy": "internal"}, "is exact"),
        ({"site": "B"}, "--site"),
        ({"policy": "opensafely"}, "--policy"),
    ],
)
def test_a_summary_of_another_kind_is_no_first_one(
    months: tuple[kt.Summary, kt.Summary], change: dict[str, str], said: str
) -> None:
    june, july = months
    with pytest.raises(UsageError, match=said):
        checked_since(july, replace(june, **change))
