from django.urls import path

from apps.calls import views, views_live, views_start

urlpatterns = [
    path("calls", views.call_list, name="calls"),
    path("calls/new", views_start.call_new, name="call_new"),
    path("calls/simulate", views_start.call_simulate, name="call_simulate"),
    path("calls/incoming/<str:ref>", views_start.call_incoming, name="call_incoming"),
    path("calls/<str:call_id>", views.call_detail, name="call"),
    path("calls/<str:call_id>/live", views_live.call_live, name="call_live"),
    path("calls/<str:call_id>/command", views_live.call_command, name="call_command"),
    path("do-not-call", views.do_not_call, name="do_not_call"),
    path("do-not-call/<uuid:pk>/remove", views.do_not_call_remove, name="do_not_call_remove"),
]
