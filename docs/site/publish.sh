#!/usr/bin/env bash
# publish.sh SITE NAME: put a built site on the branch gh-pages of $REMOTE, beside those of other versions.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
pages=$(mktemp -d)
git clone -q --depth 1 --branch gh-pages "$REMOTE" "$pages" 2>/dev/null || git init -q -b gh-pages "$pages"
python3 "$here/versions.py" "$1" "$pages" "$2"
cd "$pages"
git add --all
git diff --cached --quiet || git commit -q -m "Documentation of $2"
git push -q "$REMOTE" HEAD:gh-pages
