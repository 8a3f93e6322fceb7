"""One self-contained HTML page about a job: what went in, what came out, what was held back, how well it trained.

The law: the same summary gives the same bytes; the page loads nothing from anywhere, and whatever text reached it is
text, never markup.
"""
