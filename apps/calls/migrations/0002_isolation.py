from django.db import migrations

from apps.core.postgres.operations import Isolate, SameOwner, SqlFile


class Migration(migrations.Migration):
    dependencies = [("calls", "0001_initial"), ("core", "0001_tenants")]
    operations = [
        Isolate("calls_call"),
        Isolate("calls_callevent"),
        Isolate("calls_engineevent", shared=True),
        Isolate("calls_callcommand"),
        Isolate("calls_donotcall"),
        SameOwner("calls_call", "assistant_id", "assistants_assistant"),
        SameOwner("calls_call", "number_id", "numbers_phonenumber", on_delete="SET NULL (number_id)"),
        SameOwner("calls_callevent", "call_id", "calls_call"),
        SameOwner("calls_callcommand", "call_id", "calls_call"),
        SqlFile("apps/calls/doors.sql"),
    ]
