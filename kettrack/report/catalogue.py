"""Sentences in other languages: catalogues of GNU gettext, read as translators write them."""

from __future__ import annotations

import gettext
import io
from pathlib import Path
from typing import Final

from kettrack.errors import UsageError

FOLDER: Final = Path(__file__).parent / "languages"
# The language in which the sentences stand in the code.
SOURCE: Final = "en"


def languages() -> tuple[str, ...]:
    """Languages that come with kettrack.

    Examples
    --------
    >>> languages()
    ('en', 'de', 'es')
    """
    return (SOURCE, *sorted(path.stem for path in FOLDER.glob("*.po")))


def read_catalogue(language: str) -> tuple[str, gettext.NullTranslations]:
    """The sentences of one language.

    Parameters
    ----------
    language : str
        One of `languages`, or the path of a catalogue ending in `.po`.

    Returns
    -------
    tuple of str and NullTranslations
        Code of the language for the page, and its sentences. A sentence that the catalogue lacks
        stays English.

    Raises
    ------
    UsageError
        When there is no such language, or the file is no catalogue.

    Examples
    --------
    >>> read_catalogue("de")[1].gettext("What this page cannot say")
    'Was diese Seite nicht sagen kann'
    """
    if language == SOURCE:
        return SOURCE, gettext.NullTranslations()
    own = language.endswith(".po")
    path = Path(language) if own else FOLDER / f"{language}.po"
    if not own and language not in languages():
        raise UsageError(
            f"There is no language of this name. There are: {', '.join(languages())}; or give the"
            " path of a catalogue that ends in .po."
        )
    # Only people who want another language wait for it.
    import polib  # type: ignore[import-untyped]

    try:
        catalogue = polib.pofile(path.read_text(encoding="utf-8"))
        words = gettext.GNUTranslations(io.BytesIO(catalogue.to_binary()))
    except (OSError, ValueError) as fault:
        raise UsageError(
            f"{path.name} cannot be read as a catalogue of gettext (.po, UTF-8)."
        ) from fault
    return catalogue.metadata.get("Language", "") or path.stem, words
