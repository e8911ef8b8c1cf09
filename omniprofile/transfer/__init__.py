"""Profiles in the formats of others, and how they become ours: read strictly, changed without losing what is not ours.

Layer: a sibling of `config`; knows nothing of profile files and stores, which meet it in `cli`.
"""
