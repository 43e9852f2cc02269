"""Of allauth only what we use: sign-in, reset, confirmation by code, second factor; and the account area."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as recovery
from allauth.mfa.totp import views as totp
from django.urls import path

from apps.accounts import views

urlpatterns = [
    path("accounts/login", account.login, name="account_login"),
    path("accounts/logout", account.logout, name="account_logout"),
    path("accounts/inactive", account.account_inactive, name="account_inactive"),
    path("accounts/reauthenticate", account.reauthenticate, name="account_reauthenticate"),
    path("accounts/confirm-email", account.email_verification_sent, name="account_email_verification_sent"),
    path("accounts/password/reset", account.password_reset, name="account_reset_password"),
    path("accounts/password/code", account.confirm_password_reset_code, name="account_confirm_password_reset_code"),
    path("accounts/password/new", account.complete_password_reset, name="account_complete_password_reset"),
    path("accounts/password/done", account.password_reset_from_key_done, name="account_password_reset_completed"),
    path("accounts/two-factor", mfa.authenticate, name="mfa_authenticate"),
    path("accounts/two-factor/again", mfa.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/language", views.set_language, name="set_language"),
    path("profile", views.profile, name="profile"),
    path("profile/email", account.email, name="account_email"),
    path("profile/password", account.password_change, name="account_change_password"),
    path("profile/password/set", account.password_set, name="account_set_password"),
    path("profile/sessions", views.sessions, name="usersessions_list"),
    path("profile/two-factor", mfa.index, name="mfa_index"),
    path("profile/two-factor/on", totp.activate_totp, name="mfa_activate_totp"),
    path("profile/two-factor/off", views.second_factor_off, name="mfa_deactivate_totp"),
    path("profile/recovery-codes", recovery.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("profile/recovery-codes/new", recovery.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("profile/recovery-codes/file", recovery.download_recovery_codes, name="mfa_download_recovery_codes"),
]
