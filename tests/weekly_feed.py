"""A clinic's own table of weekly pain, as several tests describe it to the gateway."""

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
"""
"""Reads the columns mrn, visit and pain."""

FEED_OF_FOUR = f"""\
{FEED}ignore:
  - {{path: typed_by, because: not clinical}}
"""
"""Reads them, and ignores typed_by."""
