from django.db import migrations

from apps.core.postgres.operations import Isolate, SameOwner


class Migration(migrations.Migration):
    dependencies = [("numbers", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("numbers_siptrunk"),
        Isolate("numbers_phonenumber"),
        SameOwner("numbers_phonenumber", "assistant_id", "assistants_assistant", on_delete="SET NULL (assistant_id)"),
        SameOwner("numbers_phonenumber", "transfer_trunk_id", "numbers_siptrunk", on_delete="SET NULL (transfer_trunk_id)"),
    ]
