"""Segmentation trainer and evaluator that reads frozen datasets: plan, fit, predict, evaluate.

The law: a trainer sees datasets, never patients. What it learns depends on the dataset's bytes, the configuration and
the versions alone, so that an interrupted run that is resumed ends with the same weights as an unbroken one.
"""

import os

# Threads that spin while they wait take the core that another process needs: on a shared machine a step took four times
# as long. It has to be said before torch starts its threads; who set it otherwise is obeyed.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
