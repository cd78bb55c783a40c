"""The plugin's window on a screen that nobody sees: opened, looked at, and operated."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

PROGRAM = os.environ.get("NEURAL_DISTORTION_STANDALONE", "")

# Nobody has to build a plugin to test the wheel; `cargo xtask test` does, and then nothing is skipped.
pytestmark = pytest.mark.skipif(
    not PROGRAM or sys.platform != "linux",
    reason="needs X11, and the program that `cargo xtask test` names in NEURAL_DISTORTION_STANDALONE",
)

Picture = NDArray[np.uint8]

#: Width and height of the screen, and of the window as it first opens.
SCREEN = (1280, 800)
WINDOW = (1120, 720)

#: Places in that window as ``(left, top, right, bottom)``.
NAME = (420, 18, 700, 62)
GAIN = (40, 526, 86, 606)
LIBRARY = (96, 88, 340, 472)

#: Seconds that anything may take: software draws the pictures, and the machine may be busy.
PATIENCE = 60.0


class Screen:
    """A screen with the window on it."""

    def __init__(self, display: str) -> None:
        self.environment = {**os.environ, "DISPLAY": display}

    def picture(self) -> Picture:
        """Return the screen, ``(height, width, 3)``."""
        command = ["import", "-window", "root", "-depth", "8", "rgb:-"]
        shot = subprocess.run(
            command, env=self.environment, check=True, capture_output=True, timeout=PATIENCE
        )
        return np.frombuffer(shot.stdout, np.uint8).reshape(SCREEN[1], SCREEN[0], 3)

    def part(self, place: tuple[int, int, int, int]) -> Picture:
        """Return a part of the screen."""
        left, top, right, bottom = place
        return self.picture()[top:bottom, left:right]

    def wait(self, until: Callable[[], bool], wanted: str) -> None:
        """Wait for something to be seen."""
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, f"{wanted}: not seen in {PATIENCE} s"
            time.sleep(0.1)

    def do(self, *words: object) -> None:
        """Move the pointer or press something, as xdotool says it."""
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self.environment, check=True, timeout=PATIENCE)
        time.sleep(0.2)


def bright(picture: Picture) -> int:
    """Count the pixels that are as light as letters."""
    return int((picture.min(axis=-1) > 180).sum())


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """Open the window on a screen of its own."""
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    command = ["Xvfb", "-displayfd", "1", "-screen", "0", size, "+extension", "GLX", "-noreset"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert server.stdout is not None
        screen = Screen(f":{server.stdout.readline().strip()}")
        home = {"HOME": str(tmp_path), "LIBGL_ALWAYS_SOFTWARE": "1"}
        with (tmp_path / "log").open("w") as log:
            program = subprocess.Popen(
                [PROGRAM, "--backend", "dummy"],
                env=screen.environment | home,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:

            def opened() -> bool:
                assert program.poll() is None, (tmp_path / "log").read_text()
                return bright(screen.part(NAME)) > 100

            screen.wait(opened, "the model's name")
            yield screen
            assert program.poll() is None, (tmp_path / "log").read_text()
        finally:
            program.kill()
            program.wait()
    finally:
        server.kill()
        server.communicate()


def test_the_window_opens_and_is_operated(screen: Screen) -> None:
    """One session, because opening takes longest."""
    width, height = WINDOW
    inside = screen.picture()[:height, :width]
    assert len(np.unique(inside.reshape(-1, 3), axis=0)) > 100, "it is not blank"

    before = screen.part(GAIN)
    center = ((GAIN[0] + GAIN[2]) // 2, (GAIN[1] + GAIN[3]) // 2)
    screen.do("mousemove", *center, "mousedown", 1)
    for _ in range(8):
        screen.do("mousemove_relative", "--", 0, -8)
    screen.do("mouseup", 1, "mousemove", width // 2, 5)
    accent = np.array([255, 176, 59])

    def lit() -> bool:
        return bool((np.abs(screen.part(GAIN).astype(int) - accent).max(axis=-1) < 30).sum() > 20)

    screen.wait(lit, "the knob that was dragged")

    # Not a double click: on a busy machine its two halves may be seen too far apart.
    screen.do("key", "Delete")
    screen.do("key", "Tab")
    screen.wait(lambda: bool((screen.part(GAIN) == before).mean() > 0.98), "the knob that was reset")

    there = bright(screen.part(LIBRARY))
    screen.do("mousemove", LIBRARY[0] + 60, LIBRARY[1] + 44, "click", 1)
    screen.do("type", "no model is called that")
    screen.wait(lambda: bright(screen.part(LIBRARY)) != there, "the search")
