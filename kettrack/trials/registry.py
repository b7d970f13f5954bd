"""All gates: every module of this room that names some in `GATES`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from kettrack import trials
from kettrack.errors import UsageError
from kettrack.trials.gate import Gate


def all_gates() -> dict[str, Gate]:
    """Name to gate, in the order of modules and of their lists.

    Raises
    ------
    UsageError
        When two gates have one name: their files would take each other's place.
    """
    gates: dict[str, Gate] = {}
    for module in sorted(
        found.name
        for found in iter_modules(trials.__path__)
        if found.name != "__main__"
    ):
        for gate in getattr(import_module(f"{trials.__name__}.{module}"), "GATES", ()):
            if gate.name in gates:
                raise UsageError(f"Two gates are called {gate.name!r}.")
            gates[gate.name] = gate
    return gates


def choose_gates(names: list[str]) -> list[Gate]:
    """Gates by name, or by the part before `-`, which names them in every scenario; all without
    names.

    Raises
    ------
    UsageError
        For a name that fits none; the message says which there are.
    """
    gates = all_gates()
    unknown = [
        name
        for name in names
        if not any(name in (gate, gate.partition("-")[0]) for gate in gates)
    ]
    if unknown:
        raise UsageError(
            f"No gate is called {unknown[0]!r}; there are: {', '.join(gates)}."
        )
    return [
        gate
        for name, gate in gates.items()
        if not names or name in names or name.partition("-")[0] in names
    ]
