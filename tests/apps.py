"""An interactive notebook in a browser, for tests that move its sliders."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time

import pytest

FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update"
).split()
CURVE = ".vega-embed svg .mark-line path"  # the first is a mean
REDRAWN = """([curve, before]) => {
    const path = document.querySelector(curve)
    return path && path.getAttribute('d') !== before
}"""


@contextlib.contextmanager
def page_of(app):
    """A page of the app with its first curve drawn; skips without a browser."""
    pytest.importorskip("marimo")
    playwright = pytest.importorskip("playwright.sync_api")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    with _served(app) as address, playwright.sync_playwright() as driver:
        page = driver.chromium.launch(executable_path=browser, args=FLAGS).new_page()
        page.goto(address)
        page.wait_for_selector(CURVE, timeout=120_000)
        yield page


def seconds_to_redraw(page, key="ArrowRight"):
    """Seconds from a key to another first curve."""
    before = page.locator(CURVE).first.get_attribute("d")
    began = time.monotonic()
    page.keyboard.press(key)
    page.wait_for_function(REDRAWN, arg=[CURVE, before], polling=10)
    return time.monotonic() - began


@contextlib.contextmanager
def _served(app):
    """The app on a free port of this machine."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["marimo", "run", app, "--headless", "--no-token", "--port", str(port)]
    server = subprocess.Popen([sys.executable, "-m", *arguments])
    try:
        for _ in range(120):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=30)
