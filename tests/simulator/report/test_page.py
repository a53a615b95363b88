"""The page: whole in both languages, needs nothing from outside, and a screen reader finds its way."""

import re
from html.parser import HTMLParser

import pytest

from simulator.report.collector import Collector
from simulator.report.making import report_of
from simulator.report.page import page
from simulator.report.report import Digest, Expectation, Report, Truth
from tests.simulator.report.days import HOUR_US, REPLAY, TRUTHS, district, live, made_report

VOID = {"meta", "input", "br", "link"}
PLOTS = {"map", "delivery", "latency", "arrivals", "airtime", "spreading", "losses", "battery", "parking", "particles"}
PLOTS |= {"temperature", "lamps", "power"}


class Reader(HTMLParser):
    """Collects what a browser and a screen reader would: tags that are closed, text by language, ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.told: dict[str, list[str]] = {"en": [], "fr": []}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append((tag, dict(attrs)))

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open[-1][0] == tag
        self.open.pop()

    def handle_data(self, data):
        classes = {attributes.get("class") for _, attributes in self.open}
        if self.open and self.open[-1][0] not in ("style", "script"):
            for language in self.told:
                if ({"en": "fr", "fr": "en"}[language]) not in classes:
                    self.told[language].append(data)

    def said(self, language: str) -> str:
        return " ".join("".join(self.told[language]).split())

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.tags if name in attributes]


@pytest.fixture(name="report", scope="module")
def _report() -> Report:
    return made_report()


def test_it_is_well_formed_and_opens_in_the_language_asked_for(report):
    for language in ("en", "fr"):
        assert page(report, language).startswith(f'<!doctype html>\n<html lang="{language}">')
        Reader(page(report, language))


def test_it_needs_nothing_from_outside(report):
    text = page(report)
    tags = {tag for tag, _ in Reader(text).tags}
    assert not tags & {"link", "img", "iframe", "object", "embed", "base", "form", "video", "audio", "image", "use"}
    assert not re.search(r"url\(|@import|https?:|//[a-z]", text)
    assert Reader(text).attributes("src") == Reader(text).attributes("href") == []
    [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy.startswith("default-src 'none';")


def test_every_plot_has_a_sentence_for_a_title_and_a_table(report):
    text = page(report)
    reader = Reader(text)
    figures = re.findall(r'<figure id="([a-z]+)">', text)
    assert set(figures) == PLOTS
    assert len(re.findall(r"<figure .*?<table>.*?</figure>", text, re.DOTALL)) == len(figures)
    titles = re.findall(r"<figcaption.*?</figcaption>", text, re.DOTALL)
    for title in titles:
        for language in ("en", "fr"):
            assert Reader(title).said(language).endswith(".")
    drawn = [attributes for tag, attributes in reader.tags if tag == "svg" and attributes.get("role") == "img"]
    assert [attributes["aria-labelledby"] for attributes in drawn] == [f"{figure}-title" for figure in figures]


def test_ids_are_unique_and_what_refers_to_them_finds_them(report):
    reader = Reader(page(report))
    ids = reader.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(reader.attributes("aria-labelledby")) <= set(ids)


def test_both_languages_say_as_much_as_each_other(report):
    text = page(report)
    assert text.count('class="en"') == text.count('class="fr"') > 100
    reader = Reader(text)
    english, french = reader.said("en"), reader.said("fr")
    assert len(french) > 0.8 * len(english)
    for word in (" the ", " of ", "readings", "spreading", "frames"):
        assert word in english
        assert word not in french


def test_it_says_which_model_was_used_and_how_far_to_trust_it(report):
    reader = Reader(page(report))
    assert "path loss of a town, capture at 6 dB" in reader.said("en")
    assert "3 to 6 percentage points more than was measured" in reader.said("en")
    assert "affaiblissement urbain, capture à 6 dB" in reader.said("fr")
    assert "3 à 6 points de pourcentage de plus que mesuré" in reader.said("fr")


def test_it_ends_with_the_command_that_repeats_the_run(report):
    said = Reader(page(report)).said("en")
    assert REPLAY in said
    assert report.digest in said


def test_what_did_not_hold_is_said_in_words_and_not_by_colour_alone():
    report = made_report()
    report.truths = [Truth("the moon is cheese", False)]
    report.expectations = [Expectation("delivered >= 0.9", None, False)]
    said = Reader(page(report))
    assert page(report).count('<li class="broken">') == 2
    assert "✗the moon is cheese – did not hold" in said.said("en")
    assert "relevés livrés ≥ 90 % (rien à mesurer) – non tenu" in said.said("fr")


def test_of_a_run_that_was_stopped_expectations_are_not_judged():
    report = made_report()
    report.complete = False
    said = Reader(page(report)).said("en")
    assert "This run was stopped before its end." in said
    assert "What was expected" not in said
    assert "2 of 2" in said  # truths


def test_outages_and_attacks_are_told():
    report = made_report()
    report.attacks, report.refused = {"replay": 40}, {"replayed": 39, "wrong_mic": 1}
    said = Reader(page(report)).said("en")
    assert "gateway awaygw-1" in said
    assert "uplinks replayed in order: 40" in said
    assert "replayed: 39, wrong MIC: 1" in said


def test_a_name_cannot_break_out_of_the_page():
    report = made_report()
    report.name = report.replay = report.gateways[0].name + "</title><script>alert(1)</script>"
    reader = Reader(page(report))
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert "<script>alert(1)</script>" in reader.said("en")


@pytest.mark.parametrize(("nodes", "hours", "gateways"), [(1, 1, 1), (3, 0.1, 0), (8, 200, 1)])
def test_any_run_has_a_page(nodes, hours, gateways):
    terms = district(nodes=nodes, hours=hours, gateways=gateways)
    collector = Collector(terms)
    if gateways:
        live(collector, interval_s=300)
    report = report_of(collector, int(hours * HOUR_US), TRUTHS)
    report.seal(Digest())
    assert "</html>" in page(report)
    Reader(page(report))


def test_a_run_of_nothing_has_a_page():
    empty = Report(
        seed=1,
        hours=1,
        nodes=0,
        uplinks={"sent": 0, "received": 0},
        readings={"taken": 0, "delivered": 0},
        lost={},
        refused={},
        airtime_s=0,
    )
    Reader(page(empty))
