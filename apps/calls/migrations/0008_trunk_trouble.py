from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('calls', '0007_refusals'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='call',
            index=models.Index(condition=models.Q(('trunk__isnull', False), models.Q(('refusal', 'unavailable'), ('dial__in', ['unknown', 'in_doubt']), _connector='OR')), fields=['trunk', 'sent_at'], name='call_trunk_trouble'),
        ),
    ]
