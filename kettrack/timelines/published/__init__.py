"""Published rules that rate a patient once: met, not met, or not rated and why."""
