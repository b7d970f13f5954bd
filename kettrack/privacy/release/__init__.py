"""What a release policy makes of the tables that leave a clinic, and of all of them together."""
