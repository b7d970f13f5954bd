"""What a look at the dashboard takes, and whether its memory stays: `python benchmarks/dashboard.py
[PATIENTS] [LOOKS]`.

Each look is the page of answers, or of a figure, for filters drawn at random. Times are those of
the processor in the thread that makes the pages; the fifth answer is left out, which comes later.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import matplotlib as mpl
import numpy as np

from kettrack import cohort_from_frames
from kettrack.app.clinics import OwnClinic
from kettrack.app.key_figures import KEY_FIGURES
from kettrack.app.pages import answers_page, figure_page
from kettrack.simulation.cohort import simulate
from kettrack.simulation.presets import SCENARIOS

PATIENTS = 1_000
LOOKS = 500
SEED = 20261129
EVERY = 100  # looks between two lines


def resident_mb() -> float:
    """Memory of this process that is in use; 0 where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(x for x in status.read_text().splitlines() if x.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def main(arguments: list[str]) -> None:
    mpl.use("Agg")
    patients = int(arguments[0]) if arguments else PATIENTS
    looks = int(arguments[1]) if len(arguments) > 1 else LOOKS
    made = simulate(SCENARIOS["clinic"], patients, SEED)
    cohort = cohort_from_frames(made.sessions, made.scores, made.patients, made.events)
    own = OwnClinic(cohort)
    # The fifth answer is worked out beside the pages and is not what is measured.
    own.later.ask = lambda key, make: None  # type: ignore[method-assign]
    rng = np.random.default_rng(SEED)
    selects = own.view({}).selects
    took: dict[str, list[float]] = {"answers": [], "figure": []}
    for look in range(looks + 1):
        chosen = rng.choice(len(selects), 2, replace=False)
        asked = {}
        for select in (selects[place] for place in chosen):
            asked[select.name] = select.options[rng.integers(len(select.options))].value
        figure = KEY_FIGURES[rng.integers(len(KEY_FIGURES))]
        start = time.thread_time()
        view = own.view(asked)
        if look % 2:
            figure_page(own, view, figure, own.figure(view, figure.question), False)
        else:
            answers_page(own, view, own.answers(view), False)
        # The first look imports what the others have.
        if look:
            took["figure" if look % 2 else "answers"].append(time.thread_time() - start)
        if look and look % EVERY == 0:
            print(f"{look} looks: {resident_mb():.0f} MB", flush=True)
    for kind, seconds in took.items():
        middle, most = np.median(seconds), np.max(seconds)
        print(f"{kind}: median {middle:.2f} s, at most {most:.2f} s, of {len(seconds)}")


if __name__ == "__main__":
    main(sys.argv[1:])
