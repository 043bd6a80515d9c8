"""A user's table of purchases, wherever it lies, to checked purchases by customer and day.

``sources`` opens it, ``columns`` reads its three columns, ``statements`` holds the one statement
that summarises it, ``log`` asks it, with ``checks``, ``refunds`` and ``suspicions`` counting what
was left out or looks broken.
"""
