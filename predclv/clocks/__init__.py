"""Clocks: how days become the time that models are about, steady or with a calendar in it."""
