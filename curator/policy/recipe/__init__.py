"""A steward's recipe in the deid package's format, laid over the header policy.

The law: a recipe is carried out as the deid package would, or refused by name before anything is written; where the two
differ, the patient's side is taken. Only `read` meets the deid package, and only when a recipe is given.
"""
