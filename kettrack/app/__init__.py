"""The dashboard: five answers and key figures of one clinic, in a browser of this machine."""
