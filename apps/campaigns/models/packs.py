"""Edited rule packs; those that are shipped are files."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Row
from apps.organizations.models import Organization


class RulePackQuerySet(models.QuerySet["RulePack"]):
    def in_force(self, day: dt.date) -> Self:
        return self.filter(valid_from__lte=day)


class RulePack(Row):
    """An edited rule pack of a country (or of a state of it): it takes the place of the shipped one from a day on.

    A row without organization is the installation's and holds for everybody; an agency's holds for its clients too; an
    organization's own wins. `rules` has the shape of the shipped packs; `sources` are texts with an address and a date.
    """

    organization = models.ForeignKey(Organization, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    country = models.CharField(_("country"), max_length=2)
    region = models.CharField(_("region"), max_length=10, blank=True)
    valid_from = models.DateField(_("valid from"))
    rules = models.JSONField(default=dict)
    sources = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=200, blank=True)

    objects = RulePackQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "country", "region", "valid_from"], name="one_rule_pack_per_day", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.region} {self.valid_from}".strip()
