"""XML text, piece by piece: attributes and texts are escaped here and nowhere else."""

from __future__ import annotations

import re
from html import escape

Attributes = dict[str, str | float]

# What XML 1.0 cannot hold, https://www.w3.org/TR/xml/#charsets
_NO_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def element(name: str, attributes: Attributes, content: str = "") -> str:
    """Return an element; `content` is XML already, numbers have one decimal at most.

    >>> element("line", {"x1": 1.25, "class": "a"})
    '<line x1="1.2" class="a"/>'
    """
    told = "".join(f' {key}="{_attribute(value)}"' for key, value in attributes.items())
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def text_of(words: str) -> str:
    """Return words as XML text; a character that XML cannot hold becomes U+FFFD."""
    return escape(_NO_XML.sub("\ufffd", words), quote=True)


def _attribute(value: str | float) -> str:
    if isinstance(value, str):
        return text_of(value)
    return f"{value:.1f}".removesuffix(".0")
