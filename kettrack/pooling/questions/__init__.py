"""What a site counts for each question that can be pooled, and the answer from the sum."""
