"""What a person does on a page, for a proof: one JSON object per line in, the instant after its commit per line out.

    python -m tests.proof.acts

`{"refuse": "+49…"}` puts a number on the do-not-call list of the proof's client, `{"credits": -500}` books on its agency.
"""

# ruff: noqa: E402  (the apps can be imported only after they were set up)

from __future__ import annotations

import json
import sys
import time
import uuid
from decimal import Decimal

import django

django.setup()

from apps.billing.services import add_credits
from apps.calls.services.do_not_call import refuse_number
from apps.core import db
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for, operator
from apps.organizations.services import SYSTEM


def main() -> None:
    with operator("the organizations of the proof"):
        client = Organization.objects.select_related("parent__brand", "brand").get(parent__isnull=False)
    assert client.parent is not None
    print("ready", flush=True)
    for line in sys.stdin:
        act = json.loads(line)
        if number := act.get("refuse"):
            with acting_for(client):
                refuse_number(organization=client, number=number, reason="proof", by=SYSTEM, now=db.now())
        else:
            with acting_for(client.parent):
                add_credits(
                    organization=client.parent, credits=Decimal(act["credits"]), note="proof", actor=SYSTEM,
                    key=str(uuid.uuid4()), now=db.now(),
                )  # fmt: skip
        print(time.time(), flush=True)


if __name__ == "__main__":
    main()
