"""Jobs: stages in order, resumable, each item exactly once; the one place where ports meet adapters.

The law: what a job wrote does not depend on how often it was stopped, on how many workers it had or on their order.
"""
