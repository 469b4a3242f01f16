"""The plots of the patient view in a real Chromium: by pointer, by keys, and without scripts."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from browser_world import Site, sign_in, wait_until
from playwright.sync_api import Browser, Locator, Page, expect

from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord

Look = Callable[[str], None]
NUMBER = "GAP-1"
PAIN = (("2024-01-08", 8), ("2024-02-05", None), ("2024-03-04", 7), ("2024-05-06", 3))
TOLD = (
    "2024-01-08: 8, severe; the baseline",
    "Plan change 1, 2024-01-08: plan begins",
    "2024-02-05: missing, asked-declined",
    "2024-03-04: 7, moderate; no important change since the baseline",
    "2024-05-06: 3, mild; importantly better since the baseline",
)
"""What the arrow keys tell, in order."""


@pytest.fixture(scope="module")
def patient(site: Site) -> str:
    """A patient with one series of pain, one value of it missing, and one plan."""
    first = next(one for one in site.records if one["record"] == "observation")
    plan = next(one for one in site.records if one["record"] == "care-plan")
    identifier = {**first["patient"]["identifier"], "value": NUMBER}
    who = {"source": first["source"], "test_data": True, "patient": {"identifier": identifier}}
    records: list[dict[str, Any]] = [
        {**who, "record": "observation", "id": f"{NUMBER}-{day}", "observed_at": day,
         "measure": "pain-nrs", "site": "low-back",
         **({"missing_reason": "asked-declined"} if score is None else {"score": score})}
        for day, score in PAIN
    ]  # fmt: skip
    started = {"id": f"{NUMBER}-P", "written_at": "2024-01-08", "status": "active"}
    records.append({**who, "record": "care-plan", "intent": plan["intent"], **started})
    (server,) = site.store.servers()
    site.store.append([SourceRecord(one, SourceLocation()) for one in records], server, "m")
    return NUMBER


def show(page: Page, site: Site, number: str) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/patients")
    page.get_by_label("Patient number").fill(number)
    page.get_by_role("button", name="Show").click()


def plot_of(page: Page) -> Locator:
    return page.get_by_role("application", name="Plot of pain-nrs, low-back")


def drawn(page: Page) -> str:
    """Return what is on the canvas, once it is drawn."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return str(plot_of(page).locator("canvas").evaluate("(one) => one.toDataURL()"))


def test_a_plot_is_drawn_over_the_picture(page: Page, site: Site, patient: str, look: Look) -> None:
    show(page, site, patient)
    expect(plot_of(page)).to_be_visible()
    expect(page.locator(".trajectory > img")).to_have_count(1)
    box = page.locator(".trajectory > img").bounding_box()
    assert box is not None
    assert box["width"] <= 1
    painted = "(c) => c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(Boolean)"
    assert plot_of(page).locator("canvas").evaluate(painted)
    look("trajectory")


def test_the_arrow_keys_tell_every_value_and_change(
    page: Page, site: Site, patient: str, look: Look
) -> None:
    show(page, site, patient)
    told = page.locator(".trajectory [aria-live=polite]")
    page.get_by_role("button", name="Whole time").focus()
    page.keyboard.press("Tab")
    expect(plot_of(page)).to_be_focused()
    for words in TOLD:
        page.keyboard.press("ArrowRight")
        expect(told).to_have_text(words)
    look("trajectory-keys")
    page.keyboard.press("ArrowLeft")
    expect(told).to_have_text(TOLD[-2])
    page.keyboard.press("Home")
    expect(told).to_have_text(TOLD[0])
    page.keyboard.press("End")
    expect(told).to_have_text(TOLD[-1])
    page.keyboard.press("Tab")
    expect(told).to_have_text("")


def test_the_pointer_is_told_values_and_what_is_beside_them(
    page: Page, site: Site, patient: str, look: Look
) -> None:
    show(page, site, patient)
    area = plot_of(page).locator(".u-over")
    area.scroll_into_view_if_needed()
    box = area.bounding_box()
    assert box is not None
    told = page.locator(".trajectory [aria-live=polite]")
    area.hover(position={"x": box["width"] - 20, "y": 50})
    expect(told).to_have_text(TOLD[-1])
    area.hover(position={"x": 20, "y": 50})
    expect(told).to_have_text("\n".join(TOLD[:2]))
    look("trajectory-pointer")


def test_time_is_zoomed_by_dragging_buttons_and_keys(
    page: Page, site: Site, patient: str, look: Look
) -> None:
    show(page, site, patient)
    whole = drawn(page)
    area = plot_of(page).locator(".u-over")
    area.hover(position={"x": 200, "y": 50})
    page.mouse.down()
    area.hover(position={"x": 400, "y": 60})
    page.mouse.up()
    dragged = drawn(page)
    assert dragged != whole
    look("trajectory-zoomed")
    page.get_by_role("button", name="Whole time").press("Enter")
    assert drawn(page) == whole
    page.get_by_role("button", name="Zoom in").press("Enter")
    assert drawn(page) not in (whole, dragged)
    page.get_by_role("button", name="Whole time").click()
    assert drawn(page) == whole
    plot_of(page).focus()
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.press("+")
    nearer = drawn(page)
    page.keyboard.press("Home")  # a value outside of what is seen is brought into view
    assert drawn(page) not in (whole, nearer)
    for _ in range(3):
        page.keyboard.press("-")
    assert drawn(page) == whole


def test_the_plot_follows_scheme_window_and_printer(
    page: Page, site: Site, patient: str, look: Look
) -> None:
    show(page, site, patient)
    before = drawn(page)
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    wait_until(lambda: drawn(page) != before)
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    wait_until(lambda: drawn(page) == before)
    page.set_viewport_size({"width": 400, "height": 900})
    expect(plot_of(page).locator(".uplot")).to_have_css("width", "368px")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    look("trajectory-narrow")
    page.emulate_media(media="print")
    expect(plot_of(page)).to_be_hidden()
    box = page.locator(".trajectory > img").bounding_box()
    assert box is not None
    assert box["width"] > 300


def test_without_scripts_the_picture_is_there(browser: Browser, site: Site, patient: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    show(page, site, patient)
    box = page.locator(".trajectory > img").bounding_box()
    assert box is not None
    assert box["width"] > 600
    expect(page.get_by_text("press the left and right arrow keys")).to_be_hidden()
    expect(page.get_by_role("application")).to_have_count(0)
    told = json.loads(page.locator(".trajectory").get_attribute("data-chart") or "")
    assert [one["value"] for one in told["points"]] == [score for _, score in PAIN]
    context.close()
