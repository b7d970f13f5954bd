"""What a release policy makes of the tables that leave a clinic."""
