"""What would have happened: weights for what was decided, strategies of stopping, the g-formula."""
