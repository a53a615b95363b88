"""The figures in Prometheus' text format, read back by prometheus-client's own parser."""

from prometheus_client.parser import text_string_to_metric_families

from gateway.operate.metrics import COUNTERS, GAUGES, Figures


class Source:
    def __init__(self) -> None:
        self.counted: dict[tuple[str, str], int] = {}
        self.measured: dict[tuple[str, str], float] = {}

    def counters(self):
        return self.counted

    def gauges(self):
        return self.measured


def read(figures: Figures) -> dict[tuple[str, str], float]:
    found = {}
    for family in text_string_to_metric_families(figures.text().decode()):
        assert family.documentation
        for sample in family.samples:
            found[sample.name, next(iter(sample.labels.values()), "")] = sample.value
    return found


def test_what_was_counted_and_measured_is_read_back():
    source = Source()
    source.counted = {
        ("uplinks_accepted", ""): 7,
        ("uplinks_refused", "wrong_mic"): 3,
        ("uplinks_refused", "replayed"): 1,
    }
    source.measured = {("backlog_age_seconds", ""): 12.5, ("radio_online", "udp:aa555a0000000101"): 1}
    found = read(Figures(source))
    assert found["lampyre_uplinks_accepted_total", ""] == 7
    assert found["lampyre_uplinks_refused_total", "wrong_mic"] == 3
    assert found["lampyre_uplinks_refused_total", "replayed"] == 1
    assert found["lampyre_backlog_age_seconds", ""] == 12.5
    assert found["lampyre_radio_online", "udp:aa555a0000000101"] == 1


def test_a_plain_counter_begins_at_zero_and_a_gauge_that_is_not_known_is_absent():
    found = read(Figures(Source()))
    assert found["lampyre_uplinks_accepted_total", ""] == 0
    assert not any("backlog" in name for name, _ in found)


def test_two_gateways_in_a_process_do_not_share_figures():
    one, other = Source(), Source()
    one.counted = {("records", ""): 5}
    figures, others = Figures(one), Figures(other)
    assert read(figures)["lampyre_records_total", ""] == 5
    assert read(others)["lampyre_records_total", ""] == 0


def test_every_figure_says_what_it_is():
    for table in (COUNTERS, GAUGES):
        for name, (text, label) in table.items():
            assert text[0].isupper() or text[0].isdigit(), name
            assert label.isidentifier() or label == ""
