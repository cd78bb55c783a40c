"""What does the work: the threads of this process, or a cluster."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeAlias

from neural_distortion._extra import needs
from neural_distortion.batch.item import Outcome, Rows, render_item
from neural_distortion.batch.plan import Item, Settings

Submit: TypeAlias = Callable[[Item, Rows], "Future[Outcome]"]
"""What begins the work on an item, of which some rows are known."""

WAITING = 2
"""Items, for each worker, that are begun or wait: none is idle, and a million are not in memory."""

_RETRIES = 3
"""How often an item is tried again whose worker was killed."""


def in_order_of_completion(
    jobs: Iterable[tuple[Item, Rows]], submit: Submit, workers: int
) -> Iterator[tuple[Item, "Future[Outcome]"]]:
    """Yield each item as soon as it is done, and take the next only then."""
    running: dict[Future[Outcome], Item] = {}
    for item, recorded in jobs:
        running[submit(item, recorded)] = item
        if len(running) >= WAITING * workers:
            yield from _finished(running)
    while running:
        yield from _finished(running)


def _finished(running: dict["Future[Outcome]", Item]) -> Iterator[tuple[Item, "Future[Outcome]"]]:
    """Wait for one item, and take out all that are done."""
    for future in wait(running, return_when=FIRST_COMPLETED).done:
        yield running.pop(future), future


@contextmanager
def threads(workers: int | None, out: str, settings: Settings) -> Iterator[tuple[Submit, int]]:
    """Work with threads of this process, one for each core unless it is said: the engine releases the GIL."""
    count = workers or cores()
    stopped = threading.Event()
    pool = ThreadPoolExecutor(count, "render")
    try:
        yield (
            lambda item, recorded: pool.submit(render_item, item, recorded, out, settings, stopped.is_set),
            count,
        )
    except BaseException:
        stopped.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def cluster(address: str, out: str, settings: Settings) -> Iterator[tuple[Submit, int]]:
    """Work with Ray: a process for each core of the cluster, which is started here where there is none."""
    ray = needs("ray", "cluster", "rendering on a cluster")
    started = not ray.is_initialized()
    if started:
        ray.init(address=None if address == "auto" else address, logging_level="warning", log_to_driver=False)
    task = ray.remote(num_cpus=1, max_retries=_RETRIES)(render_item)
    shared = ray.put(settings)  # sent to each machine once: there may be thousands of gains in it
    running: set[Any] = set()

    def submit(item: Item, recorded: Rows) -> "Future[Outcome]":
        reference = task.remote(item, recorded, out, shared)
        running.add(reference)
        future: Future[Outcome] = reference.future()
        future.add_done_callback(lambda _: running.discard(reference))
        return future

    try:
        yield submit, max(1, int(ray.cluster_resources().get("CPU", 1)))
    finally:
        for reference in list(running):
            ray.cancel(reference, force=True)
        if started:
            ray.shutdown()
