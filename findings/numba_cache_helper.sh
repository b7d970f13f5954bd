#!/usr/bin/env bash
# A compiled function kept on disk does not notice that the helper it calls has changed.
#
# numba 0.68.1, numpy 2.4.6.
# Behaviour: `@njit(cache=True)` is compiled anew when its own file changes. A helper imported from another
# file is compiled into it, and a later edit of the helper is not seen: the next process runs the old machine
# code without a word, while the helper called by itself, and the same function run as plain Python, give the
# new answer.
# Seen: half of 8 is 4.0; after the helper is edited to a quarter, the kept function still says 4.0 and the
# helper 2.0.
# A good engineer would expect a cache that looks at source files to look at all the source that went in.
# For kettrack: `kettrack/timelines/kernels.py` was one file with every helper in it while it was compiled. It
# is plain NumPy now, and `tests/unit/test_kernels.py` holds it against loops that are not compiled.
#
# Ends with 0 while this is so, with 1 when it has changed, and with 2 when the packages cannot be
# installed.
set -euo pipefail
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
python3 -m venv "$tmp/env"
"$tmp/env/bin/pip" install --quiet --disable-pip-version-check numba==0.68.1 numpy==2.4.6 || exit 2
cd "$tmp"
export NUMBA_CACHE_DIR="$tmp/cache" PYTHONDONTWRITEBYTECODE=1
printf 'from numba import njit\n\n\n@njit\ndef part(x):\n    return x / 2\n' >helper.py
printf 'from numba import njit\nfrom helper import part\n\n\n@njit(cache=True)\ndef kernel(x):\n    return part(x)\n' >kept.py
before=$("$tmp/env/bin/python" -c 'import kept; print(kept.kernel(8.0))')
sed -i.old 's,x / 2,x / 4,' helper.py
after=$("$tmp/env/bin/python" -c 'import kept; print(kept.kernel(8.0), kept.part(8.0), kept.kernel.py_func(8.0))')
echo "before $before; after: kept function, helper, plain Python: $after"
[ "$before, $after" = "4.0, 4.0 2.0 2.0" ] || exit 1
