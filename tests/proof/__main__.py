"""`make proof-first-calls`, `-api`, `-engines`, `-campaigns`, `-whitelabel`: each claim with its figure; exit 1 when one fails.

    python -m tests.proof api                    all claims about the API
    python -m tests.proof first-calls job walk   some of those about the first calls
"""

from __future__ import annotations

import sys

from tests.proof import api, campaigns, engines, first_calls, whitelabel
from tests.proof.run import prove_all

PROOFS = {
    "first-calls": first_calls.CLAIMS, "api": api.CLAIMS, "engines": engines.CLAIMS, "campaigns": campaigns.CLAIMS,
    "campaigns-long": campaigns.LONG, "whitelabel": whitelabel.CLAIMS,
}  # fmt: skip

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PROOFS:
        sys.exit(f"Which proof? There are: {', '.join(PROOFS)}.")
    sys.exit(prove_all(PROOFS[sys.argv[1]], sys.argv[2:]))
