"""The work list in words: what is wrong with which lamp, since when, and what shows it, in English and French."""

from collections.abc import Mapping
from typing import Any

from gateway.counted import compte, counted

Words = Mapping[str, str]

NAMES: Mapping[str, Words] = {
    "en": {
        "lamp_failed": "lamp failed",
        "day_burner": "burns though it should be dark",
        "cycling": "goes out and comes back",
        "driver": "driver fault",
        "meter": "meter fault",
        "too_hot": "too hot",
        "off_plan": "not as planned",
        "missing": "not heard",
        "outage": "feeder without power",
        "switched_off": "switched off by the cabinet",
        "not_switched_on": "feeder not switched on",
    },
    "fr": {
        "lamp_failed": "lampe en panne",
        "day_burner": "allumée alors qu’elle devrait être éteinte",
        "cycling": "s’éteint et se rallume",
        "driver": "défaut de l’alimentation de lampe",
        "meter": "défaut du compteur",
        "too_hot": "surchauffe",
        "off_plan": "ne suit pas le programme",
        "missing": "muette",
        "outage": "départ sans tension",
        "switched_off": "coupé par l’armoire",
        "not_switched_on": "départ non enclenché",
    },
}
_HOW: Mapping[str, Words] = {
    "en": {
        "silent": "it does not answer",
        "does_not_dim": "it does not dim",
        "too_little": "too little for its level",
        "too_much": "too much for its level",
        "frozen": "the same values again and again",
    },
    "fr": {
        "silent": "ne répond pas",
        "does_not_dim": "ne gradue pas",
        "too_little": "trop peu pour son niveau",
        "too_much": "trop pour son niveau",
        "frozen": "toujours les mêmes valeurs",
    },
}
_PARTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("level_pct", "at {} %"),
        ("planned_pct", "planned {} %"),
        ("power_w", "takes {} W"),
        ("expected_w", "expected {} W"),
        ("temperature_cel", "{} °C"),
        ("times", "{} times"),
        ("feeder", "others of {} are heard"),
    ),
    "fr": (
        ("level_pct", "à {} %"),
        ("planned_pct", "prévu {} %"),
        ("power_w", "consomme {} W"),
        ("expected_w", "attendu {} W"),
        ("temperature_cel", "{} °C"),
        ("times", "{} fois"),
        ("feeder", "les autres de {} répondent"),
    ),
}
_NODE: Words = {"en": "told by the node", "fr": "signalé par le nœud"}


def name_of(kind: str, language: str) -> str:
    """What a kind of fault, or the cause of an outage, is called."""
    return NAMES[language].get(kind, kind)


def evidence_in_words(evidence: Mapping[str, Any], language: str) -> str:
    """What shows a fault, as `takes 0.3 W, expected 42.1 W`."""
    parts = [_HOW[language][evidence["how"]]] if evidence.get("how") in _HOW[language] else []
    for key, template in _PARTS[language]:
        if evidence.get(key) not in (None, ""):
            parts.append(template.format(_shown(evidence[key], language)))
    if evidence.get("by") == "node":
        parts.append(_NODE[language])
    return ", ".join(parts)


def outage_in_words(outage: Mapping[str, Any], language: str) -> str:
    """What is known of an outage."""
    if language == "fr":
        gasps = compte(outage["gasps"], "dernier message", "derniers messages")
        said = f"{compte(outage['lamps'], 'lampe')} sur {outage['known']}, {gasps}"
        return (
            said if outage["others_heard"] else f"{said} ; personne d’autre n’est entendu : la radio de la passerelle ?"
        )
    said = f"{outage['lamps']} of {outage['known']} lamps, {counted(outage['gasps'], 'last gasp')}"
    return said if outage["others_heard"] else f"{said}; nobody else is heard: is it the gateway's radio?"


def _shown(value: object, language: str) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text.replace(".", ",") if language == "fr" and isinstance(value, float) else text
