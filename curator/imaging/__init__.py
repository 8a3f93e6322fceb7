"""Pixels and grids: released DICOM series and NIfTI files as `Volume`, and whether two grids are one.

The law: no voxel is resampled and no geometry is made up; what does not form one regular grid is refused with a reason.
"""
