"""Figures draw plain tables and never compute."""
