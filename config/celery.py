"""Celery, and the whole clock of the product on one screen.

Celery only wakes workers: the work lives in rows, every entry may run twice, nothing waits here longer than a minute.
"""

import os

from celery import Celery
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("switchboard")
app.conf.update(
    broker_url=os.environ.get("BROKER_URL", "redis://127.0.0.1:6379/0"),
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    task_publish_retry=False,  # a row waits for its sweep, a request for nobody
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=300,
    task_default_queue="default",
    worker_hijack_root_logger=False,
    timezone="UTC",
)
app.conf.beat_schedule = {
    "campaign tick": {"task": "apps.campaigns.tasks.tick", "schedule": 1.0, "options": {"expires": 2}},
    "campaign sweep": {"task": "apps.campaigns.tasks.sweep", "schedule": 10.0, "options": {"expires": 10}},
    "dial sweep": {"task": "apps.calls.tasks.sweep_dials", "schedule": 0.5, "options": {"expires": 2}},
    "event sweep": {"task": "apps.calls.tasks.sweep_events", "schedule": 5.0, "options": {"expires": 10}},
    "quiet calls": {"task": "apps.calls.tasks.sweep_quiet_calls", "schedule": 15.0, "options": {"expires": 30}},
    "reports that wait": {"task": "apps.calls.tasks_analysis.sweep_reports", "schedule": 5.0, "options": {"expires": 10}},
    "missed calls": {"task": "apps.calls.tasks.sweep_missed_calls", "schedule": 3600.0, "options": {"expires": 3600}},
    "empty rooms": {"task": "apps.calls.tasks.sweep_rooms", "schedule": 15.0, "options": {"expires": 30}},
    "running calls at zero": {"task": "apps.calls.tasks.check_balances", "schedule": 30.0, "options": {"expires": 30}},
    "recordings": {"task": "apps.calls.tasks_recordings.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "do-not-call imports": {"task": "apps.calls.tasks_lists.sweep_imports", "schedule": 10.0, "options": {"expires": 10}},
    "mirror sweep": {"task": "apps.numbers.tasks.sweep_mirror", "schedule": 2.0, "options": {"expires": 4}},
    "copies left behind": {"task": "apps.numbers.tasks.leave_shared_accounts", "schedule": 300.0, "options": {"expires": 300}},
    "mirror enrolment": {"task": "apps.numbers.tasks.enrol", "schedule": 10.0, "options": {"expires": 10}},
    "delivery sweep": {"task": "apps.webhooks.tasks.sweep", "schedule": 2.0, "options": {"expires": 4}},
    "mail sweep": {"task": "apps.mail.tasks.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "mail sweep (resend)": {"task": "apps.catalog.tasks.sweep_mail", "schedule": 5.0, "options": {"expires": 10}},
    "sender domains": {"task": "apps.catalog.tasks.refresh_domains", "schedule": 3600.0, "options": {"expires": 3600}},
    "plans on their way": {"task": "apps.portal.tasks_plans.sweep_pushes", "schedule": 15.0, "options": {"expires": 15}},
    "work over clients": {"task": "apps.portal.tasks_bulk.sweep", "schedule": 15.0, "options": {"expires": 15}},
    "portal domains": {"task": "apps.portal.tasks_domains.sweep_domains", "schedule": 60.0, "options": {"expires": 50}},
    "sign-ups": {"task": "apps.portal.tasks_sign_ups.sweep_sign_ups", "schedule": 60.0, "options": {"expires": 50}},
    "library on its way": {"task": "apps.portal.tasks_sign_ups.sweep_library", "schedule": 15.0, "options": {"expires": 15}},
    "payments nobody reported": {"task": "apps.portal.tasks_stripe.catch_up", "schedule": 600.0, "options": {"expires": 600}},
    "payment events": {"task": "apps.portal.tasks_stripe.sweep", "schedule": 5.0, "options": {"expires": 10}},
    "engine health": {"task": "apps.voice.tasks.check_connections", "schedule": 10.0, "options": {"expires": 10}},
    "key use": {"task": "apps.organizations.tasks.write_key_use", "schedule": 30.0, "options": {"expires": 30}},
    "retention": {"task": "apps.dashboard.tasks.erase_expired", "schedule": 3600.0 * 24},
    "erasures": {"task": "apps.dashboard.tasks.sweep_erasures", "schedule": 15.0, "options": {"expires": 15}},
    "plans whose month is over": {"task": "apps.billing.tasks.sweep_subscriptions", "schedule": 60.0, "options": {"expires": 50}},
    "invoices of plans": {"task": "apps.billing.tasks.sweep_plan_invoices", "schedule": 60.0, "options": {"expires": 50}},
    "plans that are paid late": {"task": "apps.billing.tasks.review_subscriptions", "schedule": 3600.0, "options": {"expires": 3600}},
    "ledger checkpoint": {"task": "apps.billing.tasks.checkpoint", "schedule": 3600.0 * 24},
}


def only_publish() -> None:
    """For a process that serves requests: a broker that hangs costs half a second. Workers block on it on purpose."""
    app.conf.broker_transport_options = app.conf.broker_transport_options | {
        "socket_timeout": 0.5, "socket_connect_timeout": 0.5, "max_retries": 0,
    }  # fmt: skip


app.autodiscover_tasks(lambda: [f"apps.{name}" for name in settings.OUR_APPS])
