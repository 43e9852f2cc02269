from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0004_rules'),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='sleeps_until',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.RemoveIndex(
            model_name='lead',
            name='lead_places',
        ),
        migrations.AddIndex(
            model_name='lead',
            index=models.Index(condition=models.Q(('status', 'pending')), fields=['campaign', 'place', 'next_attempt_at', 'position'], name='lead_due_in_place'),
        ),
        migrations.AddIndex(
            model_name='attempt',
            index=models.Index(condition=models.Q(('settled_at__isnull', False)), fields=['campaign', 'settled_at'], name='attempt_settled'),
        ),
    ]
