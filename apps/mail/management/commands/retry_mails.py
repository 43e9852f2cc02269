"""After the mail server was broken for longer than the retries last: give the mails another round."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail.outbox import revive


class Command(BaseCommand):
    help = "Send mails that were given up once more."

    def handle(self, *args: Any, **options: Any) -> None:
        with acting(Scope(operator=True)):
            count = revive(now=db.now())
        self.stdout.write(f"{count} mails wait to be sent again.")
