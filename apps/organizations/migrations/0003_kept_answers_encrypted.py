"""Answers kept for repeats are encrypted. What was kept in the clear is forgotten: it is of use for a day at most."""

from django.db import migrations, models

import apps.core.fields_encrypted


class Migration(migrations.Migration):

    dependencies = [
        ('organizations', '0002_isolation'),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM organizations_storedanswer", migrations.RunSQL.noop),
        migrations.RemoveField(model_name='storedanswer', name='body'),
        migrations.AddField(
            model_name='storedanswer',
            name='body',
            field=apps.core.fields_encrypted.EncryptedTextField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='storedanswer',
            name='content_type',
            field=models.CharField(blank=True, max_length=100),
        ),
    ]
