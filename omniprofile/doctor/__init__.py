"""The checks of `doctor`: files, secrets, this shell. `examine` runs them all. Built on `app`."""
