"""What the keys of a report are called in English and French: roles, causes, reasons, faults, metrics, happenings."""

from collections.abc import Mapping

from simulator.report.saying import Text, joined, lasting, same
from simulator.scenario.metrics import METRICS as UNITS

ROLES = {
    "parking": Text("parking", "stationnement"),
    "air": Text("air", "air"),
    "light": Text("light", "éclairage"),
    "bridge": Text("bridge", "pont"),
}
CAUSES = {  # of `simulator.air.fates.Fate`
    "chance": Text("chance", "hasard"),
    "burst": Text("a bad phase of the link", "mauvaise passe du lien"),
    "collision": Text("collision", "collision"),
    "crosstalk": Text("crosstalk of other data rates", "diaphonie d’autres débits"),
    "jamming": Text("jamming", "brouillage"),
    "no demodulator": Text("no free demodulator", "aucun démodulateur libre"),
    "gateway sending": Text("gateway was sending", "passerelle en émission"),
    "not tuned": Text("receiver not tuned", "récepteur non accordé"),
    "gateway off": Text("gateway switched off", "passerelle éteinte"),
    "too weak": Text("too weak", "signal trop faible"),
}
REASONS = {  # of `gateway.network.events.Reason`
    "malformed": Text("malformed", "mal formée"),
    "not_an_uplink": Text("not an uplink", "pas une trame montante"),
    "unknown_dev_addr": Text("unknown DevAddr", "DevAddr inconnue"),
    "wrong_mic": Text("wrong MIC", "MIC faux"),
    "too_many_wrong_mics": Text("too many wrong MICs before", "trop de MIC faux auparavant"),
    "replayed": Text("replayed", "rejouée"),
    "unknown_dev_eui": Text("unknown DevEUI", "DevEUI inconnu"),
    "wrong_join_eui": Text("wrong JoinEUI", "JoinEUI faux"),
    "reused_dev_nonce": Text("DevNonce used before", "DevNonce déjà utilisé"),
    "overload": Text("overload", "surcharge"),
    "unknown_f_port": Text("unknown FPort", "FPort inconnu"),
    "unreadable_payload": Text("unreadable payload", "contenu illisible"),
    "fault": Text("the gateway stumbled over it", "la passerelle a trébuché dessus"),
}
ATTACKS = {  # of `simulator.scenario.model.AttackKind`
    "replay": Text("uplinks replayed in order", "trames montantes rejouées dans l’ordre"),
    "replay_shuffled": Text("uplinks replayed in any order", "trames montantes rejouées en désordre"),
    "replay_downlinks": Text("downlinks replayed", "trames descendantes rejouées"),
    "replay_joins": Text("join requests replayed", "demandes d’adhésion rejouées"),
    "delay": Text("uplinks held back and replayed", "trames montantes retenues puis rejouées"),
    "bit_flips": Text("frames with a bit changed", "trames à un bit changé"),
    "truncated": Text("frames cut short", "trames tronquées"),
    "forge_class_c": Text("class C orders forged", "ordres de classe C forgés"),
    "forge_multicast": Text("group orders forged", "ordres de groupe forgés"),
    "flood_joins": Text("join requests by the thousand", "demandes d’adhésion en rafale"),
    "pull_data": Text("PULL_DATA with a gateway’s EUI", "PULL_DATA sous l’EUI d’une passerelle"),
}
FAULTS = {  # of `simulator.scenario.model.FaultKind`, and what is away
    "gateway": Text("gateway away", "passerelle absente"),
    "broker": Text("broker away", "courtier absent"),
    "loss": Text("frames lost by chance", "trames perdues au hasard"),
    "jamming": Text("jamming", "brouillage"),
    "antenna": Text("water in the antenna’s plug", "eau dans la fiche d’antenne"),
    "gateway_reboot": Text("gateway reboots", "redémarrage de passerelle"),
    "gateway_power_cut": Text("power cut of a gateway", "coupure de courant d’une passerelle"),
    "backhaul": Text("backhaul away", "liaison de collecte coupée"),
    "clock_jump": Text("gateway’s clock is wrong", "horloge de passerelle fausse"),
    "clock_untrusted": Text("gateway does not know the time", "passerelle sans heure sûre"),
    "disk_full": Text("disk full", "disque plein"),
    "broker_away": Text("broker away", "courtier absent"),
    "broker_restart": Text("broker restarts", "redémarrage du courtier"),
    "duplicates": Text("broker delivers twice", "le courtier livre en double"),
    "power_cut": Text("power cut", "coupure de courant"),
    "node_reboot": Text("node reboots", "redémarrage de nœud"),
    "node_dead": Text("node silent", "nœud muet"),
    "battery_empty": Text("battery empty", "pile vide"),
    "clock_drift": Text("sleep clock off", "horloge de veille dérivante"),
    "flash_worn": Text("flash worn", "flash usée"),
    "flash_torn": Text("flash write torn", "écriture de flash coupée"),
    "sensor_dead": Text("sensor dead", "capteur mort"),
    "sensor_stuck": Text("sensor stuck", "capteur figé"),
    "lamp_failed": Text("lamp failed", "lampe en panne"),
    "lamp_burns": Text("lamp burns whatever is set", "lampe allumée quoi qu’on règle"),
}
PATH_LOSS = {  # of `simulator.air.path_loss`
    "urban": Text("of a town (Hata)", "urbain (Hata)"),
    "suburban": Text("of a suburb (Hata)", "de banlieue (Hata)"),
    "open": Text("of open land (Hata)", "en terrain ouvert (Hata)"),
    "everywhere": Text("the same everywhere", "le même partout"),
    "lorasim": Text("of LoRaSim (Bor et al. 2016)", "de LoRaSim (Bor et al. 2016)"),
    "lorasim-ln": Text("of LoRaSim, with its natural logarithm", "de LoRaSim, à logarithme naturel"),
    "ns3": Text("of ns-3’s LoRaWAN module", "du module LoRaWAN de ns-3"),
    "oulu": Text("measured in Oulu", "mesuré à Oulu"),
    "flora": Text("of FLoRa", "de FLoRa"),
}
INTERFERENCE = {  # of `simulator.scenario.model.Interference`
    "aloha": Text(
        "frames that overlap on a channel and spreading factor are lost",
        "trames perdues dès qu’elles se recouvrent sur un canal et un facteur d’étalement",
    ),
    "capture-6db": Text("capture at 6 dB (Bor et al. 2016)", "capture à 6 dB (Bor et al. 2016)"),
    "croce": Text("interference after Croce et al. 2018", "interférences d’après Croce et al. 2018"),
    "goursaud": Text("interference after Goursaud and Gorce 2015", "interférences d’après Goursaud et Gorce 2015"),
}
HAPPENINGS = {
    "making": Text("the fleet is being made", "la flotte se prépare"),
    "reboot": Text("node rebooted", "nœud redémarré"),
    "died": Text("node died", "nœud mort"),
    "broke": Text("a truth broke", "une vérité est rompue"),
    "silent": Text("node silent", "nœud muet"),
    "back": Text("node back", "nœud de retour"),
    "quiet": Text("faults have stopped", "fin des pannes"),
    "order": Text("order given", "ordre donné"),
    "order_refused": Text("order refused", "ordre refusé"),
}
_SIGNS = {">=": "≥", "<=": "≤", "==": "="}
_BEGINS, _ENDS = "_begins", "_ends"

METRICS = {  # of `simulator.scenario.metrics`
    "delivered": Text("records delivered", "relevés livrés"),
    "delivered_in_hour": Text("records delivered within an hour", "relevés livrés dans l’heure"),
    "settled": Text("records older than six hours delivered", "relevés de plus de six heures livrés"),
    "settled_soon": Text(
        "the same, within an hour of hearing their node", "les mêmes, dans l’heure où leur nœud est entendu"
    ),
    "events_delivered": Text("events delivered", "événements livrés"),
    "states_right_60s": Text("bay changes known within 60 s", "changements de place connus en 60 s"),
    "states_right_360s": Text("bay changes known within 6 min", "changements de place connus en 6 min"),
    "uplinks_received": Text("frames received", "trames reçues"),
    "latency_p50_s": Text("latency of half of the records", "latence de la moitié des relevés"),
    "latency_p99_s": Text("latency of 99 records of 100", "latence de 99 relevés sur 100"),
    "latency_max_s": Text("longest latency", "plus longue latence"),
    "dating_error_max_s": Text("largest dating error", "plus grande erreur de datation"),
    "published_twice": Text("records published twice", "relevés publiés deux fois"),
    "joined": Text("nodes with a session at the end", "nœuds en session à la fin"),
    "joined_after_s": Text("until the last node had joined", "jusqu’à l’adhésion du dernier nœud"),
    "duty_cycle_max": Text("airtime of the busiest node, of its limit", "temps d’antenne du plus actif, de sa limite"),
    "confirmed_uplinks": Text("frames sent confirmed", "trames émises confirmées"),
    "dark_lamp_min": Text("time of lamps dark at night", "temps de lampes éteintes la nuit"),
    "frames_forged": Text("forged frames accepted", "trames forgées acceptées"),
    "scene_followed_10s": Text(
        "lamps of a group at its new level within 10 s", "lampes d’un groupe à leur nouveau niveau en 10 s"
    ),
    "scene_confirmed_s": Text("until each lamp’s state was confirmed", "jusqu’à l’état confirmé de chaque lampe"),
    "frames_delayed": Text("frames held back and accepted late", "trames retenues et acceptées en retard"),
    "downlinks_stolen": Text("downlinks stolen", "trames descendantes volées"),
    "battery_p10_years": Text("battery life one in ten misses", "vie de pile qu’un sur dix n’atteint pas"),
}
TRUTHS = {  # of `simulator.truths.breaches`
    "no frame counter was used twice, up, down or to a group": (
        "aucun compteur de trame n’a servi deux fois, montant, descendant ou de groupe"
    ),
    "no node and no gateway left the duty cycle in any hour": (
        "aucun nœud, aucune passerelle n’a dépassé son temps d’antenne en une heure"
    ),
    "no record was invented, changed or dated wrongly": "aucun relevé n’a été inventé, changé ou mal daté",
    "no record was published twice but after a lost acknowledgement, and then under the same key": (
        "aucun relevé n’a été publié deux fois, sauf acquittement perdu, et alors sous la même clé"
    ),
    "nothing that was on the gateway's card was lost": "rien de ce qu’avait écrit la passerelle n’a été perdu",
    "when the faults had stopped, all that the nodes still had arrived": (
        "les pannes finies, tout ce que les nœuds gardaient est arrivé"
    ),
    "no authentic frame was refused, and every other was": (
        "aucune trame authentique n’a été refusée, et toutes les autres l’ont été"
    ),
    "nobody without a key was believed": "nul n’a été cru sans clé",
    "no lamp that had power was dark at night but by order": (
        "aucune lampe sous tension n’était éteinte la nuit, sauf ordre"
    ),
    "no node's firmware fell over": "aucun logiciel de nœud n’est tombé",
}


def word(table: Mapping[str, Text], key: str) -> Text:
    """What *key* is called; one that the table does not know is shown as it is."""
    return table.get(key) or same(key.replace("_", " "))


def happening(what: str) -> Text:
    """What a happening is called; of a fault whether it begins or ends."""
    if what.endswith(_BEGINS):
        return Text("{of}: begins", "{of}\u00a0: début").filled(of=word(FAULTS, what.removesuffix(_BEGINS)))
    if what.endswith(_ENDS):
        return Text("{of}: over", "{of}\u00a0: fin").filled(of=word(FAULTS, what.removesuffix(_ENDS)))
    return word(HAPPENINGS, what) if what in HAPPENINGS else word(FAULTS, what)


def whose(subject: str, count: int) -> Text:
    """Of whom something is told: of one, or of one and others."""
    if count == 1:
        return truth(subject)
    others = "{name} et {more} autre" if count == 2 else "{name} et {more} autres"
    return Text("{name} and {more} more", others).filled(name=subject, more=count - 1)


def truth(name: str) -> Text:
    """A truth, which is a sentence in English already."""
    return Text(name, TRUTHS.get(name, name))


def claim(name: str) -> Text:
    """An expectation such as "delivered >= 0.99", with its metric and its unit in words."""
    metric, _, rest = name.partition(" ")
    sign, _, value = rest.partition(" ")
    try:
        limit = measured(metric, float(value))
    except ValueError:
        return same(name)
    return joined((word(METRICS, metric), same(_SIGNS.get(sign, sign)), limit), " ")


def measured(metric: str, value: float) -> Text:
    """A figure in the unit of its metric; shares as they are reached, never rounded up."""
    unit = UNITS[metric].unit if metric in UNITS else ""
    if unit == "s":
        return lasting(value)
    written = f"{100 * value if unit == '1' else value:.6g}"
    figure = Text(written, written.replace(".", ","))
    suffix = {"1": same("\u202f%"), "min": same("\u00a0min"), "a": Text("\u00a0years", "\u00a0ans")}.get(unit, same(""))
    return joined((figure, suffix), "")
