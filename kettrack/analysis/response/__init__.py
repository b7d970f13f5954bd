"""Response and remission by session: as it happened, if all had continued, after the course, and
whether to go on.
"""
