"""JUnit XML: the elements and attributes that the schema of Ant's JUnit task requires, in its order.

The rules are those of JUnit.xsd of windyroad/JUnit-Schema, written down here as they concern us. What a reader makes of
it is asked of junitparser, which is none of ours.
"""

import re
from xml.etree import ElementTree as ET

from junitparser import Failure, JUnitXml

from simulator.report.junit import junit_xml
from simulator.report.report import Expectation, Truth
from tests.simulator.report.days import REPLAY, made_report

SUITE = {"package", "id", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"}
DECIMAL, DATE_TIME = r"\d+(\.\d+)?", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


def document(**changes) -> ET.Element:
    report = made_report()
    for name, value in changes.items():
        setattr(report, name, value)
    return ET.fromstring(junit_xml(report, 12.3456).encode())


def test_it_is_as_the_schema_says():
    root = document()
    assert root.tag == "testsuites"
    assert [suite.get("id") for suite in root] == ["0", "1"]
    for suite in root:
        assert set(suite.keys()) == SUITE
        assert re.fullmatch(DATE_TIME, suite.get("timestamp"))
        assert re.fullmatch(DECIMAL, suite.get("time"))
        tags = [child.tag for child in suite]
        cases = tags.count("testcase")
        assert tags == ["properties", *["testcase"] * cases, "system-out", "system-err"]
        assert int(suite.get("tests")) == cases
        for case in suite.findall("testcase"):
            assert set(case.keys()) == {"name", "classname", "time"}
            assert re.fullmatch(DECIMAL, case.get("time"))
            assert [child.tag for child in case] in ([], ["failure"])
        for each in suite.find("properties"):
            assert each.tag == "property"
            assert set(each.keys()) == {"name", "value"}
            assert each.get("name")


def test_another_s_reader_finds_every_case_its_failure_and_the_seed():
    report = made_report()
    report.truths = [Truth("the moon is cheese", False, "at 3 s: it is rock"), Truth("a day has 24 hours", True)]
    report.expectations = [Expectation("delivered >= 0.9", 0.5, False), Expectation("joined >= 1", 1.0, True)]
    root = JUnitXml.fromstring(junit_xml(report, 12.3456).encode())
    assert isinstance(root, JUnitXml)
    truths, expectations = root
    read = [(suite.name, suite.tests, suite.failures, suite.errors) for suite in root]
    assert read == [("truths", 2, 1, 0), ("expectations", 2, 1, 0)]
    assert (truths.time, truths.hostname, expectations.time) == (12.346, "localhost", 0.0)
    assert {each.name: each.value for each in truths.properties()} == {
        "seed": str(report.seed),
        "digest": report.digest,
        "replay": REPLAY,
    }
    assert [(case.name, case.classname.rpartition(".")[2], case.is_passed) for suite in root for case in suite] == [
        ("the moon is cheese", "truths", False),
        ("a day has 24 hours", "truths", True),
        ("delivered >= 0.9", "expectations", False),
        ("joined >= 1", "expectations", True),
    ]
    failures = [result for suite in root for case in suite for result in case.result]
    assert all(isinstance(failure, Failure) for failure in failures)
    assert [(failure.message, failure.text) for failure in failures] == [
        ("did not hold: the moon is cheese: at 3 s: it is rock", f"repeat it with: {REPLAY}"),
        ("expected delivered >= 0.9, it is 0.5", f"repeat it with: {REPLAY}"),
    ]
    root.update_statistics()  # counted by the reader itself
    assert (root.tests, root.failures, root.errors) == (4, 2, 0)


def test_truths_and_expectations_are_test_cases():
    report = made_report()
    names = [case.get("name") for case in document().iter("testcase")]
    assert names == [claim.name for claim in (*report.truths, *report.expectations)]


def test_what_did_not_hold_is_a_failure_with_the_command_that_repeats_it():
    root = document(
        truths=[Truth("the moon is cheese", False)],
        expectations=[Expectation("delivered >= 0.9", 0.5, False), Expectation("joined >= 1", None, False)],
    )
    failures = list(root.iter("failure"))
    assert [each.get("message") for each in failures] == [
        "did not hold: the moon is cheese",
        "expected delivered >= 0.9, it is 0.5",
        "expected joined >= 1, it is not known",
    ]
    assert {each.text for each in failures} == {f"repeat it with: {REPLAY}"}
    assert [suite.get("failures") for suite in root] == ["1", "2"]
    assert all(each.get("type") for each in failures)


def test_a_name_that_xml_cannot_hold_is_written_nevertheless():
    root = document(name="a \x00 <district> & \x1b[31m more")
    assert {case.get("classname") for case in root.iter("testcase")} == {
        "a ? <district> & ?[31m more.truths",
        "a ? <district> & ?[31m more.expectations",
    }
