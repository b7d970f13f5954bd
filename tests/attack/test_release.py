"""Releases under attack: no hidden number can be told, and a planted leak is found."""

import functools
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from release_attack import attack, attack_clinic, attack_since, released

from kettrack.analysis import estimate
from kettrack.errors import UsageError
from kettrack.privacy.policies import get_policy
from kettrack.privacy.release.cells import (
    Printed,
    ReleaseCell,
    read_counts,
    release_of,
    tried_sums,
)
from kettrack.privacy.release.guesses import guessed
from kettrack.privacy.release.manifest import (
    manifest_text,
    read_manifest,
    require_same,
)
from kettrack.privacy.release.protect import hidden_cells, told_by_rounding, without
from kettrack.privacy.release.puzzle import Puzzle
from kettrack.privacy.release.relations import Relations, stored_relations
from kettrack.privacy.release.system import HiddenNumbers, Sum, Sums
from kettrack.privacy.release.whole import withheld_names, withhold
from kettrack.report import run, together
from kettrack.result import Result
from kettrack.timelines.derived import derive
from kettrack.trials.relations import null_space
from kettrack.trials.simulated_answers import answers, asked_for, clinic
from kettrack.vocabulary.made_of import Kept

# Quick ones that tell of the same people: in rows, in columns, down the rows, and of each other.
NAMES = (
    "ladder",
    "people_by_table",
    "scored_by_week",
    "session_counts",
    "session_gaps",
    "session_intervals",
    "state_after_course",
    "among_scored",
    "worsening",
    "worsening_by_week",
    "response_by_week",
    "holding_interval",
    "change_by_sessions",
)
SMALLEST = 11
HERE = Path(__file__).parent
HOME = os.pathsep.join(map(str, (HERE, HERE.parent)))


@functools.cache
def truth():
    return release_of(answers(clinic(31, 120), NAMES))


@functools.cache
def release(policy):
    return release_of(released(clinic(31, 120, policy), NAMES))


@pytest.mark.parametrize("policy", ["cms", "midpoint6", "opensafely"])
def test_no_small_number_can_be_told_from_a_release(policy):
    seen = attack(truth(), release(policy), get_policy(policy), stored_relations())
    assert seen.told == ()
    # The attack must have something to read: a release that shows nothing is easily safe.
    assert seen.shown > 150


_HIDES = """
from release_attack import withheld_for
print(*withheld_for(31, 120, "cms", ("ladder", "people_by_table", "session_counts",
    "session_gaps", "session_intervals", "state_after_course", "among_scored")), sep="\\n")
"""


def test_the_same_is_hidden_in_every_run():
    """Two reports of one clinic with different holes would fill each other's."""
    runs = [
        subprocess.run(
            [sys.executable, "-c", _HIDES],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": HOME},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0].strip()
    assert runs[0] == runs[1]


def test_each_table_by_itself_is_not_enough():
    alone = release_of(answers(clinic(31, 120, "cms"), NAMES))
    seen = attack(truth(), alone, get_policy("cms"), stored_relations())
    assert any(cell.question == "session_counts" for cell in seen.told)


def test_answers_asked_one_by_one_tell_no_more_than_a_report(monkeypatch):
    """Whoever has two answers of one clinic subtracts them: alone, each hides too little."""
    nothing = replace(run.read_contents(), notebooks=())
    monkeypatch.setattr(run, "read_contents", lambda: nothing)
    monkeypatch.setattr(together, "_FIRST_PAGE", tuple((name, "") for name in NAMES))
    groups = [
        f'estimate("{name}", cohort, by="{by}")'
        for name, by, _ in asked_for(NAMES)
        if by
    ]
    cohort = run.as_in_report(clinic(31, 120, "cms"), *groups)
    one_by_one = release_of(answers(cohort, NAMES))
    seen = attack(truth(), one_by_one, get_policy("cms"), stored_relations())
    assert seen.told == ()
    assert seen.shown > 150


# Of the questions that take long, those that count people of the clinic.
LONG = ("next_session", "next_session_maintenance", "specification")


def with_long(policy):
    cohort = derive(clinic(96_002, 400, policy))
    long = [estimate(name, cohort) for name in LONG]
    return [*answers(cohort.cohort, NAMES), *long]


@pytest.mark.parametrize("policy", ["midpoint6", "cms", "opensafely"])
def test_questions_that_take_long_tell_of_no_few_people(policy):
    """A report protects some of them apart from all others; a reader has both."""
    before = with_long("internal")
    after = with_long(policy)
    rules = get_policy(policy)
    one, other = (
        [each for each in results if each.name not in together._APART]
        for results in (before, after)
    )
    withheld = withheld_names(one, other, rules)
    left = release_of(withhold(each, withheld) for each in after)
    seen = attack(release_of(before), left, rules, stored_relations())
    assert seen.told == ()
    shown = [left[name].table[left[name].counts].notna() for name in LONG]
    assert all(each.to_numpy().sum() > 10 for each in shown)


# Under a policy for release these have fewer rows, or fewer columns, than inside the clinic.
FEWER_ROWS = (
    "attempts_and_admissions",
    "ideation_clearance",
    "ideation_shift",
    "joint_change",
    "suicidality_in_short",
    "treatment_emergent_ideation",
    "watched_harms",
    "worsening",
)


@pytest.mark.parametrize("policy", ["cms", "opensafely"])
def test_what_is_protected_is_what_leaves(policy, monkeypatch):
    """Of this clinic four people of whom thoughts of suicide rose were told: what hid them inside
    the clinic, rows by the answer before, does not leave, and then others were shown.
    """
    monkeypatch.setattr(together, "_FIRST_PAGE", ())
    cohort = clinic(90_001, 240, policy)
    asked = [f'estimate("{name}", cohort)' for name in FEWER_ROWS]
    outside = derive(cohort)
    withheld, manifest = together.withheld_in_report(outside, asked)
    settings = replace(cohort.settings, withheld=withheld)
    leaving = replace(cohort, settings=settings)
    left = release_of(answers(leaving, FEWER_ROWS))
    # A report finds again what was found to protect it, and shows the same.
    again = release_of(answers(derive(leaving).sharing(outside), FEWER_ROWS))
    assert read_counts(again) == read_counts(left)
    told_of = {
        ReleaseCell(*words): number
        for *words, number in json.loads(manifest)["numbers"]
    }
    assert told_of == read_counts(left)

    inside = release_of(answers(clinic(90_001, 240), FEWER_ROWS))
    seen = attack(inside, left, get_policy(policy), stored_relations())
    assert seen.told == ()
    assert seen.shown > 20


def test_a_planted_leak_is_found():
    leaky = dict(release("cms"))
    name = "session_counts"
    # As if the role of one column had been forgotten: the gate lets it through.
    column = truth()[name].table["in_all"]
    leaky[name] = Printed(leaky[name].table.assign(in_all=column), leaky[name].roles)
    seen = attack(truth(), leaky, get_policy("cms"), stored_relations())
    assert ReleaseCell(name, "1", "in_all") in seen.told


def test_two_releases_do_not_tell_of_the_people_between_them(tmp_path):
    """Thirty people come between two reports; of each number of sessions only some of them."""
    names = ("ladder", "session_counts", "session_gaps", "people_by_table")
    rules = get_policy("cms")
    first = released(clinic(31, 120, "cms", later=30), names)
    file = tmp_path / "may.manifest.json"
    made_by = {"policy": "cms", "instrument": "PHQ-9", "criteria": "convention 1"}
    file.write_text(manifest_text(first, **made_by), encoding="utf-8")
    may = read_manifest(file)
    assert may.numbers == read_counts(release_of(first))

    now = release_of(answers(clinic(31, 120), names))
    unaware = release_of(released(clinic(31, 120, "cms"), names))
    assert attack_since(now, unaware, rules, may)
    aware = release_of(released(clinic(31, 120, "cms"), names, may))
    assert attack_since(now, aware, rules, may) == []
    # What has not changed, or by enough, is still there.
    assert read_counts(aware)


def test_what_the_second_of_three_releases_hides_is_not_told_by_the_third(tmp_path):
    """A count grows by 6 and by 6 again: whoever has the first and the third knows of 12, and
    whoever has all three knows no more.
    """
    file = tmp_path / "manifest.json"
    earlier = None
    seen = []
    for people in (100, 106, 108, 114):
        tables = {"t": table(["a"], n=[people])}
        before = earlier.releases if earlier else ()
        gone = hidden_cells(
            tables,
            tables,
            Relations(),
            get_policy("cms"),
            [shown.numbers for shown in before],
        )
        seen.append(None if gone else people)
        printed = without(tables["t"], gone, "t")
        left = replace(SCORED, name="t", table=printed.table, roles=printed.roles)
        file.write_text(manifest_text([left], earlier, **MADE_BY), encoding="utf-8")
        earlier = read_manifest(file)
    assert seen == [100, None, None, 114]
    assert [len(shown.numbers) for shown in earlier.releases] == [1, 0, 0, 1]


MADE_BY = {"policy": "midpoint6", "instrument": "PHQ-9", "criteria": "convention 1"}
SCORED = Result(
    name="scored",
    table=pd.DataFrame(
        {"key": ["a", "b", "c"], "n": [45, 45, 45], "mean": [12.5, 8.0, 7.1]}
    ),
    roles={"key": "key", "n": "denominator", "mean": "derived"},
    recipes=(Kept(values=("mean",), of="n"),),
    sentence="",
    estimand="",
)


def test_a_mean_that_few_people_have_moved_is_not_shown_again(tmp_path):
    """Of one mean a person has come, which need not move its rounded number of people; one has not
    changed; of one 18 people and more have come.
    """
    rules = get_policy("midpoint6")
    file = tmp_path / "may.manifest.json"
    file.write_text(manifest_text([SCORED], **MADE_BY), encoding="utf-8")
    may = read_manifest(file)
    later = SCORED.table.assign(n=[45, 45, 63], mean=[12.9, 8.0, 7.9])
    june = replace(SCORED, table=later)
    gone = withheld_names([june], [june], rules, may)
    assert gone == ("scored\ta\tmean",)
    left = withhold(replace(june, table=later.assign(suppressed=False)), gone)
    assert left.table["mean"].isna().tolist() == [True, False, False]
    assert left.table["n"].tolist() == [45, 45, 63]
    assert left.table["suppressed"].tolist() == [True, False, False]
    # In July the mean of May is still known, whatever June hides.
    file.write_text(manifest_text([left], may, **MADE_BY), encoding="utf-8")
    assert "scored\ta\tmean" in withheld_names(
        [june], [june], rules, read_manifest(file)
    )


MANIFEST = {
    "schema": 2,
    "policy": "cms",
    "instrument": "PHQ-9",
    "criteria": "convention 1",
    "numbers": [["ladder", "started", "left", 200]],
    "figures": [["trajectories", "week_2", "estimate", 12.5, 200]],
    "earlier": [],
}


def test_a_manifest_repeats_no_name_of_a_person(tmp_path):
    file = tmp_path / "may.manifest.json"
    file.write_text(json.dumps(MANIFEST | {"instrument": "Anna Smith"}))
    read = read_manifest(file)
    with pytest.raises(UsageError, match="--instrument") as told:
        require_same(read, policy="cms", instrument="PHQ-9", criteria="convention 1")
    assert "Anna" not in str(told.value)


def test_a_manifest_of_another_kind_of_report_is_refused(tmp_path):
    made_by = {"policy": "cms", "instrument": "PHQ-9", "criteria": "convention 1"}
    file = tmp_path / "may.manifest.json"
    file.write_text(manifest_text([], **made_by), encoding="utf-8")
    require_same(read_manifest(file), **made_by)
    with pytest.raises(UsageError, match=r"--policy \(then cms, now midpoint6\)"):
        require_same(read_manifest(file), **(made_by | {"policy": "midpoint6"}))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"numbers": 3}',
        "[" * 3_000,
        '{"schema": "Anna Smith"}',
        "\x00",
        # JSON as Python reads it has numbers without end.
        '{"numbers": [["Anna Smith", "b", "c", 1e999]]}',
        # Half a person, fewer than nobody, a version that is a truth, a policy that is a person.
        *(
            json.dumps(MANIFEST | change)
            for change in (
                {"numbers": [["Anna Smith", "b", "c", 5.9]]},
                {"numbers": [["Anna Smith", "b", "c", -5]]},
                {"numbers": [["Anna Smith", "b", "c", True]]},
                {"schema": True},
                {"figures": [["Anna Smith", "b", "c", "12.5", 30]]},
                {"figures": [["Anna Smith", "b", "c", 1e999, 30]]},
                {"figures": [["Anna Smith", "b", "c", 12.5, 29.5]]},
                {"earlier": [{"numbers": []}]},
                {"policy": "Anna Smith"},
            )
        ),
    ],
)
def test_a_file_that_is_no_manifest_is_told_so_and_not_repeated(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="is no manifest of a kettrack report") as told:
        read_manifest(file)
    assert "Anna" not in str(told.value)
    with pytest.raises(UsageError, match="cannot be read"):
        read_manifest(tmp_path / "none.json")


def table(key, roles=None, **columns):
    named = {"key": "key", "n": "denominator", "at_risk": "running", "left": "running"}
    roles = {c: named.get(c, "count") for c in ("key", *columns)} | (roles or {})
    return Printed(pd.DataFrame({"key": key, **columns}), roles)


# Each found by hand in a report: a table, what always holds, and the number that it told.
LEAKS = {
    "what is at risk beside n": (
        table(["a"], n=[113], at_risk=[104]),
        Relations(nested={"t": (("at_risk", "n", 0),)}),
        ReleaseCell("t", "a", "n without at_risk"),
    ),
    "a part that is one short": (
        table(["a"], n=[85], well=[69], ill=[15], unclear=[1]),
        Relations(
            columns={
                "t": (
                    (("n", 0, 1), ("well", 0, -1), ("ill", 0, -1), ("unclear", 0, -1)),
                )
            }
        ),
        ReleaseCell("t", "a", "unclear"),
    ),
    "people with at least 4 and at least 5 sessions": (
        table(["3", "4", "5"], {"n": "running"}, n=[80, 40, 39]),
        Relations(nested={"t": (("n", "n", 1),)}),
        ReleaseCell("t", "4", "n without n next"),
    ),
    "people with a value, beside everybody": (
        table(["sex", "age", "anxiety"], n=[600, 600, 592]),
        Relations(
            cells=(
                ((ReleaseCell("t", "sex", "n"), 1), (ReleaseCell("t", "age", "n"), -1)),
            ),
            recorded={"t": ("n",)},
        ),
        ReleaseCell("t", "anxiety", "everybody without n"),
    ),
    "a column that adds up": (
        table(["a", "b", "c", "d", "all"], events=[13, 15, 42, 10, 80]),
        Relations(
            cells=(
                tuple(
                    (ReleaseCell("t", row, "events"), -1 if row == "all" else 1)
                    for row in ("a", "b", "c", "d", "all")
                ),
            )
        ),
        ReleaseCell("t", "d", "events"),
    ),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_a_kind_of_leak_is_seen_and_closed(kind):
    true, relations, told = LEAKS[kind]
    counts = true.table[true.counts].astype("Int64")
    gated = true.table.assign(**counts.mask(counts.lt(SMALLEST) & counts.gt(0)))
    printed = {"t": Printed(gated, true.roles)}
    puzzle = Puzzle(printed, relations, {"t": true})
    small = puzzle.small(SMALLEST)
    assert told in puzzle.told(puzzle.system(), small, SMALLEST)

    hidden = hidden_cells({"t": true}, printed, relations, get_policy("cms"))
    closed = Puzzle({"t": without(printed["t"], hidden, "t")}, relations)
    assert closed.told(closed.system(), small, SMALLEST) == []
    # Something is left: hiding everything would be safe too.
    assert closed.read


def by_kind(kinds, **columns):
    keys = [f"{kind} {at}" for at, kind in enumerate(kinds)]
    return table(keys, {"kind": "label"}, kind=kinds, **columns)


# Of sites and drugs that no simulated clinic has, so that nothing can be learned of them.
OURS = {
    "t": by_kind(["everybody", "our site", "our site", "our site"], n=[52, 30, 16, 6]),
    "u": by_kind(["scored", "our drug", "our drug"], n=[50, 41, 11]),
    "v": table(["everybody 0", "13"], {"n": "running"}, n=[52, 20], left=[0, 12]),
    "w": table(["everybody 0", "13"], {"n": "running"}, n=[49, 20], left=[3, 12]),
}


def test_what_a_reader_guesses_of_names_that_nobody_has_learned():
    true = read_counts(OURS)
    tried = tried_sums(OURS)
    for cell, parts in tried.items():
        true[cell] = sum(true[part] for part in parts)
    found = {
        (*one, *other) for (one, _), (other, _) in guessed(OURS, tried.keys(), true)
    }
    # The groups of one kind are everybody; those of another kind are not all of them.
    whole = ("t", "everybody 0", "n")
    sites = ("t", "kind=our site", "sum of n")
    assert {cells for cells in found if "sum of n" in cells} == {
        (*whole, *sites),
    }
    # The same week of two tables; rows that differ here are not taken for equal.
    assert ("v", "13", "left", "w", "13", "left") in found
    assert ("v", "everybody 0", "n", "w", "everybody 0", "n") not in found


def test_groups_that_only_this_clinic_has_do_not_tell_of_few_people():
    true = {"t": OURS["t"]}
    n = OURS["t"].table["n"].astype("Int64")
    gated = OURS["t"].table.assign(n=n.mask(n < SMALLEST))
    printed = {"t": Printed(gated, OURS["t"].roles)}
    told = ReleaseCell("t", "our site 3", "n")
    puzzle = Puzzle(printed, Relations(), true)
    small = puzzle.small(SMALLEST)
    assert told in puzzle.told(puzzle.system(), small, SMALLEST)
    hidden = hidden_cells(true, printed, Relations(), get_policy("cms"))
    closed = Puzzle({"t": without(printed["t"], hidden, "t")}, Relations(), true)
    assert closed.told(closed.system(), small, SMALLEST) == []
    assert closed.read


def test_a_share_that_is_of_another_whole_stops_no_release():
    """A share of 20 % happens to be 8 of 40 in the only row, and is one of 25 others: no number
    fits it, so whoever believes it is told nothing.
    """
    shares = pd.DataFrame({"key": ["a"], "n": [40], "events": [5], "estimate": [20.0]})
    roles = {"key": "key", "n": "denominator", "events": "count", "estimate": "derived"}
    true = {"t": Printed(shares.assign(estimate=12.5), roles)}
    gated = {"t": Printed(shares.assign(events=pd.array([pd.NA], "Int64")), roles)}
    same = (
        (ReleaseCell("t", "a", "events"), 1),
        (ReleaseCell("t", "a", "estimate of n"), -1),
    )
    relations = Relations(cells=(same,))
    puzzle = Puzzle(gated, relations, true)
    assert puzzle.misleading() == [ReleaseCell("t", "a", "estimate of n")]
    assert hidden_cells(true, gated, relations, get_policy("cms")) == set()


def test_what_follows_from_two_other_tables_is_seen():
    counts = table(["1"], in_all=[8])
    gaps = table(["1", "2"], {"n": "running"}, n=[50, 42])
    holds = (
        (ReleaseCell("counts", "1", "in_all"), 1),
        (ReleaseCell("gaps", "1", "n"), -1),
        (ReleaseCell("gaps", "2", "n"), 1),
    )
    relations = Relations(cells=(holds,))
    gone = Printed(counts.table.assign(in_all=pd.array([pd.NA], "Int64")), counts.roles)
    true, printed = {"counts": counts, "gaps": gaps}, {"counts": gone, "gaps": gaps}
    puzzle = Puzzle(printed, relations, true)
    small = puzzle.small(SMALLEST)
    assert puzzle.told(puzzle.system(), small, SMALLEST) == [
        ReleaseCell("counts", "1", "in_all")
    ]
    assert hidden_cells(true, printed, relations, get_policy("cms"))


def test_only_what_tells_a_number_is_hidden_for_it():
    """Three sums of two tell each of three numbers; nine others bind it and tell nothing."""
    decoys = 9
    counts = {"one": 4, "a": 50, "b": 50}
    counts |= {f"other{k}": 30 + k for k in range(decoys)}
    sums = {f"with_other{k}": ("one", f"other{k}") for k in range(decoys)}
    sums |= {"one_a": ("one", "a"), "one_b": ("one", "b"), "a_b": ("a", "b")}
    wholes = {name: sum(counts[part] for part in parts) for name, parts in sums.items()}
    row = {name: [count] for name, count in {**wholes, **counts}.items()}
    true = {"t": table(["row"], **row)}
    gone = {name: pd.array([pd.NA], "Int64") for name in counts}
    shown = {"t": true["t"]._replace(table=true["t"].table.assign(**gone))}
    of = functools.partial(ReleaseCell, "t", "row")
    holds = tuple(
        ((of(name), 1), *((of(part), -1) for part in parts))
        for name, parts in sums.items()
    )
    puzzle = Puzzle(shown, Relations(cells=holds), true)
    small = puzzle.small(SMALLEST)
    assert puzzle.told(puzzle.system(), small, SMALLEST) == [of("one")]
    hidden = hidden_cells(true, shown, Relations(cells=holds), get_policy("cms"))
    assert len(hidden) == 1
    assert puzzle.told(puzzle.system(hidden), small, SMALLEST) == []


# What follows from bands: 67 or more people of whom 66 at most are in the rest leave 1 or more; 66
# at most, of whom five groups hold 13 or more each, leave 1 or fewer. None of them is small.
BANDS = {
    "whole": 67,
    "rest": 66,
    "total": 66,
    "a": 13,
    "b": 13,
    "c": 13,
    "d": 13,
    "e": 13,
}


def test_a_small_number_that_stands_nowhere_is_not_told_by_rounded_ones():
    policy = get_policy("midpoint6")
    bands = table(["row"], **{name: [count] for name, count in BANDS.items()})
    rounded = {c: policy.rounding.of(bands.table[c]).astype(int) for c in BANDS}
    alone = table(["row"], one=[1])
    gone = alone._replace(table=alone.table.assign(one=pd.array([pd.NA], "Int64")))
    truth = {"bands": bands, "alone": alone}
    shown = {
        "bands": bands._replace(table=bands.table.assign(**rounded)),
        "alone": gone,
    }
    one = ReleaseCell("alone", "row", "one")
    of = functools.partial(ReleaseCell, "bands", "row")
    holds = (
        ((of("whole"), 1), (of("rest"), -1), (one, -1)),
        ((of("total"), 1), *((of(each), -1) for each in "abcde"), (one, -1)),
    )
    relations = Relations(cells=holds)
    puzzle = Puzzle(shown, relations, truth, policy.meant)
    assert puzzle.truly_told((), [one]) == [one]
    hidden = told_by_rounding(truth, shown, relations, policy)
    assert len(hidden) == 1
    assert puzzle.truly_told(hidden, [one]) == []


def test_a_share_tells_its_count():
    shares = Printed(
        pd.DataFrame(
            {"key": ["a", "b"], "n": [22, 40], "estimate": [100 * 3 / 22, 50.0]}
        ),
        {"key": "key", "n": "denominator", "estimate": "derived"},
    )
    assert (
        Puzzle({"t": shares}, Relations()).read[ReleaseCell("t", "a", "estimate of n")]
        == 3
    )


def test_a_figure_below_0_is_no_share_of_people():
    """A net benefit of -5 % of 20 people is no -1 of them: no report ends in an error over it."""
    benefit = Printed(
        pd.DataFrame({"key": ["a"], "n": [20], "benefit": [-5.0]}),
        {"key": "key", "n": "denominator", "benefit": "derived"},
    )
    found = {"t": benefit}
    assert set(read_counts(found)) == {ReleaseCell("t", "a", "n")}
    assert hidden_cells(found, found, Relations(), get_policy("cms")) == set()


@pytest.mark.parametrize(
    ("policy", "shown", "low", "high"),
    [
        ("midpoint6", 0, 0, 0),
        ("midpoint6", 3, 1, 6),
        ("midpoint6", 9, 7, 12),
        ("opensafely", 10, 8, 12),
        ("opensafely", 15, 13, 17),
        ("cms", 12, 12, 12),
    ],
)
def test_the_attacker_knows_the_rounding(policy, shown, low, high):
    rules = get_policy(policy)
    assert rules.meant(shown) == (low, high)
    # Exactly the numbers from low to high are shown like this.
    if rules.rounding is not None and shown:
        numbers = pd.Series(range(rules.smallest_count, 60), dtype=float).to_numpy()
        alike = numbers[rules.rounding.of(numbers) == shown]
        assert (alike.min(), alike.max()) == (low, high)


def test_only_whole_numbers_of_people_count():
    """Twice a number between 5 and 7 is 12 or nothing: 6."""
    sums = Sums.of([Sum([0], [2], 11, 13)])
    hidden = HiddenNumbers([0], [100], sums)
    assert hidden.never_reaching([0], 7, largest=True) == [0]
    assert hidden.never_reaching([0], 5, largest=False) == [0]
    assert hidden.never_reaching([0], 6, largest=True) == []
    assert hidden.never_reaching([0], 6, largest=False) == []


@pytest.mark.parametrize("far", [1, 600])
def test_a_number_is_told_by_sums_near_and_far(far):
    """Two numbers add up to 10 and differ by 4: 7 and 3. Each is at the end of a chain of numbers
    that are all the same as it, and the first of the chain is asked for.
    """
    same = [Sum([at, at + 1], [1, -1]) for at in range(far)]
    other = far + 1
    pair = [Sum([far, other], [1, 1], 10, 10), Sum([far, other], [1, -1], 4, 4)]
    cells = far + 2
    # Beside it one that everything leaves open.
    loose = Sum([0, cells, cells + 1], [1, 1, -1])
    sums = Sums.of([*same, *pair, loose])
    hidden = HiddenNumbers([0] * (cells + 2), [100] * (cells + 2), sums)
    assert hidden.never_reaching([0, cells], 8, largest=True) == [0]
    assert hidden.never_reaching([0, cells], 6, largest=False) == [0]
    assert hidden.never_reaching([0], 7, largest=True) == []
    assert hidden.never_reaching([0], 7, largest=False) == []


def test_relations_read_as_they_are_written():
    stored = stored_relations()
    again = Relations.read("\n".join(stored.lines()))
    assert again == stored
    assert Relations.read("\n".join(replace(stored, cells=()).lines())).cells == ()


def test_columns_that_add_up_are_found():
    rows = pd.DataFrame({"n": [9, 5, 7, 11, 3, 8, 6, 2], "a": [4, 2, 6, 1, 3, 5, 0, 2]})
    rows["b"] = rows["n"] - rows["a"]
    (found,) = null_space(rows.to_numpy(float))
    assert sorted(found.tolist()) in ([-1, -1, 1], [-1, 1, 1])


def test_people_recorded_at_each_session_do_not_tell_who_left_between():
    """Dissociation was recorded of 34 people at session 11 and of 31 at session 12: 3 had left."""
    name = "dissociation_over_sessions"
    people = release_of(released(clinic(31, 120, "cms"), (name,)))[name]
    everybody = people.table.loc[people.table["key"].str.startswith("route0_"), "n"]
    left = everybody.dropna().diff().dropna()
    assert len(left) > 1
    assert not left.abs().between(1, SMALLEST - 1).any()


def test_a_number_of_sessions_does_not_tell_of_few_people_how_many_they_are():
    """Whoever came to the last phase had all eight sessions of the first: 21 sessions, which stands
    for 19 to 24, were those of 3 people.
    """
    names = ("adverse_events_by_phase",)
    found = attack_clinic(91_006, 40, "midpoint6", stored_relations(), names)
    assert found.told == ()
    assert found.shown > 0
