"""The dates people name in the demo's conversations, relative to the day of the call."""

from datetime import date, timedelta

WEEKDAYS = {
    "nl": ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {
    "nl": (
        "januari",
        "februari",
        "maart",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ),
    "de": (
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ),
    "en": (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ),
}
SHORT = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def resolve(spec: str, called_on: date, language: str) -> date:
    """The day a specification means.

    `today`; `wd+3`: the third working day after the call; `tue+4` (or the weekday's name in the language): the first
    Tuesday at least four days after it.
    """
    if spec == "today":
        return called_on
    name, offset = spec.split("+")
    if name == "wd":
        return _working_day(called_on, int(offset))
    weekday = SHORT.index(name) if name in SHORT else WEEKDAYS[language].index(name)
    start = called_on + timedelta(days=int(offset))
    return start + timedelta(days=(weekday - start.weekday()) % 7)


def spoken(name: str, day: date, language: str) -> dict[str, str]:
    """The slots of one date: weekday, day with month, ISO form, and the English wording."""
    dot = "." if language == "de" else ""
    english = f"{WEEKDAYS['en'][day.weekday()]} {day.day} {MONTHS['en'][day.month - 1]}"
    return {
        f"{name}_day": WEEKDAYS[language][day.weekday()],
        f"{name}_date": f"{day.day}{dot} {MONTHS[language][day.month - 1]}",
        f"{name}_iso": day.isoformat(),
        f"{name}_en": english,
    }


def _working_day(start: date, count: int) -> date:
    day = start
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day
