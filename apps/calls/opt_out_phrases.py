"""What people say who want no more calls, by language. Shipped; an organization may write its own (calling rules)."""

from __future__ import annotations

PHRASES: dict[str, tuple[str, ...]] = {
    "en": (
        "don't call me again", "do not call me again", "never call me again", "don't call me any more",
        "don't call me anymore", "do not call me any more", "do not call me anymore", "don't call this number",
        "do not call this number", "don't call here again", "don't ever call", "stop calling", "no more calls",
        "don't want any more calls", "do not want any more calls", "don't want to be called",
        "do not want to be called", "take me off your list", "take me off the list", "take me off your call list",
        "take my number off", "off your list", "remove me from your list", "remove my number", "delete my number",
        "put me on your do not call list", "on the do not call list", "unsubscribe me",
    ),
    "nl": (
        "bel me niet meer", "bel mij niet meer", "belt u me niet meer", "belt u mij niet meer",
        "bel me nooit meer", "bel mij nooit meer", "me niet meer bellen", "mij niet meer bellen",
        "me nooit meer bellen", "mij nooit meer bellen", "niet meer gebeld worden", "niet meer worden gebeld",
        "wil niet gebeld worden", "stop met bellen", "stopt u met bellen", "stoppen met bellen",
        "geen telefoontjes meer", "haal me van de lijst", "haal mij van de lijst", "mij van de lijst halen",
        "me van de lijst halen", "van die lijst af", "van de lijst af", "van jullie lijst af",
        "haal mijn nummer eruit", "haal mijn nummer weg", "verwijder mijn nummer", "verwijdert u mijn nummer",
        "op de bel-me-niet-lijst", "in het bel-me-niet-register", "schrijf me uit",
    ),
    "de": (
        "rufen sie mich nicht mehr an", "ruf mich nicht mehr an", "ruft mich nicht mehr an",
        "rufen sie mich nie wieder an", "ruf mich nie wieder an", "rufen sie hier nicht mehr an",
        "nicht mehr angerufen werden", "nie wieder angerufen werden", "mich nicht mehr anrufen",
        "mich nie wieder anrufen", "keine anrufe mehr", "hören sie auf anzurufen", "hören sie auf mich anzurufen",
        "hör auf anzurufen", "nehmen sie mich von der liste", "nehmen sie mich von ihrer liste",
        "streichen sie mich von der liste", "streichen sie mich von ihrer liste", "von der liste gestrichen",
        "von ihrer liste gestrichen", "löschen sie meine nummer", "löschen sie bitte meine nummer",
        "meine nummer löschen", "auf die sperrliste", "auf ihre sperrliste",
    ),
    "fr": (
        "ne m'appelez plus", "ne m'appelle plus", "ne me rappelez plus", "ne me rappelez pas",
        "ne m'appelez plus jamais", "ne plus m'appeler", "ne plus me rappeler", "ne plus être appelé",
        "ne plus être appelée", "ne plus être démarché", "ne plus être démarchée", "arrêtez de m'appeler",
        "arrêtez d'appeler", "cessez de m'appeler", "plus d'appels de votre part", "retirez-moi de votre liste",
        "retirez-moi de la liste", "enlevez-moi de votre liste", "supprimez mon numéro", "retirez mon numéro",
        "effacez mon numéro", "sur liste d'opposition", "sur votre liste d'opposition",
    ),
}  # fmt: skip
# One of these right before a phrase turns it round: "don't stop calling".
NEGATIONS = frozenset((
    "not", "dont", "never", "wont", "cant", "cannot", "didnt", "niet", "nooit", "nicht", "nie", "niemals", "pas", "jamais",
))  # fmt: skip
