"""Standard tables out: analysis data sets as CDISC lays them out, episodes as OMOP does, and the
cohort itself as a data package.
"""
