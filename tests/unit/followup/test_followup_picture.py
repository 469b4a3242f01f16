"""The picture: well-formed, the same bytes, accessible, without scripts, links or names."""

from __future__ import annotations

import random
import re
from typing import Any
from xml.etree import ElementTree

import pytest
from followup_world import DAYS, observation, plan, read, year

from fhir_backpain.followup.markup import element, text_of
from fhir_backpain.followup.picture import draw
from fhir_backpain.followup.trajectory import trajectories
from fhir_backpain.mapping.library import Library, load_library

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def library() -> Library:
    return load_library()


def picture(library: Library, *records: dict[str, Any], title: str = "A year") -> str:
    return draw(trajectories(read(*records), library), title)


def parts(text: str, name: str, of_class: str | None = None) -> list[ElementTree.Element]:
    found = ElementTree.fromstring(text).iter(f"{SVG}{name}")
    return [one for one in found if of_class in (None, one.get("class"))]


def test_it_is_well_formed_and_names_itself(library: Library) -> None:
    root = ElementTree.fromstring(picture(library, *year()))
    assert root.tag == f"{SVG}svg"
    named = str(root.get("aria-labelledby")).split()
    assert [one.tag for one in root[:2]] == [f"{SVG}title", f"{SVG}desc"]
    assert [one.get("id") for one in root[:2]] == named
    assert root.get("role") == "img"
    assert root[0].text == "A year"


def test_the_same_records_give_the_same_bytes(library: Library) -> None:
    records = year()
    expected = picture(library, *records)
    for seed in range(5):
        random.Random(seed).shuffle(records)
        assert picture(library, *records) == expected


def test_it_has_no_script_link_or_outside_resource(library: Library) -> None:
    text = picture(library, *year())
    names = {one.tag.removeprefix(SVG) for one in ElementTree.fromstring(text).iter()}
    assert names == {
        "svg", "title", "desc", "style", "rect", "text", "line", "circle", "polyline", "path",
    }  # fmt: skip
    assert re.findall(r"(?:href|src|url\(|on\w+=|@import)", text) == []
    assert text.count("://") == 1  # the namespace


def test_it_follows_the_scheme_of_the_reader(library: Library) -> None:
    (style,) = parts(picture(library, *year()), "style")
    assert "@media (prefers-color-scheme:dark)" in str(style.text)
    light, dark = str(style.text).split("@media")
    colours = re.compile(r"\.(\w+)\{[^}]*(?:fill|stroke):#")
    assert set(colours.findall(light)) == set(colours.findall(dark))


def test_the_description_has_every_number(library: Library) -> None:
    (desc,) = parts(picture(library, *year()), "desc")
    for words in ("  2026-01-05  44", "  2026-11-30  18", "missing: asked-declined",
                  "change -26 (-59.1 %); importantly better (at least 10 counts)",
                  "2  2026-03-02: exercise-therapy: frequency 2/week -> 3/week"):  # fmt: skip
        assert words in str(desc.text)


def test_a_gap_breaks_the_line(library: Library) -> None:
    text = picture(library, *(
        observation(f"O-{month}", f"2026-0{month}-01", **said)
        for month, said in enumerate(
            [{"score": 44}, {"score": 40}, {"missing_reason": "not-asked"}, {"score": 30},
             {"score": 20}], start=1)
    ))  # fmt: skip
    lines = [str(one.get("points")).split() for one in parts(text, "polyline")]
    assert [len(points) for points in lines] == [2, 2]
    assert len(parts(text, "circle")) == 4
    (cross,) = parts(text, "path", "gap")
    assert cross[0].text == "2026-03-01: missing, not-asked"


def test_places_are_those_of_the_numbers(library: Library) -> None:
    """Oswestry scores of 0 and 100 are at the foot and the top, first and last day at the sides."""
    scores = {"2026-01-01": 0, "2026-01-03": 50, "2026-01-05": 100}
    records = [observation(f"O-{score}", day, score=score) for day, score in scores.items()]
    text = picture(library, *records)
    (frame,) = parts(text, "rect", "frame")
    x, y, width, height = (float(str(frame.get(k))) for k in ("x", "y", "width", "height"))
    found = [
        (float(str(one.get("cx"))), float(str(one.get("cy")))) for one in parts(text, "circle")
    ]
    assert [at[1] for at in found] == [y + height, y + height / 2, y]
    assert [at[0] for at in found] == [x + 10, x + width / 2, x + width - 10]


def test_the_band_is_the_important_change_around_the_baseline(library: Library) -> None:
    text = picture(library, observation("O-1", DAYS[0], score=44))
    (band,), (frame,) = parts(text, "rect", "band"), parts(text, "rect", "frame")
    top, height = float(str(frame.get("y"))), float(str(frame.get("height")))
    # From 54 to 34 of 100 points.
    assert float(str(band.get("y"))) == pytest.approx(top + height * 0.46, abs=0.1)
    assert float(str(band.get("height"))) == pytest.approx(height * 0.2, abs=0.1)


def test_plan_changes_are_numbered_lines(library: Library) -> None:
    text = picture(library, *year())
    panels = len(trajectories(read(*year()), library))
    assert len(parts(text, "line", "mark")) == 4 * panels
    numbers = [one.text for one in parts(text, "text", "flag")]
    assert numbers == ["1", "2", "3", "4"] * panels


def test_it_names_nobody_unless_asked(library: Library) -> None:
    records = year()
    for record in records:
        record["patient"]["name"] = {"family": "Verysecret"}
        record["id"] = f"MRN-0042-{record['id']}"
    text = picture(library, *records)
    assert "Verysecret" not in text
    assert "MRN-0042" not in text
    assert "clinic.example" not in text
    assert "Verysecret" in picture(library, *records, title="Of Verysecret")


def test_one_day_or_no_value_can_be_drawn_too(library: Library) -> None:
    for records in (
        [observation("O-1", DAYS[0], score=3)],
        [observation("O-1", DAYS[0], missing_reason="not-asked")],
        [observation("O-1", DAYS[0], "body-weight", missing_reason="not-asked")],
        [observation("O-1", DAYS[0], "body-weight", score=80.5), plan("P-1", DAYS[1])],
    ):
        ElementTree.fromstring(picture(library, *records))


def test_what_is_written_is_escaped() -> None:
    assert text_of('<a b="c">&\x0b') == "&lt;a b=&quot;c&quot;&gt;&amp;\ufffd"
    assert element("text", {"class": '"<'}, text_of("<")) == (
        '<text class="&quot;&lt;">&lt;</text>'
    )


def test_a_title_cannot_break_out(library: Library) -> None:
    text = picture(library, *year(), title="</title><script>alert(1)</script>")
    assert parts(text, "script") == []
