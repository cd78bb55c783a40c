"""That the tests beside this one have what they say: a cluster of several workers."""

import os
import time

import ray
from neural_distortion import load
from neural_distortion.model import example_model


def test_work_is_spread_over_processes_that_have_the_engine(cluster: str) -> None:
    def rate() -> tuple[int, float | None]:
        time.sleep(0.2)  # or the first process would do all
        return os.getpid(), load(example_model("overdrive")).sample_rate

    assert cluster
    found = ray.get([ray.remote(rate).remote() for _ in range(6)])
    assert len({process for process, _ in found} - {os.getpid()}) > 1
    assert {sample_rate for _, sample_rate in found} == {48_000}
