"""What the site's pages need beyond Markdown: links that leave this folder lead to the repository."""

import posixpath
import re
from typing import Any


def on_page_markdown(markdown: str, page: Any, config: Any, **_: object) -> str:  # noqa: ANN401  (mkdocs' own)
    """Turn relative links to files outside the documentation into links to the repository."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def lead_out(link: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        return link[0] if target.startswith("docs/") else f"]({config.repo_url}/blob/main/{target})"

    return re.sub(r"\]\((\.\./[^)#]+)\)", lead_out, markdown)


def on_page_content(html: str, **_: object) -> str:
    """Leave out the roles of reStructuredText, which docstrings name things with."""
    return re.sub(r":(func|meth|mod|class):(?=<code>)", "", html)
