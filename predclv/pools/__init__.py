"""Which forecaster to take, decided on what came after earlier days of the same log."""
