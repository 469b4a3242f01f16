"""Every page and action of the gateway, in a real Chromium, light and dark, by keyboard too."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from browser_world import PASSWORD, Site, sign_in, wait_until
from playwright.sync_api import Browser, Page, expect

from fhir_backpain.outcome import SourceLocation
from fhir_backpain.record import SourceRecord
from tests.weekly_feed import FEED_OF_FOUR as FEED

Look = Callable[[str], None]


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


def test_signing_in_with_a_provider(page: Page, site: Site, look: Look) -> None:
    page.goto(f"{site.url}/")
    look("sign-in-provider")
    page.get_by_role("link", name=re.compile("^Sign in with ")).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Flow")
    expect(page.locator("header")).to_contain_text("oidc.eve.")
    expect(page.locator("header")).to_contain_text("reader")
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


def test_a_mapping_is_changed_and_tried(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="Playground").click()
    page.get_by_text("A mapping", exact=True).click()
    page.get_by_label("Mapping of the installation").select_option("observation-measure")
    page.get_by_role("button", name="Show it").click()
    mapping = page.get_by_label("Mapping to try in its place")
    expect(mapping).to_have_value(re.compile("else: final"))
    mapping.fill(mapping.input_value().replace("else: final", "else: amended"))
    expect(page.locator("#result")).to_contain_text('"amended"')
    look("mapping")
    mapping.fill(mapping.input_value().replace("=observed_at", "=obserfed_at"))
    expect(page.locator("#result .bad").filter(has_text="mapping.yaml:").first).to_be_visible()
    look("mapping-wrong")


def test_a_clinics_own_table_goes_to_the_server_through_the_browser_alone(
    page: Page, site: Site, look: Look
) -> None:
    """As a new user does it: a file, no mapping yet, and what the page says to do next."""
    sign_in(page, site)
    page.get_by_role("link", name="Tables").click()
    look("tables")
    number = f"T-{_is_dark(page)}"
    table = f"mrn;visit;pain;typed_by\n{number};02/03/2026;7;kb\n{number};09/03/2026;4;\n"
    page.get_by_label("A file of this computer").set_input_files(
        {"name": "scores.csv", "mimeType": "text/csv", "buffer": table.encode()}
    )
    page.get_by_label("Each row is one").select_option("observation")
    page.get_by_role("button", name="Begin a mapping from the header").click()
    expect(page.locator("#result .bad").first).to_contain_text("Still to be written")
    look("table-begun")
    feed = page.get_by_label("What each column means")
    assert "{path: typed_by" in feed.input_value()
    feed.fill(FEED.replace("=mrn", "=mnr"))
    expect(page.locator("#result .bad").filter(has_text="mnr").first).to_be_visible()
    feed.fill(FEED)
    expect(page.get_by_role("status")).to_have_text("2 good, 0 rejected.")
    look("table")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save the mapping as a file").click()
    assert saved.value.suggested_filename == "my-table.feed.yaml"
    page.get_by_role("button", name=re.compile("^Send 2")).click()
    expect(page).to_have_url(f"{site.url}/messages")
    wait_until(lambda: all(one.state == "sent" for one in site.store.search(_server(site), number)))
    page.get_by_label("Record id, patient number").fill(number)
    page.get_by_role("button", name="Search").click()
    expect(page.locator("td .state.sent")).to_have_count(2)


def test_a_mapping_of_the_installation_is_chosen(page: Page, site: Site) -> None:
    sign_in(page, site)
    page.goto(f"{site.url}/tables")
    page.get_by_label("or its text, with the header").fill("row_id,mrn\nR,P\n")
    page.get_by_label("or use").select_option("home-measurements")
    page.get_by_role("button", name="Choose this mapping").click()
    feed = page.get_by_label("What each column means")
    expect(feed).to_have_value(re.compile("feed: home-measurements"))
    expect(page.locator("#result .bad").first).to_be_visible()


def test_the_tables_page_works_without_scripts(browser: Browser, site: Site) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    sign_in(page, site)
    page.goto(f"{site.url}/tables")
    page.get_by_label("or its text, with the header").fill(
        "mrn;visit;pain;typed_by\nN-1;02/03/2026;7;\n"
    )
    page.get_by_label("What each column means").fill(FEED)
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("status")).to_have_text("1 good, 0 rejected.")
    page.get_by_role("button", name=re.compile("^Send 1")).click()
    expect(page).to_have_url(f"{site.url}/messages")
    page.goto(f"{site.url}/")
    expect(page.get_by_role("status")).to_contain_text("received")
    page.get_by_role("link", name="Count again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Flow")
    context.close()


def test_the_flow_counts_while_one_looks(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    told = page.get_by_role("status")
    before = told.text_content()
    record = json.loads(json.dumps(site.records[0], default=float))
    record["id"] = f"LIVE-{_is_dark(page)}"
    site.store.append([SourceRecord(record, SourceLocation())], _server(site), "m")
    expect(told).not_to_have_text(before or "")
    expect(page.get_by_role("heading", level=2)).to_have_text(re.compile(r"^\d+ deliveries$"))
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Pause")).to_have_attribute("aria-pressed", "true")
    look("flow-live")
    page.get_by_role("link", name="sent", exact=True).click()
    expect(page).to_have_url(f"{site.url}/messages?state=sent")


def test_the_servers_page(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    page.get_by_role("link", name="Servers").first.click()
    expect(page.get_by_role("heading", name=_server(site))).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("^records are sent by"))).to_be_visible()
    look("servers")
    page.get_by_role("button", name="Ask it now").click()
    expect(page.get_by_role("row", name=re.compile("^Observation yes"))).to_be_visible()


def test_the_quality_page_leads_to_messages(page: Page, site: Site, look: Look) -> None:
    sign_in(page, site)
    key = page.locator('input[name="form_key"]').first.input_value()
    record = json.loads(json.dumps(site.records[0], default=float))
    refused = page.request.post(
        f"{site.url}/api/v1/records",
        data=json.dumps({**record, "recorded_at": "yesterday"}),
        headers={"Content-Type": "application/json", "X-Form-Key": key},
    )
    assert refused.status == 422
    lost = {**record, "id": f"LOST-{_is_dark(page)}", "record": "observation", "measure": "none"}
    lost |= {"observed_at": "2026-03-02T09:30:00+01:00", "score": 1}
    (receipt,) = site.store.append([SourceRecord(lost, SourceLocation())], _server(site), "m")
    wait_until(lambda: site.store.entry(receipt.id).state == "rejected")
    page.get_by_role("link", name="Data quality").click()
    expect(page.get_by_role("rowheader", name="recorded_at")).to_be_visible()
    look("quality")
    page.locator('a[href^="/messages/"]').first.click()
    expect(page.get_by_role("heading", name="Attempts")).to_be_visible()


def _is_dark(page: Page) -> bool:
    return bool(page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches"))


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


EVIL = (
    "<img src=x onerror=document.title=1>",
    "<script>document.title=1</script>",
    "<svg/onload=document.title=1>",
    "<div xmlns='http://www.w3.org/1999/xhtml'><a href='javascript:document.title=1'>x</a></div>",
    "<iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    "<style>*{background:url(//evil.example)}</style><link rel=stylesheet href=//evil.example>",
    "</pre></textarea></title><meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><button autofocus onfocus=document.title=1>",
    "{{ 7*7 }}{% raw %}&lt;script&gt;",
    "' onmouseover='document.title=1",
    "\u202ecod.exe\u2028<base href=//evil.example>",
)


def test_a_narrative_is_a_text_wherever_it_is_shown(page: Page, site: Site) -> None:
    """Neither markup nor scripts of a value come to life: on no page, and the policy forbids it."""
    sign_in(page, site)
    observation = next(one for one in site.records if one["record"] == "observation")
    record = json.loads(json.dumps(observation, default=float))
    record |= {"id": f"EVIL-{_is_dark(page)}", "note": "".join(EVIL)}
    (receipt,) = site.store.append([SourceRecord(record, SourceLocation())], _server(site), "m")
    page.goto(f"{site.url}/playground")
    page.get_by_label("Source", exact=True).fill(json.dumps(record))
    expect(page.locator("#result pre").first).to_contain_text("<script>document.title=1")
    for path in (f"/messages/{receipt.id}", "/messages", "/"):
        page.goto(f"{site.url}{path}")
        assert page.title() != "1"
        assert page.locator("iframe, base, main style, main link, [onerror], [onload]").count() == 0
    page.goto(f"{site.url}/messages/{receipt.id}")
    shown = page.locator("pre[aria-label=Record]").text_content() or ""
    assert all(json.dumps(one, ensure_ascii=False)[1:-1] in shown for one in EVIL[:10])
    page.goto(f"{site.url}/messages")
    page.get_by_label("Record id, patient number").fill(EVIL[0])
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_label("Record id, patient number")).to_have_value(EVIL[0])
    page.goto(f"{site.url}/tables")
    page.expected_troubles = 1  # type: ignore[attr-defined]  # the browser logs the 422
    page.get_by_label("or its text, with the header").fill("".join(EVIL) + ";b\n1;2\n")
    page.get_by_role("button", name="Begin a mapping from the header").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Tables")
    assert page.title() != "1"
