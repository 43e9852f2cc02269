import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

from config.celery import only_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
only_publish()
application = get_wsgi_application()
# Before the first request, not within it: all views take seconds to import.
resolve("/")
