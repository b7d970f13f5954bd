"""Time to an event, on whole steps or between visits: life tables, competing risks, regression."""
