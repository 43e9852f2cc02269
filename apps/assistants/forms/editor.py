"""The editor of an assistant: every field of api 8.1 and 9 as inputs, and the change that was typed as JSON.

It starts from what is stored and writes only what a person changed: settings of other providers, unknown keys and
unknown tools stay as they are. The rules are the schema's, the same as for the API.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.assistants import formspec
from apps.assistants.forms.config_part import ROOTS, ConfigPart, Group, group_of
from apps.assistants.forms.inputs import Lazy
from apps.assistants.forms.rows import Column, Messages, Rows
from apps.assistants.forms.schema_editor import SchemaEditor
from apps.assistants.forms.sheet import Leaf, Path, Sheet, changed, fresh, put
from apps.assistants.forms.specials import Events, Off, Secret
from apps.assistants.forms.texts import EVENTS, WORDS, spec_of
from apps.assistants.forms.tools import Tools
from apps.assistants.mcp_services import server_choices
from apps.assistants.models import Assistant
from apps.assistants.schema import Cleaned, defaults, is_realtime
from apps.assistants.services import context_for, values_of
from apps.assistants.template_copies import tool_from

TABS: tuple[tuple[str, str], ...] = (
    ("conversation", "message-square-text"), ("model", "brain"), ("voice", "audio-lines"), ("speech", "sliders-horizontal"),
    ("tools", "wrench"), ("calls", "phone"), ("analysis", "chart-column"), ("privacy", "shield-check"),
    ("webhooks", "webhook"), ("notifications", "mail"),
)  # fmt: skip
ANALYSIS: Path = ("analysis_plan", "structured_data_plan")
SPOKEN = ("final_message", "end_call_message", "first_message_outbound")


class EditorForm(forms.Form):
    """The inputs as Django renders them; the sheet made them, the schema judges them."""

    use_required_attribute = False

    def __init__(self, sheet: Sheet, *, may_edit: bool) -> None:
        super().__init__(data=sheet.typed)
        self.fields = dict(sheet.fields)  # type: ignore[assignment]
        for shown in self.fields.values():
            shown.disabled = not may_edit


@dataclass
class Tab:
    id: str
    label: Lazy
    icon: str
    errors: int = 0


class Editor:
    """
    Args:
        assistant: what stands now.
        typed: what was sent with the form; None when the page is only opened.
        hidden: parts that are neither shown nor changed, by the names of their tabs; `prompts` is the prompt.
    """

    def __init__(
        self, assistant: Assistant, typed: QueryDict | None = None, *, may_edit: bool = True, hidden: frozenset[str] = frozenset()
    ) -> None:
        self.assistant, self.typed, self.may_edit, self.hidden = assistant, typed, may_edit, hidden
        base = values_of(assistant)
        # A realtime assistant has no voice of its own; the inputs then start with the platform's.
        base["tts_config"] = base["tts_config"] or defaults()["tts_config"]
        self.sheet = Sheet(base, typed)
        context = replace(context_for(assistant.organization), address_problem=_no_lookup)
        self.parts = {root: ConfigPart(root, self.sheet, context) for root in ROOTS}
        self.messages = Messages(
            "messages", ("llm_config", "messages"), self.sheet, ("user", "assistant", "system"), prompt="prompt"
        )
        self.pronunciation = Rows(
            "pronunciation", ("speech_config", "pronunciation"), _pronunciation(), self.sheet, "from"
        )
        organization = assistant.organization
        self.tools = Tools(
            self.sheet, organization.country, partial(tool_from, organization), partial(server_choices, organization)
        )
        self.schema = SchemaEditor(
            "analysis-schema", _plan_part(base, "schema"), self.sheet, ".".join((*ANALYSIS, "schema"))
        )
        self.questions = Messages("analysis-messages", (*ANALYSIS, "messages"), self.sheet, ("system", "user"))
        self.secret, self.events = Secret("webhook_secret", self.sheet), Events(self.sheet)
        resume = ("speech_config", "turn_taking", "false_interruption_timeout")
        self.never_resume = Off(resume, _("Never resume after a false interruption"), self.sheet)
        self.leaves: dict[str, Leaf] = {leaf.key: leaf for leaf in [*_own_leaves(), *_speech_leaves()]}
        self._lay()
        self.form = EditorForm(self.sheet, may_edit=may_edit)

    @property
    def is_realtime(self) -> bool:
        return is_realtime({"provider": self.parts["llm_config"].provider})

    @property
    def is_step(self) -> bool:
        """Whether the request only asks for other inputs (without JS): nothing is to be saved yet."""
        asked = self.typed is not None and any(self.typed.get(name) for name in ("add", "remove", "switch"))
        return asked or any(part.is_fresh for part in self.parts.values())

    def change(self) -> dict[str, Any]:
        """The JSON of what was changed, as PATCH would send it. Flaws of the text are in `sheet.problems`."""
        values = fresh(self.sheet.base)
        unseen = self._unseen()
        for name, leaf in self.leaves.items():
            if name not in unseen:
                leaf.apply(self.sheet, values)
        part: Any
        for part in (
            *self.parts.values(), self.messages, self.tools, self.pronunciation, self.never_resume, self.questions, self.secret,
            self.events,
        ):  # fmt: skip
            if not any(part is each for each in unseen):
                part.apply(values)
        if "analysis" not in self.hidden:
            is_changed, schema = self.schema.changed()
            if is_changed:
                put(values, (*ANALYSIS, "schema"), schema)
        _complete(self.sheet.base, values)
        return changed(self.sheet.base, values)

    def show(self, judged: Cleaned) -> None:
        """Put each problem at its input; what has none stands above the form."""
        for problem in judged.problems:
            self._refuse(self.sheet.place(problem.path), problem.text, problem.path)
        for name, text in self.sheet.problems:
            self._refuse(name, text, name)

    @property
    def tabs(self) -> list[Tab]:
        labels: dict[str, Lazy] = {
            "conversation": _("Conversation"), "model": _("Model"), "voice": _("Voice"), "speech": _("Speech"),
            "tools": _("Tools"), "calls": _("Call behaviour"), "analysis": _("Analysis"), "privacy": _("Privacy"),
            "webhooks": _("Webhooks"), "notifications": _("Notifications"),
        }  # fmt: skip
        count = Counter(self.sheet.tabs.get(name, "") for name in self.form.errors)
        count["tools"] += sum(len(card.errors) for card in self.tools.cards)
        return [Tab(name, labels[name], icon, count[name]) for name, icon in TABS if name not in self.hidden]

    def _refuse(self, name: str | None, text: str, path: str) -> None:
        card = next((card for card in self.tools.cards if name and name.startswith(card.prefix)), None)
        sentence = f"{text[:1].upper()}{text[1:]}"
        if name and name in self.form.fields:
            self.form.add_error(name, sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
        elif card is not None:
            card.errors.append(sentence)
            self.form.add_error(None, f"{card.title or _('Tool')}: {text}")
        else:
            self.form.add_error(None, f"{path}: {text}")

    def _lay(self) -> None:
        for tab, parts in self._places().items():
            self.sheet.tab = tab
            for part in parts:
                if isinstance(part, str):
                    self.leaves[part].lay(self.sheet)
                else:
                    part.lay()

    def _unseen(self) -> list[Any]:
        """Inputs that were not on the page: what they hold was never sent."""
        found = [part for tab, parts in self._places().items() if tab in self.hidden for part in parts]
        return [*found, self.messages] if "prompts" in self.hidden else found

    def _places(self) -> dict[str, tuple[Any, ...]]:
        return {
            "conversation": ("name", "business_name", "is_active", "first_message", "speech_config.first_message_outbound", self.messages),
            "model": (self.parts["llm_config"],),
            "voice": (self.parts["stt_config"], self.parts["tts_config"]),
            "speech": (*self._of("turn_taking"), self.never_resume, *self._of("background_audio"), self.pronunciation),
            "tools": (self.tools,),
            "calls": (
                "autonomous_silence_handling", "silence_timeout_seconds", *self._of("silence"), "voicemail_detection",
                "voicemail_message", "max_duration_seconds", "speech_config.end_call_message", "speech_config.end_call_phrases",
            ),
            "analysis": (f"{'.'.join(ANALYSIS)}.enabled", "analysis_plan.min_messages_threshold", self.schema, self.questions),
            "privacy": ("gdpr_mode", "recording_consent.enabled", "recording_consent.message"),
            "webhooks": ("webhook_url", self.secret, self.events),
            "notifications": ("notification_email", "notification_emails"),
        }  # fmt: skip

    def _of(self, part: str) -> list[str]:
        return [name for name in self.leaves if name.startswith(f"speech_config.{part}.")]

    @property
    def speech_groups(self) -> dict[str, Group]:
        """The parts of `speech_config` that are objects, as groups of inputs."""
        return {
            part: group_of([self.leaves[name] for name in self._of(part)])
            for part in ("turn_taking", "background_audio", "silence")
        }

    @property
    def has_silence(self) -> bool:
        return any(self.sheet.fields[name].initial for name in self._of("silence"))

    @property
    def event_names(self) -> list[str]:
        return [f"webhook_events.{name}" for name, _label, _help in EVENTS]


def _own_leaves() -> list[Leaf]:
    texts = {"name": "", "silence_timeout_seconds": 8}
    leaves = []
    for name in WORDS:
        path = tuple(name.split("."))
        extra: dict[str, Any] = {} if len(path) > 1 else {"empty": texts.get(name)}
        leaves.append(Leaf(path, spec_of(name), **extra))
    return leaves


def _speech_leaves() -> list[Leaf]:
    leaves = []
    for spec in formspec.speech_fields():
        inner = spec.fields if spec.kind == "object" else (spec,) if spec.kind != "objects" else ()
        root: Path = ("speech_config", spec.name) if spec.kind == "object" else ("speech_config",)
        for each in inner:
            shown = replace(each, kind="long_text") if each.name in SPOKEN else each
            leaves.append(Leaf((*root, each.name), shown))
    return leaves


def _pronunciation() -> tuple[Column, ...]:
    spec = next(spec for spec in formspec.speech_fields() if spec.name == "pronunciation")
    return tuple(Column(each.name, each.label, forms.TextInput) for each in spec.fields)


def _plan_part(values: Mapping[str, Any], key: str) -> Any:
    plan = (values.get("analysis_plan") or {}).get("structured_data_plan")
    return plan.get(key) if isinstance(plan, dict) else None


def _complete(base: Mapping[str, Any], values: dict[str, Any]) -> None:
    """Keys an object must have once a person has filled in any of it (api 8.1, 9.5)."""
    consent, plan = values.get("recording_consent"), (values.get("analysis_plan") or {}).get("structured_data_plan")
    if consent and consent != base.get("recording_consent"):
        values["recording_consent"] = {"enabled": False, "message": ""} | consent
    if isinstance(plan, dict) and values["analysis_plan"] != base.get("analysis_plan"):
        plan.setdefault("enabled", False)


def _no_lookup(url: str) -> str | None:
    """Laying out the page asks no DNS: it happens inside the page's transaction."""
    return None


def judged_with(editor: Editor, cleaned: Cleaned) -> bool:
    """Show what is wrong; True when nothing is and the change may be stored."""
    editor.show(cleaned)
    return not editor.form.errors
