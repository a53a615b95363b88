"""The report of what a collector has collected."""

from collections.abc import Iterable, Mapping, Sequence

from protocol.region import SUB_BANDS, data_rate
from simulator.report.bins import Latencies, Levels, Sums
from simulator.report.collector import BAY, EVENT, READING, RECEIVED, Collector, Tally
from simulator.report.report import (
    Away,
    Curve,
    Expectation,
    GatewayFigures,
    Group,
    NodeFigures,
    Noted,
    Over,
    Report,
    SubBandUse,
    Truth,
)
from simulator.scenario.metrics import METRICS
from simulator.scenario.model import Expectation as Expected

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
_HOUR_US = 3_600_000_000


def report_of(
    collector: Collector,
    end_us: int,
    truths: Sequence[Truth],
    expected: Iterable[Expected] = (),
    measured: Mapping[str, float] | None = None,
) -> Report:
    """Say what the run showed up to *end_us*; the digest is not sealed yet.

    measured: figures by metric that only the chain knows; they go before the collector's own of the same name.
    """
    _pass_until(collector, end_us)
    district, tallies = collector.district, list(collector.tallies.values())
    readings = all_latencies(collector)
    nothing: dict[str, float | None] = dict.fromkeys(METRICS)
    figures = nothing | figures_of(collector, end_us) | dict(measured or {})
    sent = sum(tally.sent for tally in tallies)
    return Report(
        seed=district.seed,
        hours=round(end_us / _HOUR_US, 3),
        nodes=len(tallies),
        name=district.name,
        model=district.model.en,
        model_fr=district.model.fr,
        complete=end_us >= district.hours * _HOUR_US,
        replay=district.replay,
        start_s=district.start_s,
        time_zone=district.time_zone,
        grace_s=district.grace_s,
        uplinks={"sent": sent, "received": collector.fates[RECEIVED]},
        readings={"taken": collector.logged[READING], "delivered": sum(tally.delivered for tally in tallies)},
        events={
            "taken": collector.logged[BAY] + collector.logged[EVENT],
            "delivered": sum(tally.events_delivered for tally in tallies),
        },
        downlinks={"sent": collector.downlinks.total(), **_sorted(collector.down_fates)},
        lost={fate: count for fate, count in _sorted(collector.fates).items() if fate != RECEIVED},
        refused=_sorted(collector.refusals),
        attacks=_sorted(collector.attacks),
        messages=_sorted(collector.messages),
        message_bytes=collector.message_bytes,
        airtime_s=round(sum(tally.airtime_us for tally in tallies) / 1e6, 3),
        sub_bands=_sub_bands(collector, end_us),
        spreading=_spreading(collector),
        latency_s=_latencies_s(readings),
        event_latency_s=_latencies_s(collector.event_latencies[BAY].joined_with(collector.event_latencies[EVENT])),
        roles=[
            _group(role, [tally for tally in tallies if tally.spot.role == role], latencies)
            for role, latencies in collector.latencies.items()
        ],
        zones=[_group(label, members) for label, members in _by_zone(collector).items()],
        gateways=[
            GatewayFigures(
                name=spot.name,
                x_m=spot.x_m,
                y_m=spot.y_m,
                fates=_sorted(collector.heard[spot.name]),
                downlinks=collector.downlinks[spot.name],
            )
            for spot in district.gateways
        ],
        spots=[_node(tally) for tally in tallies],
        streets=[list(street) for street in district.streets],
        over=_over(collector, readings),
        happenings=[
            Noted(_seconds(noted.time_us), noted.what, noted.subject, noted.count) for noted in collector.noted
        ],
        unnoted=collector.unnoted,
        outages=[
            Away(
                outage.what,
                outage.subject,
                _seconds(outage.from_us),
                _seconds(end_us if outage.to_us is None else outage.to_us),
                outage.count,
            )
            for outage in collector.outages
        ],
        figures=figures,
        truths=list(truths),
        expectations=[judged(each, figures.get(each.metric)) for each in expected],
    )


def judged(expected: Expected, value: float | None) -> Expectation:
    """Whether *value* is what was expected; what could not be measured is not."""
    return Expectation(expected.text, value, value is not None and expected.held(value))


def figures_of(collector: Collector, end_us: int) -> dict[str, float | None]:
    """The metrics of `simulator.scenario.metrics` that frames and records show; None: there was nothing to measure."""
    tallies = list(collector.tallies.values())
    readings, bays = all_latencies(collector), collector.event_latencies[BAY]
    everything = readings.joined_with(bays).joined_with(collector.event_latencies[EVENT])
    events = collector.logged[BAY] + collector.logged[EVENT]
    landed = collector.fates.total()
    joins_us = [tally.joined_us for tally in tallies if tally.joined_us is not None]
    years = sorted(tally.years for tally in tallies if tally.years is not None)
    return {
        "delivered": _share(collector.due_delivered, collector.due),
        "delivered_in_hour": _share(collector.due_in_hour, collector.due),
        "events_delivered": _share(bays.count + collector.event_latencies[EVENT].count, events),
        "states_right_60s": _share(bays.within[60], collector.logged[BAY]),
        "states_right_360s": _share(bays.within[360], collector.logged[BAY]),
        "uplinks_received": _share(collector.fates[RECEIVED], landed),
        "latency_p50_s": everything.quantile_s(0.5),
        "latency_p99_s": everything.quantile_s(0.99),
        "latency_max_s": _seconds(everything.longest_us) if everything.count else None,
        "dating_error_max_s": _seconds(collector.dating_error_us),
        "joined": 1.0 if collector.district.warm else _share(len(joins_us), len(tallies)),
        "joined_after_s": _seconds(max(joins_us)) if joins_us else None,
        "duty_cycle_max": max((use.busiest_pct / use.limit_pct for use in _sub_bands(collector, end_us)), default=0.0),
        "battery_p10_years": _quantile(years, 0.1),
    }


def all_latencies(collector: Collector) -> Latencies:
    """Of the readings of all roles together."""
    latencies = Latencies(collector.bins.count)
    for each in collector.latencies.values():
        latencies = latencies.joined_with(each)
    return latencies


def _pass_until(collector: Collector, end_us: int) -> None:
    for levels in (collector.bays, collector.told, collector.lamps):
        for each in levels.values():
            each.pass_until(end_us)


def _sub_bands(collector: Collector, end_us: int) -> list[SubBandUse]:
    nodes, gateways = collector.airtime, collector.gateway_airtime
    node_us = max(1, len(collector.tallies) * end_us)
    uses = []
    for band in SUB_BANDS:
        if band.name not in nodes.busiest and band.name not in gateways.busiest:
            continue
        busiest_us, busiest = nodes.busiest.get(band.name, (0, ""))
        gateway_us, gateway = gateways.busiest.get(band.name, (0, ""))
        uses.append(
            SubBandUse(
                name=band.name,
                limit_pct=band.duty_per_mille / 10,
                mean_pct=round(100 * nodes.total_us[band.name] / node_us, 5),
                busiest_pct=round(100 * busiest_us / _HOUR_US, 4),
                busiest=busiest,
                gateway_pct=round(100 * gateway_us / _HOUR_US, 4),
                gateway=gateway,
            )
        )
    return uses


def _spreading(collector: Collector) -> dict[str, int]:
    """Frames by data rate in the words of the radio, the fastest first."""
    rates = sorted(collector.data_rates, reverse=True)
    return {_rate(dr): collector.data_rates[dr] for dr in rates}


def _rate(dr: int) -> str:
    sf, bw_hz = data_rate(dr)
    return "FSK" if not sf else f"SF{sf}" if bw_hz == 125_000 else f"SF{sf}/{bw_hz // 1000}"


def _latencies_s(latencies: Latencies) -> dict[str, float | None]:
    quantiles = {name: latencies.quantile_s(share) for name, share in _QUANTILES.items()}
    return {**quantiles, "max": _seconds(latencies.longest_us) if latencies.count else None}


def _by_zone(collector: Collector) -> dict[str, list[Tally]]:
    """In the order in which the nodes name them; what belongs to no zone is none."""
    labels = dict(collector.district.labels)
    zones: dict[str, list[Tally]] = {}
    for tally in collector.tallies.values():
        zone = tally.spot.zone
        if zone:
            zones.setdefault(labels.get(zone, zone), []).append(tally)
    return zones


def _group(name: str, members: Sequence[Tally], latencies: Latencies | None = None) -> Group:
    years = sorted(tally.years for tally in members if tally.years is not None)
    return Group(
        name=name,
        nodes=len(members),
        sent=sum(tally.sent for tally in members),
        received=sum(tally.received for tally in members),
        taken=sum(tally.taken for tally in members),
        delivered=sum(tally.delivered for tally in members),
        events_taken=sum(tally.events_taken for tally in members),
        events_delivered=sum(tally.events_delivered for tally in members),
        latency_p50_s=latencies.quantile_s(0.5) if latencies else None,
        latency_p99_s=latencies.quantile_s(0.99) if latencies else None,
        battery_p10_years=_quantile(years, 0.1),
        battery_p50_years=_quantile(years, 0.5),
    )


def _node(tally: Tally) -> NodeFigures:
    spot = tally.spot
    return NodeFigures(
        name=spot.name,
        role=spot.role,
        zone=spot.zone,
        x_m=spot.x_m,
        y_m=spot.y_m,
        sent=tally.sent,
        received=tally.received,
        taken=tally.taken,
        delivered=tally.delivered,
        due=tally.due,
        due_delivered=tally.due_delivered,
        sf=None if tally.dr is None else data_rate(tally.dr)[0],
        years=tally.years,
    )


def _over(collector: Collector, readings: Latencies) -> Over:
    series, bins = collector.series, collector.bins
    labels = dict(collector.district.labels)
    return Over(
        bin_s=bins.width_us // 1_000_000,
        sent=series.sent,
        lost=series.lost,
        taken=series.taken,
        delivered=series.delivered,
        arrived=series.arrived,
        p50_s=[readings.quantile_s(0.5, number) for number in range(bins.count)],
        p90_s=[readings.quantile_s(0.9, number) for number in range(bins.count)],
        p99_s=[readings.quantile_s(0.99, number) for number in range(bins.count)],
        joined=series.joined,
        backlog=series.backlog,
        values={name: _curve(sums) for name, sums in collector.values.items() if sums},
        bays=_means(collector.bays, labels),
        told=_means(collector.told, labels),
        lamps=_means(collector.lamps, labels),
    )


def _curve(sums: Sums) -> Curve:
    return Curve(mean=_rounded(sums.means()), least=_rounded(sums.least), most=_rounded(sums.most))


def _means(levels: Mapping[str, Levels], labels: Mapping[str, str]) -> dict[str, list[float | None]]:
    return {labels.get(zone, zone): _rounded(each.means()) for zone, each in levels.items()}


def _rounded(values: Iterable[float | None]) -> list[float | None]:
    return [None if value is None else round(value, 4) for value in values]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return {name: counts[name] for name in sorted(counts)}


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The value that *share* of them do not reach."""
    return ordered[int(share * (len(ordered) - 1))] if ordered else None


def _seconds(time_us: int) -> float:
    return round(time_us / 1e6, 3)
