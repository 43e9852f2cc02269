"""Calling hours and the rules of the countries that are called."""

from apps.campaigns.rules.hours import Hours
from apps.campaigns.rules.of import Rules
from apps.campaigns.rules.packs import NumberLimit
from apps.campaigns.rules.places import place_of

__all__ = ["Hours", "NumberLimit", "Rules", "place_of"]
