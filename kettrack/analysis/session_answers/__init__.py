"""The one picture: every method on sessions and change side by side."""
