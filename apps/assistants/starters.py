"""Starting points for a new assistant, in the language it is to speak. The words are content, not the page's."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.assistants.schema import PLATFORM_DEFAULTS


@dataclass(frozen=True)
class Starter:
    """`language` is the catalogue's code for what callers speak."""

    language: str
    label: str | Promise
    text: str | Promise
    greeting: str
    prompt: str

    def values(self) -> dict[str, Any]:
        configs = copy.deepcopy(dict(PLATFORM_DEFAULTS))
        configs["stt_config"] |= {"language": self.language}
        configs["llm_config"] |= {
            "messages": [{"role": "system", "content": self.prompt}],
            "tools": [{"type": "end_call"}],
        }
        return configs | {"first_message": self.greeting}


STARTERS: dict[str, Starter] = {
    "en": Starter(
        "en",
        _("Receptionist, English"),
        _("Greets, finds out why somebody calls, takes a message."),
        "Good day, you are speaking with the reception. How can I help you?",
        "You answer the phone for our business. You are friendly, calm and brief: one or two sentences at a time, "
        "never a list.\n\n"
        "1. Find out why the person calls.\n"
        "2. Answer what you know for certain. What you do not know, you do not invent: say that a colleague calls back.\n"
        "3. For a message, ask for the name, the phone number and what it is about, and repeat the number.\n"
        "4. When everything is settled, say goodbye and end the call.\n\n"
        "About us:\n- Opening hours: Monday to Friday, 9 to 17.\n- Address: …\n- Services: …",
    ),
    "nl": Starter(
        "nl",
        _("Receptionist, Dutch"),
        _("Greets, finds out why somebody calls, takes a message."),
        "Goedendag, u spreekt met de receptie. Waarmee kan ik u helpen?",
        "Je neemt de telefoon op voor ons bedrijf. Je bent vriendelijk, rustig en kort: één of twee zinnen per keer, "
        "nooit een opsomming. Je zegt u.\n\n"
        "1. Vraag waarvoor iemand belt.\n"
        "2. Geef antwoord op wat je zeker weet. Wat je niet weet, verzin je niet: zeg dat een collega terugbelt.\n"
        "3. Voor een boodschap vraag je naam, telefoonnummer en onderwerp; herhaal het nummer.\n"
        "4. Is alles geregeld, neem dan afscheid en beëindig het gesprek.\n\n"
        "Over ons:\n- Openingstijden: maandag tot en met vrijdag, 9 tot 17 uur.\n- Adres: …\n- Diensten: …",
    ),
    "de": Starter(
        "de",
        _("Receptionist, German"),
        _("Greets, finds out why somebody calls, takes a message."),
        "Guten Tag, Sie sprechen mit dem Empfang. Was kann ich für Sie tun?",
        "Du nimmst für unser Unternehmen das Telefon ab. Du bist freundlich, ruhig und kurz: ein oder zwei Sätze auf "
        "einmal, nie eine Aufzählung. Du siezt.\n\n"
        "1. Finde heraus, warum jemand anruft.\n"
        "2. Beantworte, was du sicher weißt. Was du nicht weißt, erfindest du nicht: sage, dass jemand zurückruft.\n"
        "3. Für eine Nachricht fragst du nach Name, Telefonnummer und Anliegen und wiederholst die Nummer.\n"
        "4. Ist alles geklärt, verabschiede dich und beende das Gespräch.\n\n"
        "Über uns:\n- Öffnungszeiten: Montag bis Freitag, 9 bis 17 Uhr.\n- Adresse: …\n- Leistungen: …",
    ),
}
