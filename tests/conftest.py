"""Owns one rule of the whole suite: with CI=true a test that did not run is a failure.

It must not hold fixtures; those live beside the tests that need them, or in tests/support.
"""

import os
from collections.abc import Generator

import pytest

IN_CI = os.environ.get("CI") == "true"


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skip, an expected failure and an unexpected pass into a failure that says so."""
    report = yield
    if IN_CI and (report.skipped or hasattr(report, "wasxfail")):
        _fail(report, reason=getattr(report, "wasxfail", None) or report.longreprtext)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn the skip of a whole module into a failure too."""
    report = yield
    if IN_CI and report.skipped:
        _fail(report, reason=report.longreprtext)
    return report


def _fail(report: pytest.TestReport | pytest.CollectReport, *, reason: str) -> None:
    report.outcome = "failed"
    report.longrepr = f"{report.nodeid} did not run, and CI=true allows no skip and no expected failure: {reason}"
    vars(report).pop("wasxfail", None)
