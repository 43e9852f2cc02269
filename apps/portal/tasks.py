"""Celery entries of the portal, by noun."""

from apps.portal import tasks_bulk, tasks_domains, tasks_plans, tasks_sign_ups, tasks_stripe  # noqa: F401  (found with this module)
