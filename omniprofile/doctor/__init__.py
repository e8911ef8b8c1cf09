"""What `doctor` looks at: files, secrets, this shell. `examine` makes every check. Above `app`, which it asks."""
