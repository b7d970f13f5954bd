"""Instruments: one file per scale, each with its construct, and nothing else that lists them."""

import ast
from dataclasses import replace
from pathlib import Path
from typing import get_args

import layout
import pytest
from spec.tables import cohort

from kettrack.analysis.courses.specification import specification
from kettrack.analysis.next_session.answer_table import left_out_instrument
from kettrack.reading.settings_file import load_settings
from kettrack.timelines.derived import derive
from kettrack.vocabulary import instruments
from kettrack.vocabulary.criteria import rated_instruments
from kettrack.vocabulary.days import ASSUMED_RECALL_DAYS
from kettrack.vocabulary.instrument import Construct, Fact, Instrument
from kettrack.vocabulary.instruments import (
    CADSS,
    CSSRS,
    GAD7,
    INSTRUMENTS,
    MADRS,
    PCL5,
    PHQ9,
)

# One person scored on three scales; what each of the two others is, the test says.
SCORES = """
    patient | day | instrument | score
    a       | -1  | PHQ-9      | 20
    a       | -1  | MADRS      | 30
    a       | -1  | OWN-SLEEP  | 20
    a       | 10  | PHQ-9      |  8
    a       | 10  | MADRS      | 12
    a       | 10  | OWN-SLEEP  |  5
    """
OWN = """
    [instruments.OWN-SLEEP]
    minimum = 0
    maximum = 28
    direction = "higher is worse"
    """


@pytest.fixture
def own_scale(tmp_path):
    """A scale from a `kettrack.toml`, with further lines of its table."""

    def read(more=""):
        path = tmp_path / "kettrack.toml"
        path.write_text(f"{OWN}\n{more}", encoding="utf-8")
        return load_settings(path).known_instruments["OWN-SLEEP"]

    return read


def scales_in_range(scale):
    """Scales in the specification table of a clinic that also uses a scale of its own."""
    clinic = cohort(SCORES, "patient | days\n a | 0 3 7", user_instruments=(scale,))
    return set(specification(clinic).table["instrument"])


def test_every_file_of_the_folder_is_listed():
    folder = Path(instruments.__file__).parent
    files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(INSTRUMENTS) == len(files)


def test_no_other_module_keeps_a_list_of_scales():
    # the default of the settings, the scales that publications used, and what CDISC calls them
    may = {
        "kettrack.settings",
        "kettrack.vocabulary.cdisc_words",
        "kettrack.vocabulary.published_results",
    }
    listing = {
        module.name
        for module in layout.modules()
        for node in module.nodes
        if isinstance(node, ast.Constant) and node.value in INSTRUMENTS
    }
    # a simulated clinic scores with one scale, which it names
    homes = (instruments.__name__, "kettrack.simulation.families")
    outside = {name for name in listing if not name.startswith(homes)}
    assert outside <= may


def test_every_built_in_scale_says_what_it_measures():
    assert {scale.construct for scale in INSTRUMENTS.values()} <= set(
        get_args(Construct)
    )


def test_scales_of_a_construct_with_a_response_rule():
    depression = ["PHQ-9", "QIDS-SR16", "IDS-SR30", "MADRS", "HAMD-17", "BDI-II"]
    assert rated_instruments("depression") == depression
    assert rated_instruments("trauma") == [PCL5.name]
    assert rated_instruments("dissociation") == []


def test_an_own_scale_without_a_construct_is_compared_with_no_other(own_scale):
    assert own_scale().construct is None
    assert scales_in_range(own_scale()) == {"PHQ-9", "MADRS"}


def test_an_insomnia_scale_is_not_in_the_range_of_depression(own_scale):
    scale = own_scale('construct = "insomnia"')
    assert scale.construct == "insomnia"
    assert scales_in_range(scale) == {"PHQ-9", "MADRS"}


def test_an_own_scale_of_depression_is_in_the_range(own_scale):
    assert scales_in_range(own_scale('construct = "depression"')) == {
        "PHQ-9",
        "MADRS",
        "OWN-SLEEP",
    }


def test_a_built_in_insomnia_scale_is_not_in_the_range_of_depression():
    scale = Instrument(
        name="OWN-SLEEP", title="", minimum=0, maximum=28, construct="insomnia"
    )
    known = INSTRUMENTS | {"OWN-SLEEP": scale}
    assert "OWN-SLEEP" not in rated_instruments("depression", known)
    assert rated_instruments("insomnia", known) == [
        *rated_instruments("insomnia"),
        "OWN-SLEEP",
    ]


@pytest.mark.parametrize(
    ("primary", "left_out"),
    [(PHQ9, "GAD-7"), (MADRS, "GAD-7"), (PCL5, "GAD-7"), (GAD7, "PHQ-9")],
)
def test_the_measure_left_out_is_of_another_construct(primary, left_out):
    clinic = cohort("patient | day | score\n a | -1 | 20", "patient | days\n a | 0")
    settings = replace(clinic.settings, instrument=primary.name)
    assert left_out_instrument(derive(replace(clinic, settings=settings))) == left_out


@pytest.mark.parametrize(
    ("scale", "stated_days", "days", "assumed"),
    [
        pytest.param(PHQ9, None, 14, False, id="confirmed"),
        pytest.param(CADSS, None, 0, False, id="confirmed: the moment itself"),
        pytest.param(PHQ9, 7, 7, False, id="stated goes before confirmed"),
        pytest.param(PHQ9, 0, 0, False, id="none at all can be stated"),
        pytest.param(MADRS, None, ASSUMED_RECALL_DAYS, True, id="never confirmed"),
        pytest.param(CSSRS, None, ASSUMED_RECALL_DAYS, True, id="not fixed"),
        pytest.param(MADRS, 1, 1, False, id="stated goes before assumed"),
    ],
)
def test_how_far_back_a_score_looks(scale, stated_days, days, assumed):
    recall = scale.recall(stated_days)
    assert (recall.days, recall.assumed) == (days, assumed)


def test_an_assumed_recall_says_so():
    assert str(PHQ9.recall()) == "PHQ-9 asks about the last 14 days."
    assert "not confirmed; 14 days are assumed" in str(MADRS.recall())
    own = replace(MADRS, recall_days=Fact(3, "clinic handbook", "user"))
    assert str(own.recall()) == "MADRS asks about the last 3 days."
