"""Judgements: about profiles offline (lint) and live (test), about everything around them (doctor)."""
