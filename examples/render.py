"""Run the notebooks, and write each as a page of Markdown with what it shows.

python examples/render.py [NAME ...]
"""

import base64
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import jupytext
from nbclient import NotebookClient

EXAMPLES = Path(__file__).parent
PAGES = EXAMPLES.parent / "docs" / "notebooks"
DARK = (
    "<style>@media (prefers-color-scheme: dark) { svg { --ink: #e4e4e4; --edge: #6a6a6a; --grid: #3a3d42; "
    "--blue: #4ba8e8; --vermilion: #f0803c; --green: #22b98d; --purple: #dd92bb; } }</style>"
)


def render(path: Path) -> None:
    """Write the page of one notebook, and its pictures in a folder beside it."""
    notebook = jupytext.read(path)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(EXAMPLES)}}).execute()
    pictures = PAGES / path.stem
    shutil.rmtree(pictures, ignore_errors=True)
    parts = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(cell.source)
        elif cell.cell_type == "code":
            parts.append(f"```python\n{cell.source}\n```")
            parts += [shown for output in merged(cell.outputs) if (shown := show(output, pictures))]
    parts.append(f"*This page is what [`examples/{path.name}`](../../examples/{path.name}) shows.*")
    (PAGES / f"{path.stem}.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def merged(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return outputs with what was printed in pieces in one."""
    whole: list[dict[str, Any]] = []
    for output in outputs:
        if whole and output["output_type"] == "stream" and output.get("name") == whole[-1].get("name"):
            whole[-1]["text"] += output["text"]
        else:
            whole.append(output)
    return whole


def show(output: dict[str, Any], pictures: Path) -> str:
    """Return an output as Markdown; of a sound, only that there is one."""
    if output["output_type"] == "stream":
        return f"```text\n{output['text'].rstrip()}\n```" if output["name"] == "stdout" else ""
    data = output["data"]
    html = data.get("text/html", "")
    if "<audio" in html:
        return "*(a sound: run the notebook to hear it)*"
    if svg := re.search(r"<svg.*</svg>", html, re.DOTALL):
        table = re.search(r"<table>.*?</table>", html)
        drawing = re.sub(r"(<svg[^>]*>)", rf"\1{DARK}", svg[0], count=1)
        picture = keep(pictures, "svg", drawing.encode())
        return "\n\n".join([table[0] if table else "", picture])
    if "image/png" in data:
        return keep(pictures, "png", base64.b64decode(data["image/png"]))
    text = data["text/plain"]
    return "" if text.startswith(("<Axes", "<matplotlib")) else f"```text\n{text}\n```"


def keep(pictures: Path, suffix: str, content: bytes) -> str:
    """Write a picture, and return the Markdown that shows it."""
    pictures.mkdir(parents=True, exist_ok=True)
    file = pictures / f"{len(list(pictures.iterdir())) + 1}.{suffix}"
    file.write_bytes(content)
    return f"![]({pictures.name}/{file.name})"


if __name__ == "__main__":
    for path in sorted(EXAMPLES.glob("[0-9]*.py")):
        if path.stem in sys.argv[1:] or not sys.argv[1:]:
            render(path)
