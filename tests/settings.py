"""Settings of the tests: the real ones, with the wires pulled that only make tests slow."""

import os

os.environ.setdefault("DEVELOPMENT", "1")
os.environ.setdefault("SECURE_COOKIES", "0")
os.environ.setdefault("SANDBOX", "1")
# A test's transaction belongs to its connection, and the last one drops the database.
os.environ["DATABASE_POOL"] = "0"

from config.settings import *  # noqa: F403

TESTING = True
if template := os.environ.get("TEST_DATABASE_TEMPLATE"):
    DATABASES["owner"]["TEST"]["TEMPLATE"] = template  # noqa: F405
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
WEBHOOK_ALLOWED_NETWORKS = ["127.0.0.0/8"]
HOOK_DOOR_SECONDS = 0.0
API_REQUESTS_PER_MINUTE = 100_000
