"""Who is counted and who each one is: ladder, baseline, swimmer, a patient's page, the list for
review.
"""
