"""The attack on a release: everything it prints, everything that always holds, and an integer
program that asks for the values of each hidden number.

`python -m release_attack --store FILE` is the long form: many clinics, every policy. It can be
stopped and goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from sample_answers import AnswersOnce

import kettrack
from kettrack.errors import KettrackError
from kettrack.privacy.policies import POLICIES, Policy, Rounding, get_policy
from kettrack.privacy.release.cells import Release, ReleaseCell, release_of
from kettrack.privacy.release.manifest import Manifest
from kettrack.privacy.release.puzzle import Puzzle
from kettrack.privacy.release.relations import Relations, stored_relations
from kettrack.privacy.release.whole import withheld_names, withhold
from kettrack.reading.cohort import Cohort
from kettrack.result import Result
from kettrack.trials.relations import learn, never_broken
from kettrack.trials.simulated_answers import (
    answers,
    asked_for,
    clinic,
    simulated,
    size_of,
    without_null,
)

FIRST_SEED = 90_000
CLINICS = 200
# The attacker learns from clinics of their own, and not from the file of the package. What clinics
# of another scenario break holds by chance: nobody knows whether it holds where they attack.
LEARNED_FROM = (("clinic", 82_000, 16),)
HELD_OUT = (("measured", 83_000, 8),)
RELEASE_POLICIES = tuple(name for name, each in POLICIES.items() if each.for_release)
_SMALL = 11


@dataclass(frozen=True)
class Attacked:
    """What an attack found on one release."""

    told: tuple[ReleaseCell, ...]
    asked: int
    shown: int
    puzzle: Puzzle


def released(
    cohort: Cohort,
    names: Sequence[str] = (),
    previous: Manifest | None = None,
    before: Sequence[Result] | None = None,
) -> list[Result]:
    """The answers of a clinic under its policy, as they leave together.

    Parameters
    ----------
    cohort : Cohort
        Under the policy.
    names : sequence of str
        Only these questions; all where none is named.
    previous : Manifest, optional
        Of an earlier release.
    before : sequence of Result, optional
        The same answers under `internal`, where they are known already.
    """
    rules = get_policy(cohort.settings.policy)
    if rules.for_release:
        if before is None:
            settings = replace(cohort.settings, policy="internal")
            before = answers(replace(cohort, settings=settings), names)
        withheld = withheld_names(before, answers(cohort, names), rules, previous)
        cohort = replace(cohort, settings=replace(cohort.settings, withheld=withheld))
    return answers(cohort, names)


def withheld_for(seed: int, n: int, policy: str, names: Sequence[str]) -> Sequence[str]:
    """The numbers that a simulated clinic may not show of some answers."""
    before, after = (
        answers(clinic(seed, n, each), names) for each in ("internal", policy)
    )
    return withheld_names(before, after, get_policy(policy))


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
    # Under a rounding every count from 1 to 10 is asked for.
    small = puzzle.small(policy.smallest_count if policy.rounding is None else _SMALL)
    if policy.rounding is None:
        system = puzzle.system(puzzle.misleading())
        told = puzzle.told(system, small, policy.smallest_count)
    else:
        told = puzzle.truly_told((), small)
    shown_counts = sum(
        int(each.table[each.counts].notna().to_numpy().sum()) for each in seen.values()
    )
    return Attacked(tuple(told), len(small), shown_counts, puzzle)


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


def attack_clinic(
    seed: int, n: int, policy: str, relations: Relations, names: Sequence[str] = ()
) -> Attacked:
    """The attack on one simulated clinic."""
    truth = release_of(answers(clinic(seed, n), names))
    shown = release_of(released(clinic(seed, n, policy), names))
    return attack(truth, shown, get_policy(policy), relations)


def attack_all(
    seed: int, n: int, policies: Sequence[str], relations: Relations
) -> Iterator[dict[str, Any]]:
    """The attack on one simulated clinic under several policies, as records.

    Policies of one rule give the same release, so that one attack is that of both.
    """
    quick = {name: few for name, by, few in asked_for() if by is None}
    kept = AnswersOnce(lambda: clinic(seed, n), quick)
    before = _under("internal", kept)
    truth = release_of(before)
    done: dict[tuple[int, Rounding | None], dict[str, Any]] = {}
    for name in policies:
        rules = get_policy(name)
        same = (rules.smallest_count, rules.rounding)
        if same not in done:
            started = time.process_time()
            after = _under(name, kept)
            withheld = withheld_names(before, after, rules)
            shown = release_of([withhold(each, withheld) for each in after])
            seen = attack(truth, shown, rules, relations)
            told = [".".join(cell) for cell in seen.told]
            done[same] = {
                "told": told,
                "asked": seen.asked,
                "shown": seen.shown,
                "seconds": round(time.process_time() - started, 1),
            }
        yield {"seed": seed, "n": n, "policy": name, **done[same]}


def _under(policy: str, kept: AnswersOnce) -> list[Result]:
    """The answers of a clinic, each through the gate by itself."""
    found = []
    for name, by, _ in asked_for():
        # Some clinic has no such group.
        with suppress(KettrackError):
            found.append(kept.answer(name, policy, by))
    return found


def main(arguments: Sequence[str]) -> int:
    """Attack clinics of many sizes; exit code 1 where a number is told."""
    parser = argparse.ArgumentParser(
        prog="release_attack", description="Can a hidden count be told from a release?"
    )
    parser.add_argument("--clinics", type=int, default=CLINICS, help="how many")
    parser.add_argument("--policies", nargs="*", default=RELEASE_POLICIES)
    parser.add_argument(
        "--store",
        type=Path,
        help="file of results, one line each: what stands there is not done again",
    )
    asked = parser.parse_args(arguments)
    version = _version()
    known = _stored(asked.store, version)
    relations: Relations | None = None
    for k in range(asked.clinics):
        seed = FIRST_SEED + k
        left = [p for p in asked.policies if (seed, p) not in known]
        if not left:
            continue
        if relations is None:
            relations = _learned(asked.store, version).joined(stored_relations())
        with without_null():
            for record in attack_all(seed, size_of(seed), left, relations):
                known[seed, record["policy"]] = record
                _say(record)
                _store(asked.store, {"version": version, **record})
    return _summary(known.values())


def _store(store: Path | None, record: Mapping[str, Any]) -> None:
    if store is not None:
        with store.open("a", encoding="utf-8") as out:
            out.write(json.dumps(record) + "\n")


def _say(record: Mapping[str, Any]) -> None:
    told = record["told"]
    print(
        f"{record['policy']}, clinic {record['seed']} of {record['n']}: {len(told)} told of"
        f" {record['asked']} small numbers, {record['shown']} counts shown,"
        f" {record['seconds']:.0f} s",
        *(f"  {cell}" for cell in told[:5]),
        sep="\n",
        flush=True,
    )


def _summary(records: Iterable[Mapping[str, Any]]) -> int:
    """Each policy in one line; 1 where anything was told."""
    by_policy: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        by_policy[record["policy"]].append(record)
    for policy, each in by_policy.items():
        told = sum(len(one["told"]) for one in each)
        asked = sum(one["asked"] for one in each)
        print(f"{policy}: {told} of {asked} small numbers told in {len(each)} clinics.")
    return int(any(one["told"] for each in by_policy.values() for one in each))


def _version() -> str:
    """A hash of the code: what another version found says nothing of this one."""
    home = Path(kettrack.__file__).parent
    found = sha256()
    for path in sorted([*home.rglob("*.py"), *home.rglob("*.txt"), Path(__file__)]):
        found.update(path.read_bytes())
    return found.hexdigest()[:16]


def _stored(store: Path | None, version: str) -> dict[tuple[int, str], dict[str, Any]]:
    """Results of this version that a run before this one has stored."""
    if store is None or not store.is_file():
        return {}
    lines = store.read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines if line.endswith("}")]
    return {(r["seed"], r["policy"]): r for r in records if r["version"] == version}


def _learned(store: Path | None, version: str) -> Relations:
    """What the attacker has learned from clinics of their own; kept beside the results."""
    kept = None if store is None else store.with_suffix(f".{version}.relations")
    if kept is not None and kept.is_file():
        return Relations.read(kept.read_text(encoding="utf-8"))
    with without_null():
        learned = learn([*simulated(LEARNED_FROM).values()])
        found = never_broken(learned, [*simulated(HELD_OUT).values()])
    if kept is not None:
        kept.write_text("\n".join(found.lines()), encoding="utf-8")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
