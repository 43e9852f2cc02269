"""Files of numbers that are not to be called."""

from __future__ import annotations

from django.db import models

from apps.organizations.models import Job, OwnedModel


class RefusalUpload(OwnedModel):
    """A file of numbers between its upload and its import; afterwards where entries came from, and its refused rows.

    `good` numbers were new on the list, `known` stood on it already, `bad` rows could not be read.
    """

    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    filename = models.CharField(max_length=255)
    content = models.BinaryField()
    country = models.CharField(max_length=2, blank=True)
    rows = models.PositiveIntegerField(default=0)
    imported_at = models.DateTimeField(null=True, blank=True)
    good = models.PositiveIntegerField(null=True, blank=True)
    known = models.PositiveIntegerField(null=True, blank=True)
    bad = models.PositiveIntegerField(null=True, blank=True)
    bad_rows = models.BinaryField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at"], name="refusal_upload_newest")]

    def __str__(self) -> str:
        return self.filename
