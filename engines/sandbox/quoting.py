"""Sentences of the system prompt, as they stand. The sandbox quotes, it never invents."""

import random
import re

LONGEST = 220
# Sentences that tell the assistant how to behave are quoted last, facts with figures first.
_ORDERS = (
    "you your be speak always never do don't answer ask if keep when je jij u wees spreek altijd nooit geef vraag als "
    "houd bent sie du seien sprechen immer nie antworten fragen wenn"
)
ORDERS = frozenset(_ORDERS.split())
# Too common to tell what a question is about.
_COMMON = (
    "about also call could does done from have here more most much need that them then there they this what when where "
    "which will with would your again after aber auch dann dass denn dies eine haben hier ihre ihnen kann können mehr "
    "mich mein nach noch oder schon sich sind über wann wenn wird würde daar daarvoor deze door even geen goed hebben "
    "heeft kunt maar mijn moet naar naartoe niet nog onze over voor waar wanneer weer worden zijn zou"
)
COMMON = frozenset(_COMMON.split())


class Quotes:
    """Deals out sentences: the one that fits what was heard, else the next in a shuffled order."""

    def __init__(self, prompts: list[str], source: random.Random) -> None:
        parts = [sentences(prompt) for prompt in prompts]
        # The last system message is the campaign's: it is quoted first.
        last = parts[-1] if len(parts) > 1 else []
        rest = [sentence for part in (parts[:-1] if last else parts) for sentence in part]
        source.shuffle(rest)
        rest.sort(key=_rank)
        self._all = list(dict.fromkeys(last + rest))
        self._left = list(self._all)

    @property
    def count(self) -> int:
        return len(self._all)

    def take(self, heard: str) -> str | None:
        """A sentence for what was heard, None when the prompt is empty. Repeats only when all were used."""
        if not self._all:
            return None
        if not self._left:
            self._left = list(self._all)
        words = _words(heard)
        best = max(self._left, key=lambda sentence: len(words & _words(sentence)))
        chosen = best if words & _words(best) else self._left[0]
        self._left.remove(chosen)
        return chosen


def sentences(prompt: str) -> list[str]:
    """Sentences of at least four words; headings, list marks and emphasis are taken away."""
    found = []
    for line in prompt.splitlines():
        if line.lstrip().startswith("#"):
            continue
        line = re.sub(r"^\s*(?:[-*•>]|\d+[.)])\s*", "", line)
        line = re.sub(r"[*_`]{1,3}(\S(?:.*?\S)?)[*_`]{1,3}", r"\1", line).strip()
        for sentence in re.split(r"(?<=[.!?])\s+", line):
            sentence = sentence.strip().strip('"“”„')
            if len(sentence.split()) >= 4 and not sentence.endswith(":"):
                found.append(_short(sentence))
    return found


def _short(sentence: str) -> str:
    if len(sentence) <= LONGEST:
        return sentence
    return sentence[:LONGEST].rsplit(" ", 1)[0] + " …"


def _rank(sentence: str) -> int:
    if sentence.split()[0].casefold() in ORDERS:
        return 2
    return 0 if any(letter.isdigit() for letter in sentence) else 1


def _words(text: str) -> set[str]:
    """Beginnings of the telling words, so that "costs" meets "cost"."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return {word[:4] for word in words if len(word) > 3 and word not in COMMON}
