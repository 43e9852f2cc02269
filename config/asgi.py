import os

from django.core.asgi import get_asgi_application
from django.urls import resolve

from apps.core.asgi import BoundedBodies
from config.celery import only_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
only_publish()
application = BoundedBodies(get_asgi_application())
# Before the first request, not within it: all views take seconds to import, and an engine waits five for who answers a call.
resolve("/")
