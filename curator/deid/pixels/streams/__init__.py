"""Codestreams by their marker segments: what of one frame is picture, and what is something written beside it.

The law: nothing is decoded here, and no byte that codes the picture is changed.
"""
