"""Every page and action of the gateway, in a real Chromium, light and dark, by keyboard too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from browser_world import PASSWORD, Site, sign_in, wait_until
from playwright.sync_api import Page, expect

Look = Callable[[str], None]

FEED = """\
feed: weekly
makes: observation
table: {delimiter: ";", missing: [""]}
record:
  test_data: true
  id: {=text: "{mrn}-{visit}"}
  source: https://clinic.example/weekly
  patient:
    identifier: {system: https://clinic.example/mrn, value: =mrn}
  observed_at: {=date: visit, form: dd/mm/yyyy}
  measure: pain-nrs-week
  score: {=number: pain}
ignore:
  - {path: typed_by, because: not clinical}
"""


def test_signing_in_and_out(page: Page, site: Site, look: Look) -> None:
    page.goto(f"{site.url}/messages")
    expect(page).to_have_url(f"{site.url}/sign-in")
    look("sign-in")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong" * 4)
    page.expected_troubles = 1  # type: ignore[attr-defined]  # the browser logs the 401
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    look("sign-in-failed")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Flow")
    look("flow")
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.url}/sign-in")


def test_the_keyboard_is_enough(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.textContent.trim()")
        if focused == "Messages":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Messages")


def test_a_message_is_found_and_its_values_followed(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="Messages").click()
    look("messages")
    record = next(one for one in site.records if one["record"] == "observation")
    page.get_by_label("Record id, patient number").fill(record["id"])
    page.get_by_role("button", name="Search").click()
    assert record["id"] not in page.url
    page.get_by_role("link", name=record["id"]).click()
    look("message")
    score = page.get_by_label("Record", exact=True).locator('.leaf[data-from="/score"]')
    score.first.hover()
    lit = page.locator(".leaf.lit")
    expect(lit.first).to_be_visible()
    assert lit.count() >= 2
    texts = set(lit.all_text_contents())
    assert texts == {str(record["score"])}
    score.first.focus()
    assert page.locator(".leaf.lit").count() >= 2


def test_a_delivery_is_compared_then_sent_once_more(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    (entry, *_) = site.store.entries(state="sent", limit=1)
    page.goto(f"{site.url}/messages/{entry.id}")
    again = page.get_by_role("button", name="Send once more")
    expect(again).to_be_disabled()
    page.get_by_role("button", name="Compare with the server").click()
    expect(page.get_by_role("heading", name="What sending would change")).to_be_visible()
    look("compared")
    page.get_by_label(re.compile("^Why")).fill("to be sure")
    page.get_by_role("button", name="Send once more").click()
    wait_until(lambda: site.store.entry(entry.id).state == "sent")
    told = [one for one in site.store.trail(entry.id) if one.what == "replayed"]
    assert (told[-1].actor, told[-1].because) == ("ada", "to be sure")


def test_a_reader_sees_no_way_to_decide(page: Page, site: Site) -> None:
    sign_in(page, site, "bob")
    (entry, *_) = site.store.entries(state="sent", limit=1)
    page.goto(f"{site.url}/messages/{entry.id}")
    expect(page.get_by_role("heading", name="Record and resources")).to_be_visible()
    expect(page.get_by_role("button", name="Discard")).to_have_count(0)


def test_the_playground_answers_while_one_types(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="Playground").click()
    look("playground")
    source = page.get_by_label("Source", exact=True)
    source.fill(source.input_value().replace('"score": 7', '"score": 77'))
    expect(page.get_by_role("status")).to_have_text("0 good, 1 rejected.")
    source.fill(source.input_value().replace('"score": 77', '"score": 6'))
    expect(page.get_by_role("status")).to_have_text("1 good, 0 rejected.")
    page.locator('#result .leaf[data-from="/score"]').first.hover()
    assert page.locator(".leaf.lit").count() >= 2


def test_a_clinics_own_table_goes_to_the_server_through_the_browser_alone(
    page: Page, site: Site, look: Look
) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/playground")
    page.get_by_text("A table", exact=True).click()
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    number = f"T-{is_dark}"
    table = f"mrn;visit;pain;typed_by\n{number};02/03/2026;7;kb\n{number};09/03/2026;4;\n"
    page.get_by_label(re.compile("^Read the source")).set_input_files(
        {"name": "scores.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    page.get_by_label("Feed mapping").fill(FEED.replace("=mrn", "=mnr"))
    expect(page.locator("#result .bad").filter(has_text="mnr").first).to_be_visible()
    page.get_by_label("Feed mapping").fill(FEED)
    expect(page.get_by_role("status")).to_have_text("2 good, 0 rejected.")
    look("table")
    page.get_by_role("button", name="Send 2 to the server").click()
    expect(page).to_have_url(f"{site.url}/messages")
    wait_until(lambda: all(one.state == "sent" for one in site.store.search(_server(site), number)))
    page.get_by_label("Record id, patient number").fill(number)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("td .state.sent")).to_have_count(2)


def _server(site: Site) -> str:
    (server,) = site.store.servers()
    return server


def test_a_patient_is_shown(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="Patients").click()
    page.get_by_label("Patient number").fill(site.records[0]["patient"]["identifier"]["value"])
    page.get_by_role("button", name="Show").click()
    plots = page.locator("img.plot")
    expect(plots.first).to_be_visible()
    assert page.evaluate("[...document.images].every((one) => one.naturalWidth > 100)")
    page.get_by_text("Values", exact=True).first.click()
    look("patient")


def test_the_api_page(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="POST /api/v1/records", exact=True)).to_be_visible()
    look("api")
    assert json.loads(page.request.get(f"{site.url}/openapi.json").text())["openapi"] == "3.1.0"


def test_a_value_that_looks_like_a_script_is_a_text(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/playground")
    source = page.get_by_label("Source", exact=True)
    evil = "<img src=x onerror=document.title=1><script>document.title=1</script>"
    source.fill(source.input_value().replace('"score"', f'"note": {json.dumps(evil)}, "score"'))
    expect(page.locator("#result pre").first).to_contain_text("<script>document.title=1")
    assert page.title() != "1"
