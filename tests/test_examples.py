"""The notebooks run, from their first cell to their last, and have a page with what they show."""

import asyncio
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

REPOSITORY = Path(__file__).parent.parent
NOTEBOOKS = sorted((REPOSITORY / "examples").glob("[0-9]*.py"))
PAGES = REPOSITORY / "docs" / "notebooks"


async def run(path: Path) -> int:
    """Run a notebook, and return how many of its cells show something."""
    notebook = jupytext.read(path)
    client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(path.parent)}})
    await client.async_execute()
    return sum(bool(cell.get("outputs")) for cell in notebook.cells)


@pytest.fixture(scope="module")
def runs() -> dict[Path, int | BaseException]:
    """Run all notebooks side by side: much of their time is spent on starting."""

    async def together() -> list[int | BaseException]:
        return await asyncio.gather(*map(run, NOTEBOOKS), return_exceptions=True)

    return dict(zip(NOTEBOOKS, asyncio.run(together()), strict=True))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, runs: dict[Path, int | BaseException]) -> None:
    shown = runs[path]
    if isinstance(shown, BaseException):
        raise shown
    assert shown > 1


def test_each_notebook_has_a_page() -> None:
    assert NOTEBOOKS
    assert {page.stem for page in PAGES.glob("*.md")} == {path.stem for path in NOTEBOOKS} | {"README"}
