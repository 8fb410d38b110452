"""A real, headless Chromium with its console and its requests, where Debian's is installed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


def installed() -> bool:
    """Whether the browser and its driver are there."""
    return bool(shutil.which("chromium") and shutil.which("chromedriver"))


@contextmanager
def browser(profile: str, width: int = 1200, height: int = 900) -> Iterator[Chrome]:
    """The browser with a new profile in that folder, closed afterwards."""
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for flag in (*FLAGS, f"--user-data-dir={profile}", f"--window-size={width},{height}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    try:
        yield chrome
    finally:
        chrome.quit()


def console(chrome: Chrome) -> list[str]:
    """What the page has written to its console, errors among it."""
    return [entry["message"] for entry in chrome.get_log("browser")]


def requests(chrome: Chrome) -> list[str]:
    """The URLs that the page has asked for."""
    urls = []
    for entry in chrome.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            urls.append(str(message["params"]["request"]["url"]))
    return urls
