"""Header de-identification: policy decisions carried out on bytes.

The law: an element that no rule keeps is not in the output; one that is kept is there byte for byte.
"""
