"""Molecular dynamics of the Kob-Andersen mixture."""
