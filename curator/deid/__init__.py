"""De-identification of one instance: rewrite its header, write it, prove it on the written bytes.

The law: an instance is released whole and proven, or nothing of it stays in the output.
"""
