"""What measurements are for: pictures, plain numbers, pages, comparisons."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import neural_distortion as nd
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from neural_distortion import analysis
from neural_distortion._typing import Audio
from neural_distortion.analysis.probe import Real

RATE = 48_000
DATA = Path(__file__).parent / "data"


def overdrive(audio: Audio, _sample_rate: float) -> Audio:
    return np.asarray(np.tanh(4 * audio + 0.1))


def tone(frames: int = RATE) -> Real:
    return np.asarray(np.sin(2 * np.pi * 220 / RATE * np.arange(frames)) * np.hanning(frames))


@pytest.fixture(scope="module")
def measured() -> analysis.Analysis:
    return analysis.analyze(overdrive, name="<b>Over & drive</b>")


@pytest.fixture(scope="module")
def results(measured: analysis.Analysis) -> list[analysis.Result]:
    others = {"half": 0.5 * tone(), "most": 0.9 * tone()}
    return [
        measured,
        *(part for part in vars(measured).values() if isinstance(part, analysis.Result)),
        analysis.compare(others, tone(), sample_rate=RATE),
        analysis.null_test(tone(), 0.9 * tone(), RATE, align=False),
    ]


@pytest.fixture(autouse=True)
def never_shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def show(*_: object) -> None:
        pytest.fail("a picture was shown")

    monkeypatch.setattr(plt, "show", show)
    yield
    plt.close("all")


def test_every_result_becomes_json_and_says_what_it_found(results: list[analysis.Result]) -> None:
    assert len(results) == 16
    for result in results:
        numbers = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert numbers, result
        assert result.summary()
        assert type(result).__name__ in repr(result)


def test_every_result_draws_itself_with_labels_and_units(results: list[analysis.Result]) -> None:
    for result in results:
        axes = result.plot()
        assert isinstance(axes, Axes)
        assert plt.gcf().get_suptitle()
        for label in (axes.get_xlabel(), axes.get_ylabel()):
            assert re.search(r"\(.+\)|harmonic of", label), f"{result!r}: {label!r} names no unit"
        assert axes.get_figure() is plt.gcf()
        plt.close("all")


def test_what_is_louder_than_the_fundamental_is_in_the_picture() -> None:
    def octaver(audio: Audio, _sample_rate: float) -> Audio:
        return np.asarray(0.01 * audio + audio**2)

    harmonics, intermodulation = analysis.harmonics(octaver), analysis.intermodulation(octaver)
    sweep = analysis.sweep_frequency(octaver, [100, 1_000])
    for result, levels in (
        (harmonics, harmonics.levels_dbc),
        (intermodulation, intermodulation.product_levels_db),
        (sweep, sweep.thd_db),
    ):
        assert levels.max() > 10
        assert result.plot().get_ylim()[1] > levels.max()
        plt.close("all")


def test_given_axes_are_used_and_the_callers_style_is_left_alone(results: list[analysis.Result]) -> None:
    before = dict(mpl.rcParams)
    for result in results:
        _, axes = plt.subplots()
        assert result.plot(axes) is axes
        assert axes.has_data()
        assert len(plt.get_fignums()) == 1
        plt.close("all")
    assert dict(mpl.rcParams) == before


def test_a_dark_picture_is_dark(measured: analysis.Analysis) -> None:
    light, dark = (to_rgb(measured.harmonics.plot(dark=dark).get_facecolor()) for dark in (False, True))
    assert sum(dark) < 0.5 < sum(light)


def test_a_notebook_shows_numbers_and_picture(results: list[analysis.Result]) -> None:
    for result in results:
        shown = result._repr_html_()
        assert "<table>" in shown
        assert "<svg" in shown
        assert "var(--ink" in shown
    assert not plt.get_fignums()


class Page(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and where it points to."""
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]


def test_a_report_is_one_page_that_needs_nothing_else(measured: analysis.Analysis, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    found = analysis.report(overdrive, path, name="<b>Over & drive</b>")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.tags.count("svg") == 13
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert "url(http" not in text
    assert "@import" not in text
    assert "&lt;b&gt;Over &amp; drive&lt;/b&gt;" in text
    assert "<b>" not in text
    numbers = re.search(r'id="numbers">(.*?)</script>', text, re.DOTALL)
    assert numbers is not None
    assert json.loads(numbers[1]) == found.to_dict()
    assert found.to_dict() == measured.to_dict()


def test_the_same_measurements_make_the_same_page(measured: analysis.Analysis) -> None:
    assert measured.to_html() == measured.to_html()


def test_a_model_is_measured_on_threads_as_it_is_alone() -> None:
    model = nd.load(DATA / "wavenet_nano" / "model.nam")

    def alone(audio: Audio, sample_rate: float) -> Audio:
        return model(audio, sample_rate)

    steps: list[str] = []
    together = analysis.analyze(model, name="nano", sample_rate=RATE, progress=steps.append)
    assert together.to_dict() == analysis.analyze(alone, name="nano", sample_rate=RATE).to_dict()
    assert set(steps) == {key for key, value in vars(together).items() if isinstance(value, analysis.Result)}


def test_the_nearest_candidate_comes_first() -> None:
    candidates = {
        "far": overdrive,
        "near": lambda audio, _: 1.01 * audio,
        "inverted": lambda audio, _: -audio,
    }
    found = analysis.compare(candidates, lambda audio, _: audio)
    assert list(found.matches) == ["near", "inverted", "far"]
    assert found.matches["near"].esr == pytest.approx(1e-4, rel=1e-3)
    assert found.matches["inverted"].esr == pytest.approx(4)
    assert found.matches["inverted"].inverts
    assert found.reference.size == 412_800  # the guitar that comes with the package


def test_a_comparison_can_undo_delay_and_gain() -> None:
    late = 0.5 * np.roll(tone(), 7)
    found = analysis.compare({"late": late}, tone(), sample_rate=RATE, align=True).matches["late"]
    assert found.esr < 1e-6
    assert found.delay_samples == pytest.approx(7, abs=1e-3)
    assert found.gain_db == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_a_comparison_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="sample_rate"):
        analysis.compare({"half": 0.5 * tone()}, tone())
    with pytest.raises(ValueError, match="shape"):
        analysis.compare({"model": overdrive}, tone(), dry=tone(100), sample_rate=RATE)


def test_what_is_left_of_a_null_test_is_the_difference() -> None:
    hum = 1e-3 * np.sin(2 * np.pi * 50 / RATE * np.arange(RATE))
    found = analysis.null_test(tone() + hum, tone(), RATE, align=False)
    np.testing.assert_allclose(found.residual, hum, atol=1e-7)
    assert found.residual.dtype == np.float32
    assert found.residual_peak_db == pytest.approx(-60, abs=0.01)
    expected_db = 10 * np.log10(np.sum(hum**2) / np.sum((tone() + hum) ** 2))
    assert found.depth_db == pytest.approx(expected_db, abs=1e-6)


def test_equal_signals_leave_nothing() -> None:
    assert analysis.null_test(tone(), 0.25 * tone(), RATE).depth_db < -150
    assert analysis.null_test(tone(), tone(), RATE, align=False).depth_db == -200
