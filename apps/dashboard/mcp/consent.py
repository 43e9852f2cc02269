"""A signed-in person decides: this program, this organization, these rights, or nothing."""

from __future__ import annotations

from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from allauth.core.internal.httpkit import add_query_params
from allauth.idp.oidc.forms import AuthorizationForm
from allauth.idp.oidc.models import Client
from allauth.idp.oidc.views import AuthorizationView
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from uuid_utils.compat import uuid7

from apps.accounts.oauth import READ, SCOPES, WRITE, origin, resource
from apps.accounts.people import person
from apps.accounts.services import has_second_factor
from apps.core import db
from apps.dashboard.mcp.connections import Grant, keep_grant, note_connected, organization_at, workspaces_at
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.organizations.sql import Workspace


class ConsentForm(AuthorizationForm):
    """allauth's form, and for which organization."""

    def __init__(self, *args: Any, workspaces: list[Workspace], **kwargs: Any) -> None:
        self.user, self.workspaces = kwargs["user"], workspaces
        self.asked = [each for each in SCOPES if each in kwargs["requested_scopes"]]
        super().__init__(*args, **kwargs)
        choices = [(str(each.organization_id), each.name) for each in workspaces]
        only = choices[0][0] if len(choices) == 1 else None
        self.fields["organization"] = forms.ChoiceField(
            label=gettext_lazy("Organization"), choices=choices, initial=only,
            help_text=gettext_lazy("The program reaches this one alone. To use it with another, connect it again."),
        )  # fmt: skip
        scopes = cast(forms.MultipleChoiceField, self.fields["scopes"])
        self.asked = sorted(
            (value for value, _label in cast(list[tuple[str, str]], scopes.choices)), key=list(SCOPES).index
        )
        scopes.choices, scopes.required = [(value, SCOPES[value]) for value in self.asked], False

    def clean_organization(self) -> UUID:
        chosen = UUID(self.cleaned_data["organization"])
        row = organization_at(chosen)
        if row.is_suspended:
            raise ValidationError(_("This organization is suspended."))
        if row.requires_second_factor and not has_second_factor(self.user):
            raise ValidationError(
                _("%(name)s asks its members for two-factor sign-in. Turn it on in your account first.")
                % {"name": row.name}
            )
        return chosen

    def clean_scopes(self) -> list[str]:
        """What was left ticked of what was asked; who may change may also see."""
        chosen = [each for each in self.asked if each in self.cleaned_data["scopes"]]
        return [READ, *chosen] if READ not in chosen and {READ, WRITE} & set(self.asked) else chosen


class ConsentView(AuthorizationView):
    """allauth's authorization endpoint, held to OAuth 2.1 and to this brand."""

    form_class = ConsentForm

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = cast(HttpResponse, super().dispatch(request, *args, **kwargs))
        if isinstance(answer, TemplateResponse):
            # Browsers hold a form's redirect to the same rule: the program's own address must be in it.
            answer._csp_update = {"form-action": [_source(self._request_info["redirect_uri"])]}  # type: ignore[attr-defined]
        elif answer.status_code == 302 and not isinstance(answer, HttpResponseRedirect):
            # Back to the program: it checks who answers (RFC 9207).
            answer["Location"] = add_query_params(answer["Location"], {"iss": origin(request)})
        elif answer.status_code == 200:
            answer.status_code = 400  # allauth's page about an error
        return answer

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if refusal := self._refusal(request):
            return refusal
        return cast(HttpResponse, super().get(request, *args, **kwargs))

    def get_form_kwargs(self) -> dict[str, Any]:
        workspaces = workspaces_at(person(self.request), self.request.brand)  # type: ignore[attr-defined]
        return super().get_form_kwargs() | {"workspaces": workspaces}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        target = urlsplit(self._request_info["redirect_uri"])
        return super().get_context_data(**kwargs) | {"target": target.hostname or target.scheme}

    def form_invalid(self, form: ConsentForm) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def form_valid(self, form: ConsentForm) -> HttpResponse:
        client = Client.objects.get(pk=self._request_info["client_id"])
        if not is_of(client, self.request):
            return self._page(_("This program is not registered here. Connect it again."))
        self._request_info["resources"] = [resource(self.request)]
        answer = cast(HttpResponse, super().form_valid(form))
        code = parse_qs(urlsplit(answer.get("Location", "")).query).get("code")
        if code:
            self._keep(form, client, code[0])
        return answer

    def _keep(self, form: ConsentForm, client: Client, code: str) -> None:
        organization = organization_at(form.cleaned_data["organization"])
        keep_grant(code=code, grant=Grant(uuid7(), organization.pk, db.now()))
        with acting_for(organization):
            note_connected(
                organization=organization, client=client, scopes=form.cleaned_data["scopes"], by=Actor.of(self.request)
            )

    def _refusal(self, request: HttpRequest) -> HttpResponse | None:
        client = Client.objects.filter(pk=request.GET.get("client_id", "")).first()
        if client and not is_of(client, request):
            return self._page(_("This program is not registered here. Connect it again."))
        if request.GET.get("code_challenge_method") != "S256" or not request.GET.get("code_challenge"):
            return self._page(_("The program did not prove who it is (PKCE with S256). Update it and try again."))
        if "none" in request.GET.get("prompt", "").split():
            return self._page(_("This needs your decision: the program must open a window in which you can give it."))
        return None

    def _page(self, text: str) -> HttpResponse:
        return render(self.request, "idp/oidc/error.html", {"text": text}, status=400)


def is_of(client: Client, request: HttpRequest) -> bool:
    """Whether a program registered at this host's brand."""
    return (client.data or {}).get("brand") == str(request.brand.pk)  # type: ignore[attr-defined]


def _source(uri: str) -> str:
    """An address as the content security policy names it."""
    found = urlsplit(uri)
    return f"{found.scheme}://{found.netloc}" if found.scheme in ("http", "https") else f"{found.scheme}:"
