"""Pages in real headless Chromium: what a reader sees, what the console says, what is sent."""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from selenium import webdriver

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_SECONDS = 20


class Browser:
    """A Chromium of the tests' own, with a profile that is thrown away."""

    def __init__(self, driver: "webdriver.Chrome") -> None:
        self.driver = driver
        self.forget()

    def forget(self) -> None:
        """Forget what was said and sent before."""
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)

    def open(
        self, address: str, *, width: int = 1280, theme: str = "light", zone: str = "UTC"
    ) -> None:
        """Open a page anew, also when only its hash differs."""
        command = self.driver.execute_cdp_cmd
        command("Emulation.setTimezoneOverride", {"timezoneId": zone})
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        command("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": theme}
        command("Emulation.setEmulatedMedia", {"features": [feature]})
        self.driver.get("about:blank")
        self.forget()
        self.driver.get(address)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """What the condition gives, once it gives something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := condition()):
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS} s; {self.said()}"
            time.sleep(0.02)
        return found

    def settled(self) -> None:
        """Wait until the page has gone on to its release, and its charts are drawn."""
        self.wait(lambda: self.run("return document.body?.dataset.release"))
        self.wait(
            lambda: self.run(
                "return [...document.querySelectorAll('.chart')]"
                ".every((chart) => chart.closest('[hidden]') || chart.querySelector('.main-svg'))"
            )
        )

    def text(self, selector: str) -> str:
        return str(self.run("return document.querySelector(arguments[0]).innerText", selector))

    def texts(self, selector: str) -> list[str]:
        text = "(e) => e.innerText ?? e.textContent"  # shapes have no innerText
        found = f"return [...document.querySelectorAll(arguments[0])].map({text})"
        return list(self.run(found, selector))

    def values(self, selector: str) -> list[str]:
        """The exact values behind numbers for people."""
        found = "return [...document.querySelectorAll(arguments[0])].map((e) => e.value)"
        return list(self.run(found, selector))

    def said(self) -> list[str]:
        """What the console said: errors, warnings, and refusals of the policy."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def asked_for(self) -> list[str]:
        """What was asked for since the page was opened, but by the browser of itself."""
        messages = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        return [
            message["message"]["params"]["request"]["url"]
            for message in messages
            if message["message"]["method"] == "Network.requestWillBeSent"
            and not message["message"]["params"]["documentURL"].startswith("chrome:")
        ]


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One Chromium for all tests. Without one they are skipped, and fail where CI=true."""
    paths = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
    missing = [name for name, path in paths.items() if path is None]
    if missing:
        reason = f"no {' and no '.join(missing)}: apt-get install chromium chromium-driver"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service

    options = Options()
    options.binary_location = str(paths["chromium"])
    profile: Path = tmp_path_factory.mktemp("chromium")
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(str(paths["chromedriver"])))
    yield Browser(driver)
    driver.quit()
