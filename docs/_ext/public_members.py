"""Which members of a class the reference shows: what its users call, not what the package does."""

import inspect

from sphinx.application import Sphinx

# How the package's own parts speak with each other. Public in Python's sense; no user needs them.
INTERNAL = {
    "as_document", "document", "from_document", "tables", "stored", "write_scored", "keyed",
    "keyed_as", "keyed_cells", "cell_keys", "spend_of_cells", "summary_in", "places", "facts",
    "column", "keys", "known_last_day", "names", "calendar", "most_harmonics", "note", "at",
    "checks", "coordinates", "doubts", "objective", "predicted", "priors", "resampled", "space",
    "starts", "traits", "typical_amount", "slopes", "needs", "of", "empty", "names_of", "as_of",
    "group", "groups", "state", "running", "paths", "stage_chances", "stages", "living", "limits",
    "given_stage", "together", "mro", "bounds", "free", "scales", "extra",
}  # fmt: skip


def skip(app: Sphinx, what: str, name: str, obj: object, skipped: bool, options) -> bool | None:
    """Leave out inner members, and fields, which a class's own table of attributes describes."""
    if what in ("class", "exception") and (
        name in INTERNAL or inspect.ismemberdescriptor(obj) or not (obj.__doc__ or "").strip()
    ):
        return True
    return None


def setup(app: Sphinx) -> dict[str, bool]:
    """Have autodoc ask."""
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
