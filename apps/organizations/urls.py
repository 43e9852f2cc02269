"""Pages of one organization, mounted at /o/<org>/; `outside` holds those before an organization is known."""

from django.urls import path

from apps.organizations.views import audit, invitations, keys, members, notifications, settings, visits

urlpatterns = [
    path("settings", settings.organization_settings, name="settings"),
    path("settings/leave", settings.leave, name="organization_leave"),
    path("settings/members", members.members, name="members"),
    path("settings/members/<uuid:pk>/role", members.member_role, name="member_role"),
    path("settings/members/<uuid:pk>/remove", members.member_remove, name="member_remove"),
    path("settings/invitations/<uuid:pk>/resend", members.invitation_resend, name="invitation_resend"),
    path("settings/invitations/<uuid:pk>/revoke", members.invitation_revoke, name="invitation_revoke"),
    path("settings/api-keys", keys.api_keys, name="api_keys"),
    path("settings/api-keys/<uuid:pk>/revoke", keys.api_key_revoke, name="api_key_revoke"),
    path("settings/privacy", settings.privacy_settings, name="privacy_settings"),
    path("settings/audit", audit.audit_log, name="audit_log"),
    path("settings/audit/file", audit.audit_file, name="audit_file"),
    path("settings/visits", visits.visits, name="visits"),
    path("notifications", notifications.notifications, name="notifications"),
    path("notifications/put-away", notifications.notifications_put_away, name="notifications_put_away"),
    path("visit", visits.visit, name="visit"),
    path("visit/leave", visits.visit_leave, name="visit_leave"),
]
outside = [
    path("invitations/<str:token>", invitations.invitation, name="invitation"),
]
