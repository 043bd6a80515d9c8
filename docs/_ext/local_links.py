"""Links and anchors within the finished site lead somewhere; else the build warns, and -W fails."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)


class Page(HTMLParser):
    """Where a page links to, and its anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a tag's link and anchor."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.add(value)


def broken(folder: Path) -> list[str]:
    """What leads nowhere, as sentences."""
    pages = {}
    for file in folder.rglob("*.html"):
        if "_static" in file.parts:
            continue
        page = Page()
        page.feed(file.read_text(encoding="utf-8"))
        pages[file.resolve()] = page
    found = []
    for file, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            if target.is_dir():
                target /= "index.html"
            where = f"{file.relative_to(folder.resolve())} links to {link}"
            if not target.exists():
                found.append(f"{where}: no such file")
            elif parts.fragment and target in pages:
                known = pages[target].anchors
                if unquote(parts.fragment) not in known and parts.fragment != "top":
                    found.append(f"{where}: no such anchor")
    return found


def check(app: Sphinx, exception: Exception | None) -> None:
    """Warn of each broken link of a finished site."""
    if exception is None and app.builder.name == "html":
        for sentence in broken(Path(app.outdir)):
            log.warning(sentence, type="links")


def setup(app: Sphinx) -> dict[str, bool]:
    """Have links checked at the end."""
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
