from django.urls import path

from apps.campaigns import views, views_form, views_import, views_lead, views_leads, views_moves, views_trial

urlpatterns = [
    path("campaigns", views.campaign_list, name="campaigns"),
    path("campaigns/new", views_form.campaign_create, name="campaign_create"),
    path("campaigns/<uuid:pk>", views.campaign_detail, name="campaign"),
    path("campaigns/<uuid:pk>/live", views.campaign_live, name="campaign_live"),
    path("campaigns/<uuid:pk>/edit", views_form.campaign_edit, name="campaign_edit"),
    path("campaigns/<uuid:pk>/start", views_moves.campaign_start, name="campaign_start"),
    path("campaigns/<uuid:pk>/resume", views_moves.campaign_start, name="campaign_resume"),
    path("campaigns/<uuid:pk>/pause", views_moves.campaign_pause, name="campaign_pause"),
    path("campaigns/<uuid:pk>/cancel", views_moves.campaign_cancel, name="campaign_cancel"),
    path("campaigns/<uuid:pk>/delete", views_moves.campaign_delete, name="campaign_delete"),
    path("campaigns/<uuid:pk>/results.csv", views_leads.campaign_results, name="campaign_results"),
    path("campaigns/<uuid:pk>/leads", views_leads.leads, name="leads"),
    path("campaigns/<uuid:pk>/leads/new", views_leads.lead_add, name="lead_add"),
    path("campaigns/<uuid:pk>/activity", views.campaign_activity, name="campaign_activity"),
    path("campaigns/<uuid:pk>/test", views_trial.campaign_test, name="campaign_test"),
    path("campaigns/<uuid:pk>/leads/skip", views_leads.leads_skip, name="leads_skip"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_id>", views_lead.lead_detail, name="lead"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_id>/skip", views_lead.lead_skip, name="lead_skip"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_id>/back", views_lead.lead_put_back, name="lead_put_back"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_id>/call", views_lead.lead_call, name="lead_call"),
    path("campaigns/<uuid:pk>/leads/<uuid:lead_id>/remove", views_leads.lead_remove, name="lead_remove"),
    path("campaigns/<uuid:pk>/import", views_import.lead_import, name="lead_import"),
    path("campaigns/<uuid:pk>/import/<uuid:upload_id>", views_import.lead_import_map, name="lead_import_map"),
    path("campaigns/<uuid:pk>/import/<uuid:upload_id>/run", views_import.lead_import_run, name="lead_import_run"),
    path("campaigns/<uuid:pk>/import/<uuid:upload_id>/done", views_import.lead_import_done, name="lead_import_done"),
    path("campaigns/<uuid:pk>/import/<uuid:upload_id>/refused.csv", views_import.lead_bad_rows, name="lead_bad_rows"),
]
