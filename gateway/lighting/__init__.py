"""Street lighting as the town plans it: groups, calendars, programmes, overrides, and how they reach the lamps.

The words are modelled on TALQ's data model (control programmes, calendars, overrides with an expiration).
"""
