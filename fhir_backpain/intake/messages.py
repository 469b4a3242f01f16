"""What can be wrong with what is taken in."""

from fhir_backpain.outcome import Message

FEED_NEEDED = Message(
    2050, "required", "A table needs a feed mapping", "Name one: --feed FILE.feed.yaml."
)
MORE_ISSUES = Message(
    2051,
    "informational",
    "Not every issue is listed",
    "Correct the listed ones and run again, or raise the limit with --max-issues.",
    severity="information",
)
