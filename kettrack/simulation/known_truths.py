"""The shipped truths of the scenarios; `python -m kettrack.simulation.known_truths` finds them
anew.

A truth belongs to the numbers it was found with: a scenario that was changed since has none, until
it is found again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from kettrack.simulation.parameters import Parameters
from kettrack.simulation.presets import SCENARIOS, TRUTH_KINDS
from kettrack.simulation.truth import Truth, force_truth
from kettrack.writing import write_text

DEFINITIONS: Final = 1  # raised when what is counted as a truth changes
TRUTH_PEOPLE: Final = 400_000
TRUTH_SEED: Final = 11
CACHE: Final = ".truth"
SHIPPED: Final = Path(__file__).with_name("known_truths.json")


def fingerprint(parameters: Parameters) -> str:
    """Name of a parameter set that changes with any of its numbers, and not with the words about
    it.
    """
    # What is asked belongs to the name as well: another question has another truth.
    kinds = TRUTH_KINDS.get(parameters.name, ())
    text = json.dumps([DEFINITIONS, kinds, describe_numbers(parameters)])
    return sha256(text.encode()).hexdigest()[:16]


def describe_numbers(parameters: Parameters) -> str:
    """Every number of a parameter set as JSON, without the words about it."""
    numbers = asdict(parameters, dict_factory=_what_is_there)
    # A better wording must not cost hours of simulation.
    del numbers["about"]
    return json.dumps(numbers, sort_keys=True)


def _what_is_there(fields: list[tuple[str, Any]]) -> dict[str, Any]:
    """The fields of a value, without those that a scenario has not: a new extra leaves the names of
    all others alone.
    """
    return {name: value for name, value in fields if value is not None}


def known_truths(parameters: Parameters) -> dict[str, Truth]:
    """The shipped truths of a scenario, by the names of `force_truth`; empty for other numbers than
    the shipped ones.

    Examples
    --------
    >>> from kettrack.simulation.presets import SCENARIOS
    >>> known_truths(SCENARIOS["B"])["stop_after_8_minus_3"].value
    0.0
    """
    shipped = json.loads(SHIPPED.read_text(encoding="utf-8"))
    entry = shipped.get(parameters.name, {})
    is_same = entry.get("fingerprint") == fingerprint(parameters)
    return _read(entry) if is_same else {}


def cached_truths(
    parameters: Parameters,
    n: int = TRUTH_PEOPLE,
    seed: int = TRUTH_SEED,
    folder: str | Path = CACHE,
) -> dict[str, Truth]:
    """`force_truth`, kept in a file, so that it is worked out once.

    Parameters
    ----------
    parameters : Parameters
        A scenario.
    n, seed : int
        People and seed.
    folder : str or Path
        Holds one JSON file per parameter set, number and seed; made where it does not exist.

    Returns
    -------
    dict of str to Truth
        As `force_truth`.
    """
    # The name holds all that the truth depends on, so a stale file is never read.
    name = f"truth-{parameters.name}-{fingerprint(parameters)}-{n}-{seed}.json"
    path = Path(folder) / name
    if not path.is_file():
        entry = _entry(
            parameters,
            n,
            seed,
            force_truth(parameters, n, seed),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(json.dumps(entry), path)
    return _read(json.loads(path.read_text(encoding="utf-8")))


def _entry(
    parameters: Parameters,
    n: int,
    seed: int,
    truths: Mapping[str, Truth],
) -> dict[str, Any]:
    """The truths of one scenario with what they were found with; each is a value and its error,
    with as many decimals as Monte Carlo can tell.
    """
    return {
        "fingerprint": fingerprint(parameters),
        "n": n,
        "seed": seed,
        "truths": {
            name: [round(truth.value, 5), round(truth.error, 5)]
            for name, truth in truths.items()
        },
    }


def _read(entry: Mapping[str, Any]) -> dict[str, Truth]:
    return {
        name: Truth(value, error)
        for name, (value, error) in entry.get("truths", {}).items()
    }


def describe_truths(
    folder: str | Path = CACHE,
    n: int = TRUTH_PEOPLE,
    seed: int = TRUTH_SEED,
) -> str:
    """Text of `known_truths.json`: one line per truth, so that a change can be read."""
    table = {
        name: _entry(
            scenario,
            n,
            seed,
            cached_truths(
                scenario,
                n,
                seed,
                folder,
            ),
        )
        for name, scenario in SCENARIOS.items()
        if name in TRUTH_KINDS
    }
    text = json.dumps(table, indent=1)
    # the value and its error, four deep, go on one line
    on_one_line = text.replace(",\n    ", ", ").replace("[\n    ", "[")
    return on_one_line.replace("\n   ]", "]") + "\n"


def main(arguments: list[str]) -> None:
    """Write the shipped table anew; a folder for the cache and a number of people may be named."""
    usual = [CACHE, str(TRUTH_PEOPLE)]
    # What is not named on the command line keeps its usual value.
    folder, people = [*arguments, *usual[len(arguments) :]][:2]
    write_text(describe_truths(folder, int(people)), SHIPPED)
    sys.stdout.write(f"{SHIPPED}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
