from django.db import migrations

from apps.core.postgres.operations import Isolate, SameOwner


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("campaigns_campaign"),
        Isolate("campaigns_lead"),
        Isolate("campaigns_attempt"),
        Isolate("campaigns_upload"),
        SameOwner("campaigns_campaign", "assistant_id", "assistants_assistant"),
        SameOwner("campaigns_campaign", "number_id", "numbers_phonenumber", on_delete="SET NULL (number_id)"),
        SameOwner("campaigns_lead", "campaign_id", "campaigns_campaign"),
        SameOwner("campaigns_attempt", "lead_id", "campaigns_lead"),
        SameOwner("campaigns_attempt", "campaign_id", "campaigns_campaign"),
        SameOwner("campaigns_attempt", "call_id", "calls_call", on_delete="SET NULL (call_id)"),
        SameOwner("campaigns_upload", "campaign_id", "campaigns_campaign"),
    ]
