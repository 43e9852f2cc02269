"""The tests' settings without a cache: whatever two workers agree on there, here everybody is the first."""

from tests.settings import *  # noqa: F403
from tests.settings import CACHES

CACHES = {name: {"BACKEND": "django.core.cache.backends.dummy.DummyCache"} for name in CACHES}
SESSION_ENGINE = "django.contrib.sessions.backends.db"
LOGGING_CONFIG = None
