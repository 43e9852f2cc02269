"""What every table of ours begins with. Core itself has no tables."""

import datetime as dt

from django.db import models
from django.db.models.functions import Now
from uuid_utils.compat import uuid7


class Row(models.Model):
    """An id made in Python (ordered by time) and two instants of the database's clock."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    updated_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True

    def change(self, now: dt.datetime, **values: object) -> None:
        """Write just these fields and the instant of the change."""
        for name, value in values.items():
            setattr(self, name, value)
        self.updated_at = now
        self.save(update_fields=[*values, "updated_at"])
