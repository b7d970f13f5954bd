"""Exports of REDCap: the data dictionary, the forms of a row, their dates and their scales."""
