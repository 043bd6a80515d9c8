"""Were we right? Tables that hold a forecast against what came, and a fit against its data."""
