"""JSON to records; one that is nested without end, or holds broken letters, cannot be read."""

from __future__ import annotations

from typing import TypeVar

import msgspec

_T = TypeVar("_T")


def decoded(
    decoder: msgspec.json.Decoder[_T],
    body: bytes | msgspec.Raw,
) -> _T:
    """Decode JSON.

    Parameters
    ----------
    decoder : Decoder
        Knows the fields.
    body : bytes or Raw
        JSON.

    Raises
    ------
    DecodeError
        When it is no JSON, of other types, or nested deeper than any record of FHIR.
    """
    try:
        return decoder.decode(body)
    except RecursionError:
        raise msgspec.ValidationError("nested too deep") from None
    # Bytes that are no UTF-8 are told apart from other faults only within some texts.
    except UnicodeDecodeError:
        raise msgspec.DecodeError("no UTF-8") from None
