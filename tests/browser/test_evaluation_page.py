"""The evaluation page in a real browser: every section shows, nothing complains, nothing runs over a phone's edge."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.full

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
SECTIONS = [
    "What was decided, and should it ship?",
    "How good is it, and how sure is that?",
    "Compared with what?",
    "Where does it fail?",
]


@pytest.fixture
def browser() -> Iterator[Any]:
    """Headless Chromium from the system, through Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is absent: .ci/full installs it")
    if CHROMIUM is None:
        pytest.skip("chromium is absent: .ci/full installs it where it can")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync", "--no-first-run"]
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.mark.parametrize("view", [(1200, "light"), (1200, "dark"), (390, "light")])
def test_the_page_reads_on_a_desk_in_the_dark_and_on_a_phone(
    call: Callable[..., Any], penguins: Path, tmp_path: Path, browser: Any, view: tuple[int, str]
) -> None:
    width, scheme = view
    root = str(tmp_path / "ml")
    reply = call("run", data=str(penguins), target="Species", project_dir=root, budget_seconds=15)
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "data:")) else complaints.append(request.url),
    )
    page.goto(Path(reply.artifacts["evaluation"]).as_uri())
    headings = page.locator("h2").all_inner_texts()
    assert headings[: len(SECTIONS)] == SECTIONS
    assert len(headings) == 9
    assert page.locator("svg").count() + page.locator("img").count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not complaints
