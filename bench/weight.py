"""Bytes that a phone receives on its first visit, as its browser counts them."""

from __future__ import annotations

from collections import Counter
from typing import Any

from bench.portal import find_chromium, portal

NAME = "weight"
MOST_KB, MOST_SCRIPT_KB = 120.0, 35.0
PHONE = {"width": 390, "height": 844}


def kind_of(answer: dict[str, Any]) -> str:
    path = answer["url"].split("?")[0]
    if answer["type"] == "Image" and "svg" not in answer["mime"] and "/icones/" not in path:
        return "photos"
    names = {"Document": "html", "Stylesheet": "style", "Script": "script", "Font": "font"}
    return names.get(answer["type"], "other")


def first_visit(browser: Any, url: str) -> dict[str, Any]:
    """Bytes by kind, head of each answer included; the service worker's own are apart."""
    context = browser.new_context(
        viewport=PHONE, device_scale_factor=3, is_mobile=True, has_touch=True, locale="fr-CA",
        service_workers="block",
    )  # fmt: skip
    page = context.new_page()
    tools = context.new_cdp_session(page)
    answers: dict[str, dict[str, Any]] = {}

    def received(event: dict[str, Any]) -> None:
        answer = event["response"]
        answers[event["requestId"]] = {
            "url": answer["url"], "type": event["type"], "mime": answer["mimeType"], "bytes": 0,
        }  # fmt: skip

    def finished(event: dict[str, Any]) -> None:
        if event["requestId"] in answers:
            answers[event["requestId"]]["bytes"] = event["encodedDataLength"]

    tools.on("Network.responseReceived", received)
    tools.on("Network.loadingFinished", finished)
    tools.send("Network.enable")
    page.goto(url, wait_until="load")
    # Not «networkidle»: the live stream stays open.
    page.wait_for_timeout(1500)
    context.close()
    weights: Counter[str] = Counter()
    for answer in answers.values():
        weights[kind_of(answer)] += round(answer["bytes"])
    heaviest = max(answers.values(), key=lambda answer: answer["bytes"])
    total = sum(weights.values()) - weights["photos"]
    return {
        "kb": round(total / 1000, 1),
        **{f"{kind}_kb": round(weight / 1000, 1) for kind, weight in sorted(weights.items())},
        "requests": len(answers),
        "heaviest": heaviest["url"].rsplit("/", 1)[-1],
    }


def run() -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    chromium = find_chromium()
    with portal() as base, sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"]
        )
        found = {name: first_visit(browser, f"{base}{path}") for name, path in (
            ("home", "/"), ("list", "/avis/"), ("sign_in", "/compte/login/"))}  # fmt: skip
        browser.close()
    return {
        **found,
        "promise": f"first visit <= {MOST_KB:.0f} kB without photos, "
        f"JavaScript <= {MOST_SCRIPT_KB:.0f} kB compressed",
        "kept": all(
            page["kb"] <= MOST_KB and page.get("script_kb", 0) <= MOST_SCRIPT_KB
            for page in found.values()
        ),
    }
