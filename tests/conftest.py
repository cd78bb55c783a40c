"""What holds for every test."""

import os
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest

WORKERS = 3
"""Processes of the cluster: more than one, and less than what a small machine has trouble with."""

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def forbid_skipping(report: Report) -> Report:
    """Turn a skip into a failure where ``CI`` is set: there, everything can run."""
    if os.environ.get("CI") and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a test."""
    return forbid_skipping((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge a module, which ``importorskip`` can skip as a whole."""
    return forbid_skipping((yield))


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """Start a Ray cluster on this machine, and return its address; tests share it, for it takes seconds."""
    import ray

    context = ray.init(
        address="local", num_cpus=WORKERS, num_gpus=0, include_dashboard=False, log_to_driver=False
    )
    yield context.address_info["address"]
    ray.shutdown()
