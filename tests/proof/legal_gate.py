"""R14: nobody is called outside the hours of the place, told by a slow oracle of its own.

    python -m tests.proof.legal_gate --count 100000 --seed 14

Prints one line; ends with 1 when the two disagree once.
"""

from __future__ import annotations

import argparse
import os
import time
from importlib import import_module

import django


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=14)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    # Its models need the settings first.
    questions = import_module("tests.campaigns.random_hours").questions
    began = time.monotonic()
    wrong = [each for each in questions(options.count, options.seed) if each]
    seconds = time.monotonic() - began
    for each in wrong[:20]:
        print(each)
    verdict = "FAILS" if wrong else "holds"
    print(
        f"{verdict} R14 legal gate: {options.count:,} random (number, instant, pack), {len(wrong)} disagreements with the oracle"
        f" (goal 0), seed {options.seed}, {seconds:.0f} s"
    )
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
