#!/usr/bin/env bash
# Strict nbval is green on a notebook from which all outputs were stripped.
#
# nbval 0.11.0 (pytest 9.2.0, ipykernel 7.4.0, nbclient 0.11.0).
# Behaviour: a cell without an execution count counts as one that was never run; it is run, and nothing is
# compared. Clearing the outputs before a commit clears the counts too, so the check that a notebook still
# says what it said passes for ever after.
# Seen: `print(1 + 1)` with a stored 3 fails; the same cell, stripped, passes under `--nbval`, not only under
# `--nbval-lax`; a cell with a count but without its outputs fails.
# A good engineer would expect "the output of every cell is compared" to fail where a printed 2 meets nothing.
# For kettrack: `tests/notebooks/test_hygiene.py::test_every_code_cell_has_run_in_order` fails when a cell has
# no count, and `tests/notebooks/test_nbval_turns_red.py` tries that one changed number is noticed.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check nbval==0.11.0 pytest==9.2.0 ipykernel==7.4.0 nbclient==0.11.0 || exit 2
cd "$tmp"
"$tmp/env/bin/python" - <<'PY'
import nbformat

KERNEL = {"name": "python3", "display_name": "Python 3"}
THREE = [nbformat.v4.new_output("stream", name="stdout", text="3\n")]
for name, count, outputs in (
    ("wrong", 1, THREE),
    ("no_output", 1, []),
    ("stripped", None, []),
):
    cell = nbformat.v4.new_code_cell("print(1 + 1)", execution_count=count, outputs=outputs)
    notebook = nbformat.v4.new_notebook(cells=[cell], metadata={"kernelspec": KERNEL})
    nbformat.write(notebook, f"{name}.ipynb")
PY

result() {
    "$tmp/env/bin/python" -m pytest -q -p no:cacheprovider --nbval --nbval-current-env "$1.ipynb" >"$1.txt" 2>&1 && echo passed || echo failed
}

wrong=$(result wrong)
no_output=$(result no_output)
stripped=$(result stripped)
echo "wrong output $wrong, output removed $no_output, output and count removed $stripped"
[ "$wrong $no_output $stripped" = "failed failed passed" ] || exit 1
