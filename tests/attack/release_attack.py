"""The attack on a release: everything it prints, everything that always holds, and an integer
program that asks for the values of each hidden number.

`python -m release_attack` is the long form: many clinics, every policy.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from kettrack.privacy.disclosure import apply
from kettrack.privacy.policies import POLICIES, Policy, get_policy
from kettrack.privacy.release.cells import Release, ReleaseCell, release_of
from kettrack.privacy.release.manifest import Manifest
from kettrack.privacy.release.puzzle import Puzzle
from kettrack.privacy.release.relations import Relations, stored_relations
from kettrack.privacy.release.whole import withheld_names
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.trials.relations import SIZES, answers, clinic, learn

FIRST_SEED = 90_000
CLINICS = 200
# The attacker learns from clinics of their own, and not from the file of the package.
LEARNED_FROM = 24


@dataclass(frozen=True)
class Attacked:
    """What an attack found on one release."""

    told: tuple[ReleaseCell, ...]
    shown: int
    puzzle: Puzzle


def released(
    cohort: Cohort, names: Sequence[str] = (), previous: Manifest | None = None
) -> list[Result]:
    """The answers of a clinic under its policy, as they leave together."""
    rules = get_policy(cohort.settings.policy)
    if rules.smallest_count > 1:
        settings = replace(cohort.settings, policy="internal")
        before = answers(replace(cohort, settings=settings), names)
        after = [apply(each, rules.name) for each in before]
        withheld = withheld_names(before, after, rules, previous)
        cohort = replace(cohort, settings=replace(cohort.settings, withheld=withheld))
    return answers(cohort, names)


def attack(
    truth: Release, shown: Release, policy: Policy, relations: Relations
) -> Attacked:
    """What a reader can tell.

    Under a policy that hides: every small number that can only be small. Under one that rounds:
    every number that can only be one.
    """
    # The roles are those of the truth: a column is a count whatever the release calls it.
    seen = {
        name: printed._replace(roles=truth[name].roles)
        for name, printed in shown.items()
        if name in truth
    }
    puzzle = Puzzle(seen, relations, truth, policy.meant if policy.rounding else None)
    system = puzzle.system()
    if policy.rounding is None:
        small = puzzle.small(policy.smallest_count)
        told = puzzle.told(system, small, policy.smallest_count)
    else:
        pinned = puzzle.pinned(system, puzzle.small(_SMALL))
        # Numbers at risk are made again from rounded ones. Who takes them for rounded by themselves
        # is misled, and told nothing.
        true = puzzle.true or {}
        told = [
            cell
            for cell in pinned
            if set(system.range(puzzle.place[puzzle.first(cell)])) == {true[cell]}
        ]
    shown_counts = sum(
        int(each.table[each.counts].notna().to_numpy().sum()) for each in seen.values()
    )
    return Attacked(tuple(told), shown_counts, puzzle)


def attack_since(
    truth: Release, shown: Release, policy: Policy, before: Manifest
) -> list[ReleaseCell]:
    """What a reader of two releases can tell of the few people between them."""
    puzzle = Puzzle(shown, stored_relations(), truth)
    told = []
    for sign in (1, -1):
        changed = puzzle.since(before.numbers, sign)
        small = changed.small(policy.smallest_count)
        told += changed.told(changed.system(), small, policy.smallest_count)
    return told


# Under a rounding every count from 1 to 10 is asked for.
_SMALL = 11


def attack_clinic(
    seed: int, n: int, policy: str, relations: Relations, names: Sequence[str] = ()
) -> Attacked:
    """The attack on one simulated clinic."""
    truth = release_of(answers(clinic(seed, n), names))
    shown = release_of(released(clinic(seed, n, policy), names))
    return attack(truth, shown, get_policy(policy), relations)


def main(arguments: Sequence[str]) -> int:
    """Attack clinics of many sizes; exit code 1 where a number is told."""
    clinics = int(arguments[0]) if arguments else CLINICS
    policies = arguments[1:] or [name for name in POLICIES if name != "internal"]
    relations = _both(_learned(), stored_relations())
    found = 0
    for k in range(clinics):
        n = SIZES[k % len(SIZES)]
        for policy in policies:
            started = time.monotonic()
            seen = attack_clinic(FIRST_SEED + k, n, policy, relations)
            found += len(seen.told)
            print(
                f"{policy}, clinic {k} of {n}: {len(seen.told)} told, {seen.shown} counts"
                f" shown, {time.monotonic() - started:.0f} s",
                *(f"  {'.'.join(cell)}" for cell in seen.told[:5]),
                sep="\n",
                flush=True,
            )
    print(f"{found} small numbers told in {clinics} clinics.")
    return int(found > 0)


def _learned() -> Relations:
    seeds = range(FIRST_SEED - LEARNED_FROM, FIRST_SEED)
    return learn([release_of(answers(clinic(s, SIZES[s % len(SIZES)]))) for s in seeds])


def _both(one: Relations, other: Relations) -> Relations:
    """Everything that either knows."""

    def joined(a: Iterable, b: Iterable) -> tuple:
        return tuple(dict.fromkeys([*a, *b]))

    names = {*one.columns, *one.nested, *other.columns, *other.nested}
    return Relations(
        joined(one.cells, other.cells),
        {q: joined(one.columns.get(q, ()), other.columns.get(q, ())) for q in names},
        {q: joined(one.nested.get(q, ()), other.nested.get(q, ())) for q in names},
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
