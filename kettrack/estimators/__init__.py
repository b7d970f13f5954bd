"""Numbers from arrays: estimators that know nothing of clinics, each checked against published
answers.
"""
