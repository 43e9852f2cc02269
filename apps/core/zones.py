"""The time zones of the world, read once: asking walks the file system."""

import zoneinfo

ZONES = frozenset(zoneinfo.available_timezones())
