"""Live results as JUnit XML for CI servers.

Jenkins, GitLab and GitHub's reporters agree on little. Each test case has a class and a name. The reason is both in `message` and
in the text, since some show one and some the other. The timestamp has no zone (it is UTC).
"""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from omniprofile.model.live_result import LiveResult, Status
from omniprofile.model.names import printable

_SUITE = "omniprofile test"
_ELEMENTS = {Status.INVALID: "failure", Status.UNREACHABLE: "error", Status.UNTESTED: "skipped"}
"""A refused credential is a failure; an unreachable instance is an error; an untested profile is skipped."""


def junit(results: Sequence[LiveResult], *, began: datetime, seconds: float) -> str:
    """Return an XML document: one suite with a case per profile. `began` is aware; `seconds` is the total time."""
    from xml.etree import ElementTree as ET

    counts = Counter(result.status for result in results)
    totals = {
        "name": _SUITE,
        "tests": str(len(results)),
        "failures": str(counts[Status.INVALID]),
        "errors": str(counts[Status.UNREACHABLE]),
        "time": f"{seconds:.3f}",
    }
    root = ET.Element("testsuites", totals)
    timestamp = began.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    about_all = {**totals, "skipped": str(counts[Status.UNTESTED]), "timestamp": timestamp}
    suite = ET.SubElement(root, "testsuite", about_all)
    for result in results:
        time = f"{(result.latency_ms or 0.0) / 1000:.3f}"
        case = ET.SubElement(suite, "testcase", {"classname": _SUITE, "name": result.profile, "time": time})
        if result.status is Status.OK:
            continue
        reason = printable(result.reason or "", 400)
        about = {"message": reason, "type": result.symptom or result.status.value}
        remedy = f"\nremedy: {printable(result.remedy, 400)}" if result.remedy else ""
        ET.SubElement(case, _ELEMENTS[result.status], about).text = reason + remedy
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
