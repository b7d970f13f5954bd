"""The handout for patients: its figures, its words in three languages, and when there is none."""

from __future__ import annotations

import ast
import gettext
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import polib  # type: ignore[import-untyped]
import pyphen  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_answers import derived_sample, sample_answer

from kettrack.analysis import handout
from kettrack.analysis.handout import Handout, handout_figures, whole_people
from kettrack.analysis.page_tables import PageTables
from kettrack.cli.app import main
from kettrack.errors import NotIdentified, UsageError
from kettrack.reading.settings_file import load_settings
from kettrack.report import handout_words
from kettrack.report.catalogue import FOLDER, languages, read_catalogue
from kettrack.report.handout_page import handout_page
from kettrack.report.handout_words import HandoutText, handout_text
from kettrack.vocabulary.limits import FEWEST_STARTED_FOR_HANDOUT
from kettrack.vocabulary.rules import Predicate

ENGLISH = gettext.NullTranslations()
PLACE = re.compile(r"\{\w+\}")
# A reading age of 12 years is the seventh grade of school.
HARDEST_GRADE = 7


@cache
def told() -> Handout:
    return handout_figures(derived_sample("midpoint6"))


def sentences(text: HandoutText) -> list[str]:
    said = [text.lead, *text.limits, *text.published, text.help]
    for block in text.blocks:
        said += [block.question, *block.sentences]
    return said


def all_said(figures: Handout) -> str:
    return "\n".join(sentences(handout_text(figures, ENGLISH)))


def test_every_one_of_a_hundred_people_has_one_place() -> None:
    figures = told()
    assert sum(figures.states.values()) == 100
    assert figures.still is not None
    assert figures.again is not None
    assert figures.lost is not None
    assert figures.still + figures.again + figures.lost == 100
    # Picture and sentence say the same.
    assert figures.states["better"] == figures.better[max(figures.better)]


def test_the_best_case_adds_those_who_are_not_known_and_nobody_else() -> None:
    figures = told()
    unknown = figures.states["unknown"]
    assert figures.at_most == figures.states["better"] + unknown
    said = all_said(figures)
    assert f"we do not know how {unknown} of 100 people were" in said
    best = "If all of these had felt much better, it would be"
    assert f"{best} {figures.at_most} of 100." in said


def test_nobody_becomes_worse_again_by_more_sessions() -> None:
    by_session = list(told().better.values())
    assert list(told().better) == [2, 4, 6, 8]
    assert by_session == sorted(by_session)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any))
def test_whole_people_add_up_and_are_never_one_away(parts: list[int]) -> None:
    shares = {str(place): 100 * part / sum(parts) for place, part in enumerate(parts)}
    people = whole_people(shares, 100)
    assert sum(people.values()) == 100
    assert all(abs(people[name] - shares[name]) < 1 for name in shares)


def test_what_leaves_the_clinic_needs_a_policy() -> None:
    with pytest.raises(UsageError, match="--policy release"):
        handout_figures(derived_sample())


def test_few_people_have_no_handout() -> None:
    cohort = derived_sample("midpoint6")
    few = cohort.outcomes["patient_id"][: FEWEST_STARTED_FOR_HANDOUT - 1]
    is_one_of_few = cohort.outcomes["patient_id"].isin(few).to_numpy(bool)
    with pytest.raises(NotIdentified, match="Fewer than 50 people"):
        handout_figures(cohort.of_people(is_one_of_few))


def test_good_news_is_hidden_where_harm_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PageTables, "hides_harm", lambda _: True)
    figures = handout_figures(derived_sample("midpoint6"))
    said = all_said(figures)
    assert figures.better == {}
    assert figures.states == {}
    assert "felt much better" not in said
    assert said.count("somebody could be recognised") == 3
    # The harm that may be told is still there.
    assert "got worse at some time" in said
    assert 'class="better"' not in handout_page(figures)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (Predicate("percent_change", "at most", -30), "fell by 30 % or more"),
        (Predicate("score", "at most", 10), "a score of 10 or less"),
    ],
)
def test_the_rule_in_force_is_told(rule: Predicate, words: str) -> None:
    assert words in all_said(replace(told(), response=rule))


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0, "0 of 100 people got worse"),
        (0.4, "fewer than 1 of 100 people got worse"),
        (1.4, "1 of 100 people got worse"),
        (None, "Who got worse: This is not shown here."),
    ],
)
def test_harm_is_told_or_said_to_be_missing(share: float | None, words: str) -> None:
    assert words in all_said(replace(told(), worse=share))


@pytest.mark.parametrize(
    ("attempts", "deaths", "unended", "words"),
    [
        (3, 0, False, "About 3 attempts at suicide were written down."),
        (0, 0, False, "No attempt at suicide was written down."),
        (0, 0, False, "No death was written down."),
        (0, 9, False, "About 9 deaths were written down, of any cause."),
        (None, None, False, "Attempts at suicide: The records of this clinic"),
        (0, 0, True, "More was written down of people whose records are not complete."),
    ],
)
def test_attempts_and_deaths_are_told(
    attempts: int | None, deaths: int | None, unended: bool, words: str
) -> None:
    missing = {**told().missing, "attempts": "not known", "deaths": "not known"}
    figures = replace(
        told(), attempts=attempts, deaths=deaths, unended=unended, missing=missing
    )
    assert words in all_said(figures)


def test_attempts_and_deaths_are_those_of_the_report() -> None:
    cohort = derived_sample("midpoint6")
    table = sample_answer("suicidality_in_short", "midpoint6").table.set_index("key")
    there = table.index.intersection(["suicide", "death"])
    assert told().attempts == table.loc["attempt", "events"]
    assert told().deaths == table.loc[there, "events"].sum()
    # Under a policy that hides, a few deaths are neither told nor called none.
    alone = replace(cohort.cohort, settings=replace(cohort.settings, policy="cms"))
    hidden = handout_figures(alone)
    assert hidden.attempts is None or hidden.attempts == 0 or hidden.attempts >= 11
    assert hidden.deaths is None or hidden.deaths == 0 or hidden.deaths >= 11


def test_no_session_with_a_record_is_not_none_that_was_serious() -> None:
    said = all_said(replace(told(), serious=0, sessions=0))
    assert "no serious one was seen" not in said
    assert "How many of them were serious is not known or not shown." in said


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((-1.2, -2.0, -0.4), "1.2 points lower. That is better."),
        ((1.2, 0.4, 2.0), "1.2 points higher. That is worse."),
        ((-1.2, -2.6, 0.2), "We cannot tell"),
    ],
)
def test_one_more_session(more: tuple[float, float, float], words: str) -> None:
    said = all_said(replace(told(), more=more))
    assert words in said
    # Where nothing is claimed there is nothing to call no proof.
    assert ("This is no proof" in said) is ("cannot tell" not in words)


def test_it_can_be_read_at_twelve() -> None:
    said = sentences(handout_text(told(), ENGLISH))
    text = " ".join(f"{sentence.rstrip('.?')}." for sentence in said)
    ends = len(re.findall(r"[.?](?= |$)", text))
    words = re.findall(r"[A-Za-z]+", text)
    parts = pyphen.Pyphen(lang="en_GB")
    syllables = sum(len(parts.inserted(word).split("-")) for word in words)
    # Flesch-Kincaid grade level (Kincaid and others 1975).
    grade = 0.39 * len(words) / ends + 11.8 * syllables / len(words) - 15.59
    assert grade <= HARDEST_GRADE


def sentences_in_code() -> set[tuple[str, str]]:
    """Every sentence of the words of a handout, with its plural."""
    tree = ast.parse(Path(handout_words.__file__).read_text(encoding="utf-8"))
    calls = [
        (node.func.attr, node.args)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    ]
    # The words come after the context, and before the number.
    first = {"gettext": 0, "ngettext": 0, "pgettext": 1}
    return {
        (
            ast.literal_eval(arguments[first[name]]),
            ast.literal_eval(arguments[1]) if name == "ngettext" else "",
        )
        for name, arguments in calls
        if name in first
    }


@pytest.mark.parametrize("language", languages()[1:])
def test_every_sentence_is_translated(language: str) -> None:
    entries = polib.pofile(str(FOLDER / f"{language}.po"))
    assert {
        (entry.msgid, entry.msgid_plural) for entry in entries
    } == sentences_in_code()
    for entry in entries:
        translated = list(entry.msgstr_plural.values()) or [entry.msgstr]
        assert all(translated), entry.msgid
        for words in translated:
            assert sorted(PLACE.findall(words)) == sorted(PLACE.findall(entry.msgid))


def test_numbers_are_written_as_in_the_language() -> None:
    _, german = read_catalogue("de")
    text = handout_text(replace(told(), more=(-1.2, -2.0, -0.4)), german)
    assert "1,2 Punkte niedriger" in "\n".join(sentences(text))


def test_the_plural_follows_the_number() -> None:
    _, spanish = read_catalogue("es")
    for share, verb in ((1.0, "empeoró"), (2.0, "empeoraron")):
        text = handout_text(replace(told(), worse=share), spanish)
        assert f"personas {verb} en algún momento" in "\n".join(sentences(text))


def test_a_catalogue_of_ones_own_and_its_faults(tmp_path: Path) -> None:
    own = tmp_path / "nl.po"
    own.write_text(
        'msgid ""\nmsgstr "Language: nl\\n"\n\nmsgid "not known"\nmsgstr "niet bekend"\n',
        encoding="utf-8",
    )
    code, words = read_catalogue(str(own))
    assert (code, words.gettext("not known")) == ("nl", "niet bekend")
    assert words.gettext("got worse") == "got worse"
    own.write_bytes(b"\xff\xfe no catalogue")
    with pytest.raises(UsageError, match=r"nl\.po cannot be read"):
        read_catalogue(str(own))
    with pytest.raises(UsageError, match="There are: en, de, es"):
        read_catalogue("tlh")


def test_a_page_asks_nobody_and_escapes_words_of_users() -> None:
    page = handout_page(replace(told(), crisis_line="<b>0800 & more</b>"), "de")
    assert '<html lang="de">' in page
    assert "default-src 'none'" in page
    assert "&lt;b&gt;0800 &amp; more&lt;/b&gt;" in page
    for address in ("http://", "https://", "<script", "src=", "url("):
        assert address not in page
    # A narrow page breaks neither of these.
    assert '<span class="whole">50 %</span>' in page
    assert '<span class="whole">PHQ-9</span>' in page
    # One person of the picture for each of a hundred, and one of the legend.
    assert page.count('<g class="stopped"') == told().states["stopped"] + 1


def test_a_crisis_line_may_be_a_telephone_number(tmp_path: Path) -> None:
    file = tmp_path / "kettrack.toml"
    file.write_text('crisis_line = "0800 111 0 111, day and night"\n', encoding="utf-8")
    assert load_settings(file).crisis_line == "0800 111 0 111, day and night"


@pytest.mark.parametrize("line", ["", "988, day and night"])
def test_the_command_writes_a_page(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    line: str,
) -> None:
    figures = replace(told(), crisis_line=line)
    monkeypatch.setattr(handout, "handout_figures", lambda _: figures)
    output = tmp_path / "handout.html"
    with pytest.raises(SystemExit) as end:
        main(["handout", "data/sample", "-o", str(output), "--language", "es"])
    assert end.value.code == 0
    assert "35" in output.read_text(encoding="utf-8")
    said = capsys.readouterr().out
    assert "The handout is in" in said
    # Whoever hands it out is reminded, once nobody is named whom to call.
    assert ("set crisis_line" in said) == (line == "")


def test_an_unknown_language_is_told_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        main(
            [
                "handout",
                "data/sample",
                "-o",
                str(tmp_path / "x.html"),
                "--language",
                "xx",
            ]
        )
    assert end.value.code == 2
    assert "There is no language of this name" in capsys.readouterr().err
