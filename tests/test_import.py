"""What `import neural_distortion` brings, and what it leaves for later."""

import subprocess
import sys

import neural_distortion as nd
import pytest

HEAVY = ("matplotlib", "rich", "typer", "torch", "ray")


def run(code: str) -> str:
    """Run Python code in a process of its own and return what it prints."""
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_import_loads_nothing_that_only_some_need() -> None:
    loaded = run("import sys, neural_distortion; print(*sys.modules)").split()
    assert "neural_distortion._native" in loaded
    assert not set(HEAVY) & set(loaded)


def test_plots_do_not_touch_the_state_that_pyplot_shares() -> None:
    loaded = run("import sys, neural_distortion.plot; print(*sys.modules)").split()
    assert "matplotlib.figure" in loaded
    assert "matplotlib.pyplot" not in loaded


def test_parts_are_imported_when_they_are_asked_for() -> None:
    asked = "print('neural_distortion.analysis' in sys.modules, nd.analysis.esr)"
    code = f"import sys, neural_distortion as nd; {asked}"
    assert run(code).startswith("False <function esr")
    with pytest.raises(AttributeError, match="no attribute 'anlysis'"):
        nd.anlysis  # type: ignore[attr-defined]  # noqa: B018  (asking is what is tested)


def test_all_names_are_there() -> None:
    assert all(hasattr(nd, name) for name in nd.__all__)


def test_an_error_is_known_by_its_public_name() -> None:
    assert f"{nd.ModelError.__module__}.{nd.ModelError.__qualname__}" == "neural_distortion.ModelError"
