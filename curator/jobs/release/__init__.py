"""From files found to instances released or held: scan, triage, gates, de-identify, prove, record.

The law: every file that goes in is released or has one reason in the quarantine; what is written is the same whatever
the order, the number of workers and the number of interruptions.
"""
