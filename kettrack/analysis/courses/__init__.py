"""What happened, described: sessions, states week by week, losses, second series, the usual course,
other rules.
"""
