"""A made-up clinic: a year of invented back-pain care for demonstrations, load tests and benches.

Nothing here comes from a person. The same seed, size and start date give the same bytes on every
machine. The modules, from story to file::

    chance -> protocols -> patient_story -> trajectory -> instrument, examination
           -> assessment, plan, home_measurement -> clinic -> revision, export
"""
