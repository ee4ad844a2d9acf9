"""Chromium, and pages that must stay free of errors and of requests to anywhere else."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.stack import ROOT, Stack

SCREENSHOTS = ROOT / "tests" / "screenshots"
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
_ARGUMENTS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync"
)

expect.set_options(timeout=30_000)  # a page that lost its gateway tries again after growing pauses, and machines are busy


# One for each module: while Playwright's synchronous interface is open, no other event loop can run in the thread.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_ARGUMENTS.split())
        yield opened
        opened.close()


class Window:
    """One person's browser window on the desk."""

    def __init__(self, browser: Browser, stack: Stack, width: int = 1280, height: int = 860) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": width, "height": height}, locale="ru-RU", timezone_id="Europe/Moscow", base_url=stack.url
        )
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.faults: list[str] = []
        self._origins = (stack.url, stack.url.replace("http", "ws"), "blob:", "data:")
        self._listen(self.page)

    def _listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("console", lambda line: self.faults.append(f"console: {line.text}") if line.type == "error" else None)
        page.on("request", lambda call: self.faults.append(f"outside: {call.url}") if not call.url.startswith(self._origins) else None)

    def screenshot(self, name: str, *, full_page: bool = False) -> Path:
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        self._silently(lambda: self.page.screenshot(path=path, full_page=full_page))
        return path

    def axe_violations(self) -> list[str]:
        """axe-core's findings on the page as it is now, shadow roots included."""

        def run() -> Any:
            self.page.evaluate(AXE.read_text())
            return self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")

        found = self._silently(run)
        return [f"{violation['id']}: {node['target']}" for violation in found["violations"] for node in violation["nodes"]]

    def _silently(self, work: Any) -> Any:
        """Taking pictures and axe put styles into the page, which its policy refuses loudly: those lines are not the page's."""
        before = len(self.faults)
        result = work()
        self.faults[before:] = [fault for fault in self.faults[before:] if "inline style" not in fault]
        return result

    def scrolls_sideways(self) -> bool:
        return bool(self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))
