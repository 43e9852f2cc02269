"""A connection to an engine as people type it. The key goes in and never comes back, not even beside an error."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.addresses import address_problem, url_problem
from apps.organizations.forms_pace import MOST_CALLS, PaceForm
from apps.organizations.models import Organization
from apps.voice.connecting import HOSTED_URL, HOSTED_WEB_CALL_URL, Wanted
from apps.voice.models import Connection

KINDS = [
    (Connection.Kind.HOSTED, Connection.Kind.HOSTED.label),
    (Connection.Kind.OTHER, Connection.Kind.OTHER.label),
]


class EngineForm(forms.Form):
    """Args:
    current: the organization's own connection, whose key may stay.
    is_trusted: the operator types; addresses in private networks are allowed.
    asks: whether leaving the present engine must be agreed to.
    is_neutral: shown on a reseller's host, where nothing names who is behind it.
    """

    kind = forms.ChoiceField(label=_("Engine"), choices=KINDS, widget=forms.RadioSelect, initial=Connection.Kind.HOSTED)
    base_url = forms.CharField(
        label=_("Base URL"), max_length=2048, required=False,
        widget=forms.TextInput({"placeholder": HOSTED_URL, "class": "is-mono", "inputmode": "url", "spellcheck": "false"}),
        help_text=_("Where its API begins. Empty: the address of an HMS Sovereign account."),
    )  # fmt: skip
    api_key = forms.CharField(
        label=_("API key"), max_length=500, required=False, widget=forms.PasswordInput({"autocomplete": "new-password"})
    )
    web_call_url = forms.CharField(
        label=_("Web-call URL"), max_length=2048, required=False,
        widget=forms.TextInput({"class": "is-mono", "inputmode": "url", "spellcheck": "false"}),
        help_text=_("Only for an engine that starts web calls at an address of their own. Empty: the usual one."),
    )  # fmt: skip
    understood = forms.BooleanField(label=_("Change the engine"), required=False)
    anyway = forms.BooleanField(
        label=_("Save although the test failed"), required=False,
        help_text=_("Calls are refused until the engine answers."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(
        self, *args: Any, current: Connection | None, is_trusted: bool = False, asks: bool = False,
        is_neutral: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        if current is not None:
            shown = {"kind": current.kind, "base_url": current.base_url, "web_call_url": current.web_call_url}
            if is_neutral and current.kind == Connection.Kind.HOSTED:
                shown = {"kind": current.kind}
            kwargs["initial"] = shown | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)
        self.current, self.is_trusted, self.asks = current, is_trusted, asks
        if is_neutral:
            self._name_nobody()

    def clean_base_url(self) -> str:
        return self._url("base_url") or (HOSTED_URL if self._is_hosted() else "")

    def clean_web_call_url(self) -> str:
        url = self._url("web_call_url")
        # An account elsewhere (a proxy, a test) has its web calls elsewhere too.
        is_usual = self._is_hosted() and self.cleaned_data.get("base_url") == HOSTED_URL
        return url or (HOSTED_WEB_CALL_URL if is_usual else "")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("base_url") and "base_url" not in self.errors:
            self.add_error("base_url", _("Enter the address of the engine's API."))
        if not data.get("api_key") and not self.errors:
            self._keep_key(data)
        if self.asks and not data.get("understood"):
            self.add_error("understood", _("Confirm that the engine is changed."))
        return data

    def wanted(self, **found: Any) -> Wanted:
        data = self.cleaned_data
        return Wanted(
            kind=data["kind"], base_url=data["base_url"], web_call_url=data["web_call_url"], api_key=data["api_key"],
            **found,
        )  # fmt: skip

    def connection(self, organization: Organization | None) -> Connection:
        """What was typed, to be tested: a row that is not saved."""
        data = self.cleaned_data
        names = ("kind", "base_url", "web_call_url", "api_key")
        return Connection(organization=organization, **{name: data[name] for name in names})

    def _name_nobody(self) -> None:
        kind, base_url = self.fields["kind"], self.fields["base_url"]
        assert isinstance(kind, forms.ChoiceField)
        kind.choices = [(Connection.Kind.HOSTED, _("Hosted account")), KINDS[1]]
        base_url.help_text = _("Where its API begins. Empty: the address of a hosted account.")
        del base_url.widget.attrs["placeholder"]

    def _is_hosted(self) -> bool:
        return self.cleaned_data.get("kind") == Connection.Kind.HOSTED

    def _url(self, name: str) -> str:
        url: str = self.cleaned_data[name].strip().rstrip("/")
        if not url:
            return ""
        problem = _form_problem(url) if self.is_trusted else address_problem(url)
        if problem:
            raise forms.ValidationError(problem)
        if urlsplit(url).query or urlsplit(url).fragment:
            raise forms.ValidationError(_("The address must not contain “?” or “#”."))
        return url

    def _keep_key(self, data: dict[str, Any]) -> None:
        """The stored key only goes where it was stored for: a new address could belong to anybody."""
        if self.current is None or not self.current.api_key:
            self.add_error("api_key", _("Enter the key of the engine."))
            return
        known = {_origin(self.current.base_url), _origin(self.current.web_call_url)}
        if not {_origin(data["base_url"]), _origin(data["web_call_url"] or data["base_url"])} <= known:
            self.add_error("api_key", _("The address leads to another host: enter the key for it."))
            return
        data["api_key"] = self.current.api_key


class LinesForm(PaceForm):
    """Limits of a connection beside those that its engine announces; the smaller one holds."""

    inbound_lines = forms.IntegerField(
        label=_("Lines kept for inbound calls"), min_value=0, max_value=MOST_CALLS, initial=0,
        help_text=_("Of the calls at once, so many are never used by campaigns."),
    )  # fmt: skip

    def __init__(self, data: Any, connection: Connection) -> None:
        names = ("concurrent_calls", "starts", "starts_seconds", "inbound_lines")
        super().__init__(data, initial={name: getattr(connection, name) for name in names})


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower()


def _form_problem(url: str) -> str | None:
    """The operator may name any host; it must still be an address."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc:
        return None
    return url_problem(url) or str(_("This is not a valid web address."))
