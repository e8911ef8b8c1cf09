"""Judgements about profiles: offline (lint) and live (test)."""
