"""Campaigns on a clock of our own: days in minutes, an engine that lies and breaks, workers that die at any instant."""
