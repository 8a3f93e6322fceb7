"""Segmentation trainer and evaluator that reads frozen datasets: plan, fit, predict, evaluate.

The law: a trainer sees datasets, never patients. What it learns depends on the dataset's bytes, the configuration and
the versions alone, so that an interrupted run that is resumed ends with the same weights as an unbroken one.
"""
