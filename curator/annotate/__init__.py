"""What several authors say about one image: read onto its grid, counted as joint votes, compared and joined.

The law: everything behind the readers is a pure function of how many voxels have each joint vote, so any consensus is a
look-up table over the palette and no author's vote is lost in making it.
"""
