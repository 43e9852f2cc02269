"""Lines in use are counted from running calls: right again a minute after hang-ups got lost, never negative (R8, case 14).

    python -m tests.proof.lines
"""

from __future__ import annotations

import sys

from tests.proof.run import PASSED, Claims, prove_all, shown_by

CLAIMS: Claims = {
    "lines": (
        "R8 lines after lost hang-ups (goal: right again within 60 s, never negative)",
        shown_by("tests/calls/test_lines.py", figures=rf"(?m)(?<=lines: ).*$|{PASSED}"),
    ),
}

if __name__ == "__main__":
    sys.exit(prove_all(CLAIMS, sys.argv[1:]))
