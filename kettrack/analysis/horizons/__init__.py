"""How people are at fixed horizons, and what becomes of it under each way with missing scores."""
