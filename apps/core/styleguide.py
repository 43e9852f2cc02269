"""What the gallery of components (templates/styleguide.html, development only) shows; no database."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.core import db

DAYS = [("1", "Mon"), ("2", "Tue"), ("3", "Wed"), ("4", "Thu"), ("5", "Fri"), ("6", "Sat"), ("7", "Sun")]


class SampleForm(forms.Form):
    """One field of every kind."""

    name = forms.CharField(help_text="Only your team sees this name.", initial="Robin, recall assistant")
    email = forms.EmailField(label="Notification e-mail", required=False, initial="not an address")
    zone = forms.ChoiceField(label="Time zone", choices=[("ams", "Europe/Amsterdam"), ("ber", "Europe/Berlin")])
    silence = forms.IntegerField(
        label="Silence before asking again", required=False, min_value=2, max_value=60,
        widget=forms.NumberInput(attrs={"data-unit": "seconds", "placeholder": "8"}),
    )  # fmt: skip
    prompt = forms.CharField(
        label="System prompt", widget=forms.Textarea(attrs={"data-autosize": "", "rows": 4}),
        initial="You are Robin, the recall assistant of Northwind Dental.\nBe brief, kind and honest.",
        help_text="What the assistant knows and how it behaves. Use {{name}} for a lead's variable.",
    )  # fmt: skip
    password = forms.CharField(widget=forms.PasswordInput, required=False)
    parameters = forms.CharField(
        label="Tool parameters", required=False, widget=forms.Textarea(attrs={"data-json-editor": "", "rows": 8}),
        initial='{\n  "type": "object",\n  "properties": {"day": {"type": "string"}},\n  "required": ["day"]\n}',
    )  # fmt: skip
    days = forms.MultipleChoiceField(
        label="Call on", choices=DAYS, initial=["1", "2", "3", "4", "5"], required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "choice-days"}),
    )  # fmt: skip
    voicemail = forms.ChoiceField(
        label="On voicemail", choices=[("hang", "Hang up silently"), ("speak", "Leave a message")],
        widget=forms.RadioSelect, initial="hang",
    )  # fmt: skip
    recording = forms.FileField(label="Sample", required=False)
    active = forms.BooleanField(label="Active", required=False, initial=True, help_text="Answers calls on its numbers.")


def styleguide(request: HttpRequest) -> HttpResponse:
    """The gallery."""
    return render(request, "styleguide.html", styleguide_context(db.now()))


def styleguide_context(now: datetime) -> dict[str, Any]:
    """Everything the gallery needs, as of `now`."""
    answers = {"email": "not an address", "name": "Robin", "zone": "ams", "days": ["1", "2"], "voicemail": "hang"}
    failed = SampleForm(answers)
    return {
        "now": now,
        "form": SampleForm(auto_id="plain_%s"),
        "failed_form": failed,
        "calls": _calls(now),
        "volume": _volume(),
        "outcomes": {
            "labels": ["Completed", "No answer", "Voicemail", "Failed"],
            "series": [{"data": [612, 148, 73, 40], "tones": ["good", "plain", "notice", "bad"]}],
        },
        "latency": {
            "labels": [f"{hour}:00" for hour in range(9, 18)], "unit": "ms",
            "series": [{"label": "Answer time", "data": [820, 790, 845, 910, 870, 800, 780, 760, 805]}],
        },
        "segments": [
            {"label": "Completed", "value": 612, "tone": "good"}, {"label": "Failed", "value": 40, "tone": "bad"},
            {"label": "Calling", "value": 3, "tone": "brand"}, {"label": "Pending", "value": 218, "tone": "plain"},
        ],
        "tabs": [
            {"id": "speech", "label": "Voice", "icon": "audio-lines"},
            {"id": "model", "label": "Model", "icon": "brain", "errors": 2},
            {"id": "tools", "label": "Tools", "icon": "wrench", "count": 4},
        ],
        "steps": ["Upload", "Map columns", "Check rows", "Done"],
        "arguments": {"day": "2026-12-01", "part": "morning"},
        "result": {"free": ["09:20", "10:40"], "location": "Keizersgracht 12"},
        "conflict": [
            {"label": "Name", "theirs": "Robin (NL)", "yours": "Robin, recall assistant"},
            {"label": "Silence before asking again", "theirs": "10", "yours": "8"},
        ],
        "statuses": [
            ["queued", "ringing", "in-progress", "ended", "transferred", "failed", "rejected", "ended-with-error"],
            ["voicemail", "no_answer", "busy", "declined", "invalid_number", "in_doubt", "user_hangup", "max_duration"],
            ["pending", "calling", "completed", "skipped", "waiting_window", "waiting_retry", "do_not_call"],
            ["draft", "scheduled", "paused", "cancelled", "active", "inactive", "delivered", "retrying", "dead"],
        ],
    }  # fmt: skip


def _calls(now: datetime) -> list[dict[str, Any]]:
    rows = [
        ("Ava Thompson", "+14155552671", "Spring recall", "ended", 222, 410_000, 3),
        ("Liam Carter", "+442079460958", "Renewals Q4", "voicemail", 31, 50_000, 24),
        ("Noor de Vries", "+31201234567", "Spring recall", "in-progress", 64, 0, 1),
        ("Emma Rossi", "+390698765432", "Win-back", "no_answer", 0, 0, 190),
        ("Mia Schmidt", "+4930901820", "Renewals Q4", "transferred", 257, 510_000, 1500),
        ("Noah Patel", "+12125550188", "Spring recall", "failed", 0, 0, 4400),
    ]
    keys = ("name", "to", "campaign", "status", "seconds", "cost", "minutes")
    calls = [dict(zip(keys, row, strict=True)) for row in rows]
    return [call | {"started_at": now - timedelta(minutes=float(str(call["minutes"])))} for call in calls]


def _volume() -> dict[str, Any]:
    answered = [598, 655, 706, 760, 806, 833, 851, 858, 850, 836, 812, 780, 745, 712, 688, 670, 662, 668, 690, 724]
    missed = [340, 330, 318, 296, 270, 240, 212, 190, 176, 170, 172, 184, 200, 222, 240, 252, 256, 250, 236, 214]
    return {
        "labels": [f"Nov {day}" for day in range(1, len(answered) + 1)],
        "series": [{"label": "Answered", "data": answered}, {"label": "Missed", "data": missed, "tone": "plain"}],
    }
