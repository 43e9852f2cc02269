"""What a person is told by mail when something about the account changes: title and sentence per mail of allauth."""

from django.utils.translation import gettext_lazy as _

NOTICES = {
    "account/email/password_changed": (
        _("Your password was changed"),
        _("The password of your account was changed. Your other sessions have been ended."),
    ),
    "account/email/password_set": (
        _("Your password was set"),
        _("A password was set for your account."),
    ),
    "account/email/password_reset": (
        _("Your password was reset"),
        _(
            "The password of your account was reset with a code sent to this address. Your other sessions have been ended."
        ),
    ),
    "account/email/email_changed": (
        _("Your e-mail address was changed"),
        _("Your account now uses another e-mail address. You sign in with the new one."),
    ),
    "account/email/email_deleted": (
        _("An e-mail address was removed"),
        _("This e-mail address was removed from your account."),
    ),
    "mfa/email/totp_activated": (
        _("Two-factor sign-in was turned on"),
        _("From now on, signing in needs your password and a code from your authenticator app."),
    ),
    "mfa/email/totp_deactivated": (
        _("Two-factor sign-in was turned off"),
        _("From now on, signing in needs only your password."),
    ),
    "mfa/email/recovery_codes_generated": (
        _("New recovery codes were made"),
        _("Your account has new recovery codes. The old ones no longer work."),
    ),
}

# Mails that carry a code, or say that there is no account.
TEMPLATES = {
    "account/email/password_reset_code": "account_reset_code",
    "account/email/unknown_account": "account_unknown",
    "account/email/account_already_exists": "account_exists",
    "account/email/email_confirmation": "account_confirm_code",
    "account/email/email_confirmation_signup": "account_confirm_code",
}
