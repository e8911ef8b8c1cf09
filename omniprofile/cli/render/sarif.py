"""Lint's findings as SARIF 2.1.0 (OASIS standard), which code hosts show next to the code."""

import os
from urllib.parse import quote

import omniprofile
from omniprofile.checks.lint import Report
from omniprofile.checks.rule_texts import rules

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def sarif(report: Report) -> dict[str, object]:
    """Return one run, with every rule and its explanation. Relative paths start at the folder where lint ran."""
    described = [
        {
            "id": rule.code.value,
            "name": rule.code.name.title().replace("_", ""),
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.text},
            "defaultConfiguration": {"level": rule.code.level.value},
        }
        for rule in rules().values()
    ]
    index = {code: place for place, code in enumerate(rules())}
    results = [
        {
            "ruleId": finding.code,
            "ruleIndex": index[finding.code],
            "level": finding.level.value,
            "message": {"text": finding.message + (f"; {finding.suggestion}" if finding.suggestion else "")},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": _location(finding.file),
                        "region": {"startLine": finding.line, "startColumn": finding.column},
                    }
                }
            ],
        }
        for finding in report.findings
    ]
    driver = {"name": "omniprofile", "semanticVersion": omniprofile.__version__, "rules": described}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _location(file: str) -> dict[str, object]:
    # Encode the file name's bytes, which may not be UTF-8.
    path = quote(os.fsencode(file.replace(os.sep, "/")))
    if os.path.isabs(file):
        return {"uri": "file://" + (path if path.startswith("/") else f"/{path}")}
    return {"uri": path, "uriBaseId": "%SRCROOT%"}
