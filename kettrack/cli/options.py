"""Options of single questions on the command line: `--set NAME=VALUE`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kettrack.errors import UsageError
from kettrack.escapes import in_terminal

if TYPE_CHECKING:
    from kettrack.analysis.registry import Question


def read_options(asked: Question, given: Sequence[str]) -> dict[str, Any]:
    """Options of a question from texts such as `week=26`.

    Parameters
    ----------
    asked : Question
        Whose options they are.
    given : sequence of str
        One text for each option.

    Returns
    -------
    dict
        Name to value, of the kind that the question takes.

    Raises
    ------
    UsageError
        For a text without `=`, an option that the question does not take, one given twice, one that
        is no text, and what should be a whole number and is none.

    Examples
    --------
    >>> from kettrack.analysis.registry import get_question
    >>> read_options(get_question("two_groups"), ["column=age", "week=26"])
    {'column': 'age', 'week': 26}
    """
    from kettrack.analysis.registry import require_options

    found: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        # On a command line hyphens are usual.
        name = name.strip().replace("-", "_")
        if not equals:
            raise UsageError(
                f"--set takes NAME=VALUE, such as --set week=26, not {in_terminal(text)!r}."
            )
        if name in found:
            raise UsageError(f"{name} is given twice.")
        require_options(asked, {name: None})
        found[name] = _read_value(asked, name, value.strip())
    return found


def options_in_words(asked: Question) -> str:
    """The options of a question as they can be typed, with their defaults; empty where it has
    none.

    Examples
    --------
    >>> from kettrack.analysis.registry import get_question
    >>> options_in_words(get_question("missing_scores"))
    '--set horizon=week_12'
    """
    return " ".join(
        f"--set {name}={_as_typed(default)}"
        for name, default in asked.options.items()
        if not _takes_answers(asked, name)
    )


def _as_typed(default: Any) -> str:
    """A default as a person would type it; dots where there is none, since the clinic decides."""
    return str(default) if default or default == 0 else "..."


def _read_value(asked: Question, name: str, text: str) -> Any:
    """One value, by what the question says that it takes."""
    kind = _kind(asked, name)
    if _takes_answers(asked, name):
        raise UsageError(
            f"{name} takes the answer of another question, which only Python can hand over."
            f" {asked.name} finds it by itself without the option."
        )
    if kind.startswith("tuple[str"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    # Whether it is one of the words that the question knows is told by the question.
    if "int" not in kind:
        return text
    try:
        return int(text)
    except ValueError:
        raise UsageError(
            f"{name} is a whole number, not {in_terminal(text)!r}."
        ) from None


def _takes_answers(asked: Question, name: str) -> bool:
    return "Result" in _kind(asked, name)


def _kind(asked: Question, name: str) -> str:
    """The type of an option as it stands in the code, such as `int | None`."""
    annotation = inspect.signature(asked.answer).parameters[name].annotation
    return str(annotation)
