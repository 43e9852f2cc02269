from django.db import migrations

from apps.core.postgres.operations import Isolate, SameOwner


class Migration(migrations.Migration):
    dependencies = [("chats", "0001_initial"), ("assistants", "0002_isolation"), ("core", "0001_tenants")]
    operations = [
        Isolate("chats_chatmessage"),
        SameOwner("chats_chatmessage", "assistant_id", "assistants_assistant", on_delete="SET NULL (assistant_id)"),
    ]
