"""Faces in head scans: found, removed, and the result attacked before anything is released.

The law: every volume that comes in is defaced and proven, shown to have no face, or held with a reason; what lies
outside the removed zone keeps every bit.

    scan → view (levels, depth, shade) → find → zone → surface → fill → proof + attack → ladder → study

Sources: DICOM PS3.15 E.3.2.
"""
