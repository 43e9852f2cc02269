"""STT, LLM or TTS: the inputs of one provider, derived from the catalogue, and what becomes of the config."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants import formspec
from apps.assistants.forms.inputs import Lazy, Suggestions, parse, to_text
from apps.assistants.forms.provider_tools import ProviderTools
from apps.assistants.forms.sheet import MISSING, Leaf, Sheet, changed, get, put
from apps.assistants.formspec import FieldSpec
from apps.assistants.schema import Context, clean_assistant
from apps.catalog import providers
from apps.catalog.entries import Part, Provider

ROOTS: dict[str, Part] = {"stt_config": "stt", "llm_config": "llm", "tts_config": "tts"}


@dataclass
class Group:
    """Settings shown together, switches last; without a title they stand on their own. `wide` ones take the whole row."""

    names: list[str]
    switches: list[str] = field(default_factory=list)
    wide: frozenset[str] = frozenset()
    title: Lazy = ""
    help: Lazy = ""


@dataclass
class ConfigPart:
    """
    Args:
        root: `stt_config`, `llm_config` or `tts_config`.
        context: what the validator knows; asked when a value may not fit the newly chosen provider.
        typed_provider: from the address, when only the part is asked for.
    """

    root: str
    sheet: Sheet
    context: Context
    typed_provider: str | None = None
    notes: list[str] = field(default_factory=list)
    choices: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.part = ROOTS[self.root]
        self.config: Mapping[str, Any] = self.sheet.base[self.root]
        self.was = canonical_provider(self.part, self.config.get("provider"))
        asked = self.typed_provider or self.sheet.text(f"{self.root}.provider")
        self.provider = canonical_provider(self.part, asked) or self.was
        self.entry: Provider | None = providers.provider(self.part, self.provider)
        self.model = self._model()

    @property
    def is_fresh(self) -> bool:
        """Whether the person has not seen this provider's settings yet: nothing of them can have been typed."""
        seen = canonical_provider(self.part, self.sheet.text(f"{self.root}.shown")) or self.was
        return seen != self.provider

    def lay(self) -> None:
        """Add the inputs: provider, model, language or voice, then the settings in the catalogue's groups."""
        self._head().lay(self.sheet)
        settings = self._settings()
        replaced = self._replaced(settings) if self.is_fresh else {}
        for leaf in self._choices():
            leaf.add(self.sheet, self._text(leaf), self._widget(leaf))
            self.choices.append(leaf.key)
        for leaf in settings:
            leaf.add(self.sheet, replaced.get(leaf.key, self._text(leaf)))
        self.groups = self._grouped(settings)
        if tools := self._provider_tools():
            tools.lay()
        self._note_refused_settings()

    def apply(self, values: dict[str, Any]) -> None:
        """Write what was changed; the settings of other providers stay as they are."""
        for leaf in [self._head(), *self._choices(), *self._settings()]:
            leaf.apply(self.sheet, values)
        if tools := self._provider_tools():
            tools.apply(values)
        if changed({self.root: self.config}, {self.root: values[self.root]}):
            for name in self._refused_names():
                put(values, (self.root, name), MISSING)

    def kept(self) -> Iterator[tuple[str, str]]:
        """Typed values of other providers, carried along so that going back brings them back."""
        typed = self.sheet.typed
        if typed is None:
            return
        shown = set(self.sheet.fields)
        for name in typed:
            own = name.removeprefix("kept.")
            if own.startswith(f"{self.root}.") and own not in shown and not own.endswith(".shown"):
                yield f"kept.{own}", typed[name]

    def _head(self) -> Leaf:
        choices = tuple(formspec.provider_choices(self.part, local_models=self.context.local_models))
        known = {value for value, _label in choices}
        more = ((self.was, self.was),) if self.was and self.was not in known else ()
        spec = FieldSpec("provider", "choice", _("Provider"), "", choices=choices + more)
        return ProviderLeaf((self.root, "provider"), spec, blank=False, part=self.part)

    def _choices(self) -> list[Leaf]:
        found: list[Leaf] = []
        if self.entry and self.entry.models:
            spec = FieldSpec("model", "choice", _("Model"), "", choices=tuple(self._models()))
            blank = "model" not in self.entry.required
            default = replace(spec, default=self.entry.default_model)
            found.append(Leaf((self.root, "model"), default, blank=blank))
        elif self.entry and "model" in self.entry.required:
            found.append(Leaf((self.root, "model"), FieldSpec("model", "text", _("Model"), "")))
        if self.part == "stt":
            current = _text_of(self.config.get("language"))
            choices = tuple(formspec.language_choices(current))
            help_text = _("What callers speak. “Several languages” recognises each on its own.")
            spec = FieldSpec("language", "choice", _("Language"), help_text, choices=choices)
            found.append(Leaf((self.root, "language"), spec, blank=False))
        if self.part == "tts":
            found.append(Leaf((self.root, "voice_id"), self._voice_spec(), blank=False))
        return found

    def _models(self) -> list[tuple[Any, Lazy]]:
        current = _text_of(self.config.get("model")) if self.provider == self.was else None
        return formspec.model_choices(self.part, self.provider, current)

    def _voice_spec(self) -> FieldSpec:
        choices = formspec.voice_choices(self.part, self.provider)
        if choices is None:
            text = _("The id of the voice at the provider.")
            return FieldSpec("voice_id", "text", _("Voice"), text)
        current = _text_of(self.config.get("voice_id")) if self.provider == self.was else None
        known = tuple(formspec.voice_choices(self.part, self.provider, current) or ())
        return FieldSpec("voice_id", "choice", _("Voice"), _("The voice callers hear."), choices=known)

    def _widget(self, leaf: Leaf) -> Any:
        if leaf.path[-1] == "voice_id" and leaf.spec.kind == "text" and self.entry and self.entry.example_voices:
            return Suggestions(self.entry.example_voices, {"autocomplete": "off"})
        return None

    def _specs(self) -> list[FieldSpec]:
        model = self.model or (self.entry.default_model if self.entry else None)
        found = formspec.fields(self.part, self.provider)
        fitting = [spec for spec in found if not spec.only_models or model in spec.only_models]
        return [spec for spec in fitting if model not in spec.refused_models]

    def _settings(self) -> list[Leaf]:
        found: list[Leaf] = []
        for spec in self._specs():
            if spec.kind == "object":
                found += [Leaf((self.root, spec.name, inner.name), inner, wide=_wide(inner)) for inner in spec.fields]
            elif spec.kind != "objects":
                found.append(Leaf((self.root, spec.name), spec, wide=_wide(spec)))
        return found

    def _provider_tools(self) -> ProviderTools | None:
        spec = next((spec for spec in self._specs() if spec.kind == "objects"), None)
        return ProviderTools((self.root, spec.name), spec, self.sheet) if spec else None

    def _grouped(self, settings: list[Leaf]) -> list[Group]:
        groups = [group_of([leaf for leaf in settings if len(leaf.path) == 2])]
        for spec in self._specs():
            if spec.kind == "object":
                inner = [leaf for leaf in settings if len(leaf.path) == 3 and leaf.path[1] == spec.name]
                groups.append(replace(group_of(inner), title=spec.label, help=spec.help))
            elif spec.kind == "objects":
                names = ProviderTools((self.root, spec.name), spec, self.sheet).names()
                groups.append(Group(names, wide=frozenset(names), title=spec.label, help=spec.help))
        return [group for group in groups if group.names or group.switches]

    def _model(self) -> str | None:
        stored = _text_of(self.config.get("model"))
        if not self.is_fresh:
            typed = self.sheet.text(f"{self.root}.model")
            return stored if typed is None else typed or None
        if self.provider == self.was or self.entry is None:
            return stored
        return stored if stored in {model.id for model in self.entry.models} else self.entry.default_model

    def _text(self, leaf: Leaf) -> str:
        """What an input starts with: what was typed for it, else what is stored, for a new provider its default."""
        if self.is_fresh and leaf.path[-1] == "model":
            return self.model or ""
        if self.is_fresh and leaf.path[-1] == "voice_id":
            return self._voice()
        for key in (leaf.key, f"kept.{leaf.key}"):
            if (typed := self.sheet.text(key)) is not None:
                return typed
        is_off = self.sheet.typed is not None and leaf.spec.kind == "bool" and not self.is_fresh
        return "" if is_off else leaf.stored(self.sheet.base)

    def _voice(self) -> str:
        assert self.entry is not None
        stored = _text_of(self.config.get("voice_id")) or ""
        if self.provider == self.was:
            return stored
        typed = self.sheet.text(f"{self.root}.voice_id") or stored
        if self.entry.voices and typed in self.entry.voices:
            return typed
        chosen = self.entry.default_voice or (*self.entry.example_voices, *(self.entry.voices or ()), "")[0]
        self._note_replaced(_("Voice"), typed, chosen)
        return chosen

    def _replaced(self, settings: list[Leaf]) -> dict[str, str]:
        """Texts for settings of the same name that the new provider would refuse: its default, or nothing."""
        trial = {"provider": self.provider, "model": self.model, "language": "multi", "voice_id": "x"}
        for leaf in settings:
            if text := self._text(leaf):
                try:
                    put(trial, leaf.path[1:], parse(leaf.spec, text))
                except ValueError:
                    continue
        judged = clean_assistant({self.root: trial}, context=self.context, partial=True)
        wrong = {problem.path for problem in judged.problems}
        texts: dict[str, str] = {}
        for leaf in settings:
            if any(path == leaf.key or path.startswith(f"{leaf.key}.") for path in wrong):
                texts[leaf.key] = to_text(leaf.spec, leaf.spec.default) if leaf.spec.kind == "choice" else ""
                self._note_replaced(leaf.spec.label, self._text(leaf), texts[leaf.key])
        return texts

    def _note_replaced(self, label: Lazy, old: str, new: str) -> None:
        if not old or old == new or self.entry is None:
            return
        words = {"label": label, "old": old, "new": new, "provider": self.entry.label}
        if new:
            self.notes.append(_("%(label)s: “%(old)s” does not exist at %(provider)s; “%(new)s” is chosen.") % words)
        else:
            self.notes.append(_("%(label)s: “%(old)s” does not fit %(provider)s and was emptied.") % words)

    def _refused_names(self) -> tuple[str, ...]:
        return self.entry.refused_settings(self.model) if self.entry else ()

    def _note_refused_settings(self) -> None:
        texts = {spec.name: spec.label for spec in formspec.fields(self.part, self.provider)}
        names = [str(texts[n]) for n in self._refused_names() if n in texts and get(self.config, (n,)) is not None]
        if names and self.model != _text_of(self.config.get("model")):
            words = {"model": self.model, "names": ", ".join(names)}
            self.notes.append(_("%(model)s does not take these settings; saving removes them: %(names)s.") % words)


@dataclass(frozen=True)
class ProviderLeaf(Leaf):
    """The provider by its id, also where an alias is stored: an alias stays until another provider is chosen."""

    part: Part = "tts"

    def stored(self, values: Any) -> str:
        return canonical_provider(self.part, get(values, self.path))


def group_of(leaves: list[Leaf]) -> Group:
    """Inputs before switches; texts of many lines take the whole row."""
    return Group(
        [leaf.key for leaf in leaves if leaf.spec.kind != "bool"],
        [leaf.key for leaf in leaves if leaf.spec.kind == "bool"],
        frozenset(leaf.key for leaf in leaves if leaf.spec.kind in ("list", "long_text")),
    )


def canonical_provider(part: Part, value: Any) -> str:
    found = providers.provider(part, value)
    return found.id if found else _text_of(value) or ""


def _text_of(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _wide(spec: FieldSpec) -> bool:
    return spec.kind in ("list", "long_text", "bool")
