"""Checks of profiles: offline (`lint`) and live (`test`)."""
