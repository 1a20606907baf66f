"""Strict readers of the formats of CI systems."""

import re
import xml.etree.ElementTree as ET
from collections import Counter

# What GitLab 15.0 demands of a report; written down from its documentation.
NAMED = {"type": "object", "required": ["id", "name", "version", "vendor"]}
TIME = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$"}
GITLAB = {
    "type": "object",
    "required": ["scan", "version", "vulnerabilities"],
    "properties": {
        "version": {"pattern": r"^15\.0\.\d+$"},
        "scan": {
            "required": ["analyzer", "scanner", "start_time", "end_time", "status", "type"],
            "properties": {
                "analyzer": NAMED,
                "scanner": NAMED,
                "start_time": TIME,
                "end_time": TIME,
                "status": {"enum": ["success", "failure"]},
                "type": {"const": "secret_detection"},
                "messages": {"items": {"required": ["level", "value"]}},
            },
        },
        "vulnerabilities": {
            "items": {
                "required": ["id", "identifiers", "location"],
                "properties": {
                    "id": {"type": "string", "minLength": 1},
                    "name": {"type": "string", "maxLength": 255},
                    "severity": {"enum": ["Low", "Medium", "High", "Critical"]},
                    "identifiers": {"minItems": 1, "items": {"required": ["type", "name", "value"]}},
                    "location": {
                        "required": ["commit", "file"],
                        "properties": {
                            "commit": {"required": ["sha"]},
                            "start_line": {"type": "integer"},
                        },
                    },
                },
            }
        },
    },
}
QUALITY = {
    "type": "array",
    "items": {
        "required": ["description", "check_name", "fingerprint", "severity", "location"],
        "properties": {
            "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
            "location": {
                "required": ["path", "lines"],
                "properties": {
                    "lines": {"required": ["begin"], "properties": {"begin": {"type": "integer"}}}
                },
            },
        },
    },
}
# Elements of JUnit's XML with the attributes that each may have.
JUNIT = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
    "error": {"type", "message"},
    "skipped": {"type", "message"},
}


def suites(text):
    """The cases of a JUnit document as suite -> list of (name, outcome); strict about its form."""
    text.encode("utf-8")  # no lone surrogate
    root = ET.fromstring(text)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.attrib) <= JUNIT[element.tag]
    listed = {}
    for suite in root:
        cases = listed.setdefault(suite.get("name"), [])
        outcomes = Counter()
        for case in suite:
            outcome = case[0].tag if len(case) else "passed"
            outcomes[outcome] += 1
            cases.append((case.get("name"), outcome))
        assert int(suite.get("tests")) == len(cases)
        for attribute, outcome in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(attribute)) == outcomes[outcome]
    return listed


def commands(text):
    """Workflow commands as GitHub's runner reads them: (level, properties, message)."""
    read = []
    for line in re.split(r"\r\n|\r|\n", text.removesuffix("\n")):
        assert line.startswith("::"), line
        head, _, message = line[2:].partition("::")
        level, _, properties = head.partition(" ")
        pairs = dict(pair.split("=", 1) for pair in properties.split(","))
        for code, letter in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
            pairs = {name: value.replace(code, letter) for name, value in pairs.items()}
        read.append((level, pairs, message))
    return read
