"""`make bench`: each figure as a ratio to a limit measured in the same run, interleaved, the median of three rounds.

    python -m benchmarks relay    that one alone
"""

from __future__ import annotations

import os
import sys

import django
from django.core.management import call_command

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
django.setup()
call_command("migrate", database="owner", verbosity=0)

from benchmarks import bloat, call_list, latency, leads, pacing, relay, tick  # noqa: E402  (models need the set-up above)

BENCHMARKS = {"tick": tick, "bloat": bloat, "call-list": call_list, "relay": relay, "pacing": pacing, "latency": latency, "leads": leads}
for name in sys.argv[1:] or BENCHMARKS:
    print(BENCHMARKS[name].run(), flush=True)
sys.exit(0)
