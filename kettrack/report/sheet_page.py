"""A sheet of one patient as an HTML file of one page: no script, and nothing from the network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from kettrack import __version__
from kettrack.analysis.people.sheet import Sheet
from kettrack.report.first_page import FirstAnswer, FirstPage, PageAnswer
from kettrack.report.layout import render
from kettrack.report.pictures import draw_inline
from kettrack.writing import write_text

_BANNER: Final = "One patient: confidential. For the treating clinic and this patient."


def write_sheet(sheet: Sheet, patient_id: str, output: Path) -> None:
    """Lay a sheet out and write it.

    Parameters
    ----------
    sheet : Sheet
        From `patient_sheet`.
    patient_id : str
        The study code, named on the page.
    output : Path
        The HTML file; it appears whole or not at all.
    """
    said = f"{sheet.headline} {sheet.sentence}"
    answer = FirstAnswer(
        question=f"Patient {patient_id}",
        headline=sheet.headline,
        sentence=sheet.sentence,
        picture=draw_inline("score", sheet.scores, f"Scores over days. {said}"),
    )
    lines = {line.label: line.text for line in sheet.lines}
    page = FirstPage(
        banner=_BANNER,
        answers=(PageAnswer("What this sheet cannot say", sheet.cautions),),
        # One line each, so that the whole sheet is one printed page.
        made_from=lines | {"Version": f"kettrack {__version__}"},
        first=(answer,),
        foot="What was recorded",
    )
    write_text(render(sheet.title, page, {}), output)
