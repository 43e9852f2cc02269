from django.urls import path

from apps.calls import (
    views,
    views_live,
    views_recording,
    views_refusal_import,
    views_refusals,
    views_rules,
    views_start,
    views_talk,
)

urlpatterns = [
    path("calls", views.call_list, name="calls"),
    path("calls/new", views_start.call_new, name="call_new"),
    path("calls/simulate", views_start.call_simulate, name="call_simulate"),
    path("calls/incoming/<str:ref>", views_start.call_incoming, name="call_incoming"),
    path("calls/<str:call_id>", views.call_detail, name="call"),
    path("calls/<str:call_id>/live", views_live.call_live, name="call_live"),
    path("calls/<str:call_id>/recording", views_recording.call_recording, name="call_recording"),
    path("calls/<str:call_id>/recording/delete", views_recording.recording_delete, name="recording_delete"),
    path("calls/<str:call_id>/command", views_live.call_command, name="call_command"),
    path("calls/<str:call_id>/talk", views_talk.talk, name="talk"),
    path("calls/<str:call_id>/talk/foot", views_talk.talk_foot, name="talk_foot"),
    path("calls/<str:call_id>/talk/say", views_talk.talk_say, name="talk_say"),
    path("calls/<str:call_id>/talk/end", views_talk.talk_end, name="talk_end"),
    path("assistants/<uuid:pk>/talk", views_talk.talk_start, name="talk_start"),
    path("do-not-call", views_refusals.do_not_call, name="do_not_call"),
    path("do-not-call/export", views_refusals.do_not_call_export, name="do_not_call_export"),
    path("do-not-call/import", views_refusal_import.do_not_call_import, name="do_not_call_import"),
    path("do-not-call/import/<uuid:pk>", views_refusal_import.do_not_call_imported, name="do_not_call_imported"),
    path("do-not-call/import/<uuid:pk>/refused", views_refusal_import.do_not_call_bad_rows, name="do_not_call_bad_rows"),
    path("do-not-call/<uuid:pk>/remove", views_refusals.do_not_call_remove, name="do_not_call_remove"),
    path("settings/calling-rules", views_rules.calling_rules, name="calling_rules"),
]
