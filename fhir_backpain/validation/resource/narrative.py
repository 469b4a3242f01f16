"""Whether a narrative is the plain XHTML that FHIR allows: nothing that runs, nothing fetched.

FHIR: Narrative.div, txt-1 and txt-2, http://hl7.org/fhir/R4/narrative.html#security
"""

from __future__ import annotations

import re
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"
_ELEMENT_WORDS = (
    "div p br h1 h2 h3 h4 h5 h6 blockquote hr pre ul ol li dl dt dd table caption colgroup col"
    " thead tbody tfoot tr td th a span img map area b big i small strike tt u font em strong dfn"
    " code samp kbd var cite abbr acronym sub sup q ins del address bdo s"
)
_ATTRIBUTE_WORDS = (
    "xmlns title style class id idref lang xml:lang xml:space dir accesskey tabindex span width"
    " align valign char charoff abbr axis headers scope rowspan colspan summary border frame rules"
    " cellpadding cellspacing href hreflang name rel rev type charset shape coords src alt ismap"
    " usemap longdesc height nowrap bgcolor color size face cite datetime start value compact clear"
    " noshade hspace vspace"
)
_ELEMENTS = frozenset(_ELEMENT_WORDS.split())
_ATTRIBUTES = frozenset(_ATTRIBUTE_WORDS.split())
_RUNS = re.compile(r"^[\s\x00-\x20]*(?:javascript|vbscript|data(?!:image/))[\s\x00-\x20]*:", re.I)
_STYLE_RUNS = re.compile(r"expression\s*\(|javascript:|url\s*\(|@import|-moz-binding", re.I)
_CONTENT = ("img", "map", "area", "hr", "table")
# Paragraphs of plain text: sure to be good, in a twentieth of the time.
_PLAINEST = re.compile(
    r'<div xmlns="http://www\.w3\.org/1999/xhtml">'
    r"(?:<p>[!-%'-;=?-~][ !-%'-;=?-~\u00a0-\ud7ff]*</p>)+</div>"
)
_DECLARED = re.compile(r"<!DOCTYPE|<!ENTITY|<\?", re.I)


class _UnsafeError(Exception):
    """What is wrong, in words."""


def unsafe_narrative(div: str) -> str | None:
    """Return in words why the XHTML of a narrative is not allowed, or None where it is fine.

    >>> unsafe_narrative('<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="x()">a</p></div>')
    'the attribute onclick is not allowed'
    """
    if _PLAINEST.fullmatch(div):
        return None
    if _DECLARED.search(div):
        return "declarations and processing instructions are not allowed"
    reader = _Reader()
    try:
        reader.read(div)
    except _UnsafeError as problem:
        return str(problem)
    except (expat.ExpatError, ValueError):
        return "the XHTML is not well-formed"
    return None if reader.has_content else "the narrative has no content"


class _Reader:
    """Reads one div, and stops at the first thing that is not allowed."""

    def __init__(self) -> None:
        self.has_content = False
        self._depth = 0
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def read(self, div: str) -> None:
        """Raise _UnsafeError or ExpatError where the text is not allowed."""
        self._parser.Parse(div.encode("utf-8"), True)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._depth == 0 and (name != "div" or attributes.get("xmlns") != _XHTML):
            raise _UnsafeError("the narrative is not one div of the XHTML namespace")
        self._depth += 1
        if name not in _ELEMENTS:
            raise _UnsafeError("an element is not one of those that FHIR allows in a narrative")
        self.has_content |= name in _CONTENT
        for attribute, value in attributes.items():
            _check_attribute(attribute, value)

    def _end(self, name: str) -> None:
        self._depth -= 1

    def _characters(self, text: str) -> None:
        self.has_content |= not text.isspace()


def _check_attribute(name: str, value: str) -> None:
    if name.lower().startswith("on") and name.isalpha():
        raise _UnsafeError(f"the attribute {name[:20]} is not allowed")
    if name not in _ATTRIBUTES:
        raise _UnsafeError("an attribute is not one of those that FHIR allows in a narrative")
    if name in ("href", "src", "cite", "longdesc", "usemap") and _RUNS.search(value):
        raise _UnsafeError(f"the {name} would run a script")
    if name == "style" and _STYLE_RUNS.search(value):
        raise _UnsafeError("a style runs or fetches something")
