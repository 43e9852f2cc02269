"""Celery entries of the portal, by noun."""

from apps.portal import tasks_domains, tasks_plans  # noqa: F401  (found with this module)
