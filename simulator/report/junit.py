"""The report as JUnit XML: truths and expectations as test cases, valid against the schema of Ant's JUnit task.

That one asks for more than most readers do (properties, host name, both outputs), so what passes it is read anywhere.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from simulator.report.report import Expectation, Report, Truth

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0 §2.2


def junit_xml(report: Report, took_s: float) -> str:
    """An XML document; *took_s* real seconds are written to the first suite, case by case there is nothing to tell."""
    root = ET.Element("testsuites")
    suites: list[tuple[str, Sequence[Truth | Expectation]]] = [
        ("truths", report.truths),
        ("expectations", report.expectations),
    ]
    for number, (name, claims) in enumerate(suites):
        _suite(root, number, name, claims, report, 0.0 if number else took_s)
    ET.indent(root)
    return _NOT_XML.sub("?", f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n')


def _suite(
    root: ET.Element, number: int, name: str, claims: Sequence[Truth | Expectation], report: Report, took_s: float
) -> None:
    suite = ET.SubElement(
        root,
        "testsuite",
        package="lampyre.simulate",
        id=str(number),
        name=name,
        timestamp=datetime.fromtimestamp(report.start_s, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        hostname="localhost",
        tests=str(len(claims)),
        failures=str(sum(not claim.held for claim in claims)),
        errors="0",
        time=f"{took_s:.3f}",
    )
    properties = ET.SubElement(suite, "properties")
    for key, value in (("seed", str(report.seed)), ("digest", report.digest), ("replay", report.replay)):
        ET.SubElement(properties, "property", name=key, value=value)
    for claim in claims:
        case = ET.SubElement(
            suite, "testcase", name=claim.name, classname=f"{report.name or 'scenario'}.{name}", time="0"
        )
        if not claim.held:
            failure = ET.SubElement(case, "failure", message=_said(claim), type=name)
            failure.text = f"repeat it with: {report.replay}"
    ET.SubElement(suite, "system-out")
    ET.SubElement(suite, "system-err")


def _said(claim: Truth | Expectation) -> str:
    if isinstance(claim, Truth):
        return f"did not hold: {claim.name}" + (f": {claim.event}" if claim.event else "")
    return f"expected {claim.name}, it is {'not known' if claim.value is None else claim.value}"
