import os

from django.core.wsgi import get_wsgi_application

from config.celery import only_publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
only_publish()
application = get_wsgi_application()
