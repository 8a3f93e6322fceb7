"""From files to instances: find, recognise, read headers, sort out what cannot be taken.

The law: every file found is a candidate or is held for exactly one reason; no source is written to, and nothing here
decodes a pixel.
"""
