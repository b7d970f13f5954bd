"""One synthetic clinic with a known truth; scenarios and the shipped sample are parameter sets of
the same generator.
"""
