from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('campaigns', '0007_one_key_each'),
    ]

    operations = [
        migrations.AlterField(
            model_name='campaign',
            name='paused_by',
            field=models.CharField(blank=True, choices=[('person', 'paused by a person'), ('balance', 'no balance'), ('suspended', 'organization suspended'), ('assistant_deleted', 'assistant deleted'), ('assistant_inactive', 'assistant switched off'), ('number_unavailable', 'number unavailable'), ('breaker', 'too many calls failed'), ('budget', 'budget used up'), ('spend', 'too much spent in an hour'), ('minutes', 'minutes of this month used up')], max_length=20),
        ),
        migrations.AlterField(
            model_name='lead',
            name='reason',
            field=models.CharField(blank=True, choices=[('waiting_window', 'waits for the calling hours'), ('waiting_retry', 'waits for the next attempt'), ('waiting_slot', 'waits for its turn'), ('paused', 'campaign not running'), ('no_balance', 'no credits'), ('do_not_call', 'on the do-not-call list'), ('number_unavailable', 'no number to call from'), ('engine_unavailable', 'voice engine unavailable'), ('in_doubt', 'unknown whether it rang'), ('outside_hours', 'outside the legal calling hours'), ('holiday', 'public holiday'), ('no_consent', 'no consent'), ('number_limit', 'called often enough for now'), ('number_gap', 'called a moment ago'), ('day_limit', 'called often enough today'), ('call_back', 'asked to be called back'), ('not_allowed', 'number not allowed'), ('trunk_failing', 'trunk fails'), ('breaker', 'paused: too many calls failed'), ('budget', 'budget used up'), ('minutes_used_up', 'minutes of this month used up'), ('skipped', 'skipped by a person'), ('cancelled', 'campaign cancelled'), ('never_open', 'no time at which calling is allowed'), ('finished', 'finished')], max_length=40),
        ),
    ]
