"""Connects an organization to another installation: `python -m tests.voice.stage ORGANIZATION BASE_URL KEY`."""

# ruff: noqa: E402  (the apps can be imported only after they were set up)

from __future__ import annotations

import sys
import uuid

import django

django.setup()

from apps.core.scope import Scope, acting
from apps.voice.models import Connection, new_secret


def main(organization_id: str, base_url: str, key: str) -> None:
    own = uuid.UUID(organization_id)
    with acting(Scope((own,))):
        Connection.objects.create(
            organization_id=own, name="Upstream", base_url=base_url, api_key=key, hook_secret=new_secret()
        )


if __name__ == "__main__":
    main(*sys.argv[1:4])
