"""Check a built site as its readers would meet it: ``python docs/check_site.py docs/_build/html``.

Nothing is fetched from elsewhere; every link and image leads to something, every estimator's diagram to its
page; and the search finds a class.
"""

import argparse
import sys
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sklearn.base import BaseEstimator

from darkcnn._common import documentation


class _Page(HTMLParser):
    """The targets and the addresses of a page."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.addresses, self.fetched = set(), [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what the tag is, or leads to."""
        attributes = dict(attributes)
        self.targets.update(attributes[name] for name in ("id", "name") if attributes.get(name))
        found = [attributes[name] for name in ("href", "src") if attributes.get(name)]
        self.addresses += found
        if tag != "a":
            self.fetched += found


def broken_links(site):
    """Yield what is wrong with the links and images of all pages."""
    files = [path for path in site.rglob("*.html") if "_static" not in path.parts]  # templates of the theme
    pages = {path.resolve(): _Page(path) for path in files}
    for path, page in pages.items():
        for address in page.addresses:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc:
                if address in page.fetched and parts.scheme != "data":
                    yield f"{path.relative_to(site)}: {address} is fetched, so that it is missing offline"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.relative_to(site)}: {address} does not exist"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].targets:
                yield f"{path.relative_to(site)}: {address} has no such place"


def missing_diagrams(site):
    """Yield the estimators whose diagram would lead to no page."""
    for path in sorted(site.glob("api/generated/darkcnn.*.html")):
        module, _, name = path.stem.rpartition(".")
        public = getattr(import_module(module), name)
        if isinstance(public, type) and issubclass(public, BaseEstimator):
            address = public.__new__(public)._get_doc_link()
            page = site / address.removeprefix(documentation.ADDRESS + "/")
            if not page.is_file() or f"{module}.{name}" not in _Page(page).targets:
                yield f"the diagram of {name} leads to {address!r}"


def failing_search(site):
    """Yield what a browser finds wrong with the search and with the landing page."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
    from browser import CHROMIUM, browser
    from selenium.webdriver.support.ui import WebDriverWait

    if CHROMIUM is None:
        print("no Chromium: the search was not tried")
        return
    with browser() as driver:
        driver.get((site / "index.html").as_uri())
        # Without a stored preference, the theme says so, once, as if it were an error.
        errors = [each for each in driver.get_log("browser") if "invalid theme mode" not in each["message"]]
        errors = [each for each in errors if each["level"] == "SEVERE"]
        yield from (f"index.html: {each['message']}" for each in errors)
        driver.get((site / "search.html").as_uri() + "?q=CrossSectionPosterior")
        found = "return [...document.querySelectorAll('#search-results li a')].map((link) => link.href)"
        links = WebDriverWait(driver, 30).until(lambda _: driver.execute_script(found))
        if not any("darkcnn.CrossSectionPosterior.html" in link for link in links):
            yield f"the search for CrossSectionPosterior finds only {links}"


def main():
    """Print what is wrong, and fail if anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path, help="folder of the built site")
    site = parser.parse_args().site.resolve()
    faults = [*broken_links(site), *missing_diagrams(site), *failing_search(site)]
    print(*faults, f"{len(faults)} faults", sep="\n")
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
