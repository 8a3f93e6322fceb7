"""Faces in head volumes: where they are, how they go, and the proof that they went.

Sources: DICOM PS3.15 E.3.2 (Clean Recognizable Visual Features Option).
"""
