"""DICOM files as bytes: where each element lies, what its text says, how a new one is written.

The law: every byte of a data set is accounted for by an element, an item or a delimiter, or the file is refused.

Sources: DICOM PS3.5 (7.1 data elements, 7.5 nesting, A.4 encapsulation), PS3.10 7.1 (file meta).
"""
