"""Profiles in other programs' formats, and how they become ours: read strictly, changed without losing anything else.

Layer: a sibling of `config`; knows nothing of profile files and stores, which meet it in `cli`.
"""
