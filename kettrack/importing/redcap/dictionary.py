"""The data dictionary of a REDCap project: what each field is."""

from __future__ import annotations

import re
from collections.abc import (
    Mapping,
    Sequence,
)
from dataclasses import (
    dataclass,
    field,
)
from typing import Final

from kettrack.importing.delimited import Delimited

# Name in the file that the web page of a project gives -> in that of its programming interface.
_COLUMNS: Final[Mapping[str, str]] = {
    "Variable / Field Name": "field_name",
    "Form Name": "form_name",
    "Field Type": "field_type",
    "Field Label": "field_label",
    "Choices, Calculations, OR Slider Labels": "select_choices_or_calculations",
    "Text Validation Type OR Show Slider Number": (
        "text_validation_type_or_show_slider_number"
    ),
    "Identifier?": "identifier",
}
_NEEDED: Final = ("field_name", "form_name", "field_type")
_NUMBERS: Final = ("integer", "number", "float")
_CHOICES: Final = ("radio", "dropdown", "checkbox", "sql")
# Kinds of fields whose choices stand nowhere, as they are always the same.
_FIXED: Final[Mapping[str, Mapping[str, str]]] = {
    "yesno": {"1": "Yes", "0": "No"},
    "truefalse": {"1": "True", "0": "False"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedcapField:
    """One field of a project.

    Parameters
    ----------
    name, form : str
        Its name and that of the form it is on.
    kind : str
        Type of the field, such as `text`, `radio`, `checkbox`, `calc`, `notes`.
    label : str
        The question, without markup.
    choices : mapping
        Code to label.
    validation : str
        Of a text field, such as `date_dmy` or `integer`.
    identifier : bool
        Whether the project calls it an identifier.
    """

    name: str
    form: str
    kind: str = "text"
    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    validation: str = ""
    identifier: bool = False

    @property
    def is_date(
        self,
    ) -> bool:
        """Whether it holds dates, with or without a time."""
        return self.validation.startswith("date")

    @property
    def is_number(
        self,
    ) -> bool:
        """Whether nothing but a number can stand in it."""
        return self.kind in ("calc", "slider") or self.validation.startswith(_NUMBERS)


@dataclass(frozen=True, slots=True)
class DataDictionary:
    """All fields of a project by name, in their order; empty where no dictionary is there."""

    fields: Mapping[str, RedcapField] = field(default_factory=dict)

    @property
    def forms(
        self,
    ) -> Sequence[str]:
        """Names of the forms, in their order."""
        return tuple(dict.fromkeys(one.form for one in self.fields.values()))

    def field_of(
        self,
        column: str,
    ) -> RedcapField | None:
        """The field that a column of an export belongs to; `name___2` is a box of `name`.

        Examples
        --------
        >>> route = RedcapField(name="inf_route", form="infusion", kind="checkbox")
        >>> DataDictionary({"inf_route": route}).field_of("inf_route____1").form
        'infusion'
        """
        return self.fields.get(column) or self.fields.get(column.partition("___")[0])


def is_dictionary(
    headers: Sequence[str],
) -> bool:
    """Tell whether a file is a data dictionary, by the names of its columns.

    Examples
    --------
    >>> is_dictionary(["Variable / Field Name", "Form Name", "Field Type"])
    True
    >>> is_dictionary(["record_id", "form_name"])
    False
    """
    names = {_COLUMNS.get(header, header) for header in headers}
    return names.issuperset(_NEEDED)


def dictionary_from(
    table: Delimited,
) -> DataDictionary:
    """Read the rows of a data dictionary."""
    names = [_COLUMNS.get(header, header) for header in table.headers]
    cells = {
        name: column.to_pylist()
        for name, column in zip(names, table.columns, strict=True)
    }
    fields = {}
    for row in range(table.n_rows):
        said = {name: column[row] or "" for name, column in cells.items()}
        one = _field(said)
        # Texts between the questions hold no data.
        if one.name and one.kind != "descriptive":
            fields[one.name] = one
    return DataDictionary(fields)


def _field(
    said: Mapping[str, str],
) -> RedcapField:
    kind = said["field_type"].casefold()
    choices = said.get("select_choices_or_calculations", "")
    return RedcapField(
        name=said["field_name"],
        form=said["form_name"],
        kind=kind,
        label=without_markup(said.get("field_label", "")),
        choices=_FIXED.get(kind) or (_choices(choices) if kind in _CHOICES else {}),
        validation=said.get("text_validation_type_or_show_slider_number", ""),
        identifier=said.get("identifier", "").casefold() == "y",
    )


def _choices(
    text: str,
) -> dict[str, str]:
    """`1, Yes | 0, No` as code to label; old dictionaries part the choices by a written line
    end.
    """
    found = {}
    for choice in re.split(r"\||\\n|\n", text):
        code, comma, label = choice.partition(",")
        # Without a comma it is no choice but a piece of a formula or a slider.
        if comma:
            found[code.strip()] = without_markup(label)
    return found


def without_markup(
    text: str,
) -> str:
    """A label without tags, line ends and blanks around it.

    Examples
    --------
    >>> without_markup("<b>Little interest</b>  or pleasure")
    'Little interest or pleasure'
    """
    return " ".join(re.sub(r"<[^>]*>", " ", text).split())
