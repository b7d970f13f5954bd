#!/usr/bin/env bash
# With MPLBACKEND=Agg in the environment a notebook loses every figure, and nothing fails.
#
# matplotlib 3.11.2, matplotlib-inline 0.2.2, ipykernel 7.4.0, nbclient 0.11.0.
# Behaviour: Agg draws without a screen, so machines that run things unattended often export it. A notebook
# kernel then keeps Agg instead of its own inline backend; `plt.show()` draws nothing, raises nothing and
# leaves no warning in the cell.
# Seen: one picture without the variable, no output at all with MPLBACKEND=Agg.
# A good engineer would expect the setting for "no screen" to be the safe one, as it is for scripts and tests.
# For kettrack: `kettrack/report/execute.py` takes the variable out of the environment of the notebooks it
# runs; `tests/unit/test_report.py` tries it, and the notebook tests run without it.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check matplotlib==3.11.2 matplotlib-inline==0.2.2 ipykernel==7.4.0 nbclient==0.11.0 || exit 2
"$tmp/env/bin/python" - <<'PY'
import os

import nbformat
from nbclient import NotebookClient

CELL = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"


def outputs(environment):
    """What the cell leaves: the kinds of each output."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, kernel_name="python3").execute(env=environment)
    return [sorted(one.get("data", {"text": one.get("text")})) for one in notebook.cells[0].outputs]


plain = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
inline = outputs(plain)
agg = outputs({**plain, "MPLBACKEND": "Agg"})
print("without", inline, "with", agg)
raise SystemExit(0 if inline == [["image/png", "text/plain"]] and agg == [] else 1)
PY
