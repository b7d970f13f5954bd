"""Methods on trial: every estimator against a simulated truth, through the front door."""
